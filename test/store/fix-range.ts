import type { Stream } from '../../src/model/feed.ts'
import type { Db } from '../../src/store/db.ts'
import { type AskedRange, type FixedPoll, fixRanges, type Poller } from '../../src/store/polls.ts'

/** What one poll considers, fixed by itself. */
export async function fixRange(
  db: Db,
  poller: Poller,
  stream: Stream,
  asked: AskedRange,
): Promise<FixedPoll> {
  const [fixed] = await fixRanges(db, stream.collectionId, [{ poller, stream, asked }])
  return fixed as FixedPoll
}
