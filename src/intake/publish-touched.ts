import { prepareBlocks } from '../publish/prepare.ts'
import { publish } from '../publish/publish.ts'
import { readCollections } from '../store/collections.ts'
import type { Db } from '../store/db.ts'
import { applyOverrides } from '../store/overrides.ts'
import type { Intake } from './intake.ts'

/** Last in a transaction that has written verdicts of these indicators: lets the feeds follow them. */
export async function publishTouched(
  { producer }: Pick<Intake, 'producer'>,
  trx: Db,
  indicatorIds: Iterable<number>,
  now: Date,
): Promise<{ readonly published: number; readonly withdrawn: number }> {
  const ids = [...new Set(indicatorIds)]
  await applyOverrides(trx, ids, now)
  const prepared = await prepareBlocks(trx, ids, await readCollections(trx), producer, now)
  return { published: await publish(trx, prepared), withdrawn: prepared.withdrawn }
}
