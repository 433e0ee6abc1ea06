import { prepareBlocks } from '../publish/prepare.ts'
import { publish } from '../publish/publish.ts'
import { readCollections } from '../store/collections.ts'
import type { Db } from '../store/db.ts'
import { applyOverrides } from '../store/overrides.ts'
import type { Intake } from './intake.ts'

/**
 * Last in a transaction that has written verdicts of these indicators: lets the feeds follow them.
 * @param reportIds the reports whose assertions were written; undefined: of any
 */
export async function publishTouched(
  { producer }: Pick<Intake, 'producer'>,
  trx: Db,
  indicatorIds: Iterable<number>,
  now: Date,
  reportIds?: Iterable<number>,
): Promise<{ readonly published: number; readonly withdrawn: number }> {
  const ids = [...new Set(indicatorIds)]
  const overridden = await applyOverrides(trx, ids, now)
  // An override that is over by now is over for all reports.
  const ofReports = reportIds && overridden.length === 0 ? { reportIds: [...reportIds] } : {}
  const touched = { indicatorIds: ids, ...ofReports }
  const prepared = await prepareBlocks(trx, touched, await readCollections(trx), producer, now)
  return { published: await publish(trx, prepared), withdrawn: prepared.withdrawn }
}
