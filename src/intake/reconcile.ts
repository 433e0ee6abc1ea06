import { prepareBlocks } from '../publish/prepare.ts'
import { publish } from '../publish/publish.ts'
import { readIndicatorIds } from '../store/assertions.ts'
import { markReconciled, readCollections, type StoredCollection } from '../store/collections.ts'
import { type Intake, writeInTurn } from './intake.ts'

const batchIndicators = 5_000

export interface Reconciled {
  readonly collections: readonly string[]
  readonly published: number
  readonly withdrawn: number
}

/**
 * Brings what the collections publish in line with their settings, where those have changed since.
 * Cut short, it begins anew the next time; what is already right is not published twice.
 */
export async function reconcileCollections(
  intake: Intake,
  onProgress: (done: {
    readonly indicators: number
    readonly published: number
  }) => void = () => {},
): Promise<Reconciled> {
  const { db, producer } = intake
  const changed = (await readCollections(db)).filter(isBehind)
  let published = 0
  let withdrawn = 0
  let afterId = changed.length > 0 ? 0 : undefined
  while (afterId !== undefined) {
    const ids: readonly number[] = await readIndicatorIds(db, afterId, batchIndicators)
    const done = await writeInTurn(intake, async (trx, now) => {
      const prepared = await prepareBlocks(trx, ids, changed, producer, now)
      return { published: await publish(trx, prepared), withdrawn: prepared.withdrawn }
    })
    published += done.published
    withdrawn += done.withdrawn
    onProgress({ indicators: ids.length, published: done.published })
    afterId = ids.at(-1)
  }
  for (const { id, settingsVersion } of changed) await markReconciled(db, id, settingsVersion)
  return { collections: changed.map((collection) => collection.name), published, withdrawn }
}

function isBehind(collection: StoredCollection): boolean {
  return collection.reconciledVersion < collection.settingsVersion
}
