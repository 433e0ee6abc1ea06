import { sql } from 'kysely'
import type { LabelRange, Snapshot, Stream } from '../model/feed.ts'
import type { Micros } from '../model/micros.ts'
import { bindingNumber } from './collections.ts'
import type { Db } from './db.ts'

/**
 * Fixes what a poll considers and enters it in the ledger, in one statement. Waits for a publication of
 * the collection that is being committed, a matter of milliseconds.
 * @returns the end: never beyond what is settled; the begin: that of the request, or an earlier one for a
 * client that goes on from an end, or a clock, that was ahead of the feed when it was answered
 */
export async function fixRange(
  db: Db,
  poller: {
    readonly account: { readonly id: number }
    readonly address: string
    readonly userAgent: string
  },
  stream: Stream,
  asked: { readonly begin?: Micros; readonly end?: Micros; readonly countsOnly: boolean },
): Promise<{ pollId: number; range: LabelRange; snapshot: Snapshot }> {
  const { rows } = await sql<{
    poll_id: number
    fixed_begin: Micros | null
    fixed_end: Micros
    fixed_as_of: number
  }>`
    select * from taxiway_fix_range(${poller.account.id}::integer, ${stream.collectionId}::integer,
      ${bindingNumber(stream.binding)}::smallint, ${asked.begin ?? null}::bigint,
      ${asked.end ?? null}::bigint, ${asked.countsOnly}::boolean, ${poller.address}::text,
      ${poller.userAgent}::text)`.execute(db)
  const [fixed] = rows
  if (!fixed) throw new Error('taxiway_fix_range returned nothing')
  return {
    pollId: fixed.poll_id,
    range: { begin: fixed.fixed_begin ?? undefined, end: fixed.fixed_end },
    snapshot: { ...stream, asOf: fixed.fixed_as_of },
  }
}
