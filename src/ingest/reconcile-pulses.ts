import { writeInTurn } from '../intake/intake.ts'
import { removeReports } from '../intake/remove-reports.ts'
import { UpstreamError } from '../model/errors.ts'
import { readReportIds } from '../store/reports.ts'
import { fetchPulses } from './fetch-pulses.ts'
import { attempt, noteProblem, tellProgress, type Walk } from './walk.ts'
import { changeCursor, readWalkCursor } from './walk-cursor.ts'

const hourMs = 3_600_000

/**
 * Compares what is stored with the ids of all that is subscribed, once a day or when an event asks for it.
 * What two such lists in a row lack is gone: a single wrong answer empties no feed. Pulses that were gone and
 * are listed again are fetched.
 */
export async function reconcilePulses(walk: Walk): Promise<void> {
  const { intake, settings, sourceId } = walk
  const { reconciliation: last, reconcile } = await readWalkCursor(intake.db, sourceId)
  const now = intake.clock()
  const afterMs = (settings.reconcileHours ?? 24) * hourMs
  if (!reconcile && last && now.getTime() - Date.parse(last.at) < afterMs) return
  const listed = await attempt(walk, 'the ids of what is subscribed', () =>
    settings.client.subscribedPulseIds(settings.signal),
  )
  if (!listed) return
  const stored = await readReportIds(intake.db, sourceId)
  const held = stored.filter(({ gone }) => gone === undefined)
  if (listed.size === 0 && held.length > 0) {
    noteProblem(walk, 'the ids of what is subscribed', nothingSubscribed(held.length))
    return
  }
  const lacked = new Set(last?.missing)
  const missing = held.map(({ externalId }) => externalId).filter((id) => !listed.has(id))
  const gone = missing.filter((id) => lacked.has(id))
  walk.seen.gone += await removeReports(intake, sourceId, gone, 'unsubscribed', tellProgress(walk))
  const suspects = missing.filter((id) => !lacked.has(id))
  const back = stored
    .filter((one) => one.gone !== undefined && listed.has(one.externalId))
    .map(({ externalId }) => externalId)
  await writeInTurn(intake, (trx) =>
    changeCursor(trx, sourceId, ({ reconcile: wish, fetch = [], ...cursor }) => {
      const ids = [...new Set([...fetch, ...back])]
      return {
        ...cursor,
        ...(ids.length > 0 && { fetch: ids }),
        reconciliation: { at: now.toISOString(), missing: suspects },
        // Who asked for it needs the second list as well, and not a day later.
        ...(wish && suspects.length > 0 && { reconcile: wish }),
      }
    }),
  )
  if (back.length > 0) await fetchPulses(walk)
}

function nothingSubscribed(stored: number): UpstreamError {
  const message = `OTX lists none, though ${stored} pulses are stored; none of them was removed`
  return new UpstreamError('OTX_NOTHING_SUBSCRIBED', message, true)
}
