import { type Intake, writeInTurn } from '../intake/intake.ts'
import { countUnfinished } from '../store/readings.ts'
import { getSourceId } from '../store/sources.ts'
import { fetchPulses } from './fetch-pulses.ts'
import { finishPulses } from './finish-pulses.ts'
import { followEvents } from './follow-events.ts'
import { reconcilePulses } from './reconcile-pulses.ts'
import { attempt, type OtxWalkSettings, type Walk, type WalkProblem } from './walk.ts'
import { walkAuthors } from './walk-authors.ts'
import { readWalkCursor } from './walk-cursor.ts'
import { walkPulses } from './walk-pulses.ts'

export type { OtxWalkProgress, OtxWalkSettings, WalkProblem } from './walk.ts'
export { requestResync } from './walk-cursor.ts'

/** A walk that came to its end. */
export interface WalkOutcome {
  /** seen in the lists */
  readonly pulses: number
  /** reports that were removed because OTX has them no more */
  readonly gone: number
  /** reports of which indicators are still to be fetched */
  readonly unfinished: number
  /** what OTX did not answer as it should, and the next walk tries again */
  readonly problems: readonly WalkProblem[]
}

const defaultFirstSyncDays = 30
const dayMs = 86_400_000

/**
 * Follows OTX's events, walks its subscribed pulses from where the last whole walk ended, reads the
 * indicators of those that it sent in part, and compares the ids of all. Each step saves in the source's
 * cursor, or with the report, what it has passed, so that a walk that was cut short goes on where it was.
 * @throws UpstreamError when the list of pulses cannot be walked to its end; what came before it is kept.
 *   `retryAfterMs` is how long OTX wants to be left alone, where it says so
 * @throws what the intake's fence rejects with, when another process walks now
 */
export async function walkOtx(intake: Intake, settings: OtxWalkSettings): Promise<WalkOutcome> {
  // Read in turn: behind the intake lock no transaction of a former walker is under way any more, and the
  // fence lets none begin. So nobody but this walk moves what it reads from here on.
  const { sourceId, cursor } = await writeInTurn(intake, async (trx) => {
    const id = await getSourceId(trx, 'otx')
    return { sourceId: id, cursor: await readWalkCursor(trx, id) }
  })
  const { firstSyncDays = defaultFirstSyncDays, client, signal } = settings
  const walk: Walk = {
    intake,
    settings,
    sourceId,
    firstSync: new Date(intake.clock().getTime() - firstSyncDays * dayMs),
    problems: [],
    seen: { pulses: 0, totalPulses: undefined, gone: 0 },
  }
  const me = await attempt(walk, 'whose key it is', () => client.me(signal))
  if (me) await settings.onMe?.(me.username)
  await followEvents(walk)
  await fetchPulses(walk)
  // After a walk that was broken off, before what broke it can do so again.
  if (cursor.walk) await finishPulses(walk)
  await walkPulses(walk)
  await walkAuthors(walk)
  await finishPulses(walk)
  await reconcilePulses(walk)
  const { pulses, gone } = walk.seen
  const unfinished = await countUnfinished(intake.db, sourceId)
  return { pulses, gone, unfinished, problems: walk.problems }
}
