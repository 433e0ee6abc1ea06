import type { RecordedReason } from '../store/assertions.ts'
import { markGone, openForRemoval } from '../store/reports.ts'
import { endReports } from '../store/retractions.ts'
import { type Intake, writeInTurn } from './intake.ts'
import { batchAssertions } from './pieces.ts'
import { publishTouched } from './publish-touched.ts'
import { nothingTakenIn, type TakenIn } from './take-in.ts'

/** Why a source has a report no more. */
export type Gone = 'deleted' | 'unsubscribed'

const verdicts: Readonly<Record<Gone, RecordedReason>> = {
  deleted: {
    reason: 'gone',
    rule: 'source:deleted',
    detail: 'the source has deleted the report',
  },
  unsubscribed: {
    reason: 'gone',
    rule: 'source:unsubscribed',
    detail: 'the report is not among those that are subscribed any more',
  },
}

// A report without indicators costs no batch; a list of thousands is not to be one statement.
const chunkReports = 500

/**
 * Ends all that these reports assert and lets the feeds follow; should one come again, it is taken in anew.
 * What is gone already, or was never stored, is passed over. Cut short, the same call goes on.
 * @returns how many reports were removed
 */
export async function removeReports(
  intake: Intake,
  sourceId: number,
  externalIds: readonly string[],
  why: Gone,
  onProgress: (done: TakenIn) => void = () => {},
): Promise<number> {
  let removed = 0
  for (let from = 0; from < externalIds.length; from += chunkReports) {
    const chunk = externalIds.slice(from, from + chunkReports)
    for (let more = true; more; ) {
      const done = await writeInTurn(intake, async (trx, now) => {
        const ids = await openForRemoval(trx, sourceId, chunk)
        if (ids.length === 0) return undefined
        const touched = await endReports(trx, ids, verdicts[why], now, batchAssertions)
        more = touched.length === batchAssertions
        // Not before all of it has ended: a report that is gone is not looked at again.
        if (!more) await markGone(trx, ids, why)
        const published = await publishTouched(intake, trx, touched, now, ids)
        return { reports: more ? 0 : ids.length, taken: { ...nothingTakenIn, ...published } }
      })
      if (!done) break
      removed += done.reports
      onProgress(done.taken)
    }
  }
  return removed
}
