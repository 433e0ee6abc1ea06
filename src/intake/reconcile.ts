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
  const changedIds = new Set(changed.map(({ id }) => id))
  let published = 0
  let withdrawn = 0
  let afterId = changed.length > 0 ? 0 : undefined
  while (afterId !== undefined) {
    const after: number = afterId
    // Read behind the lock: by then the indicators are there of whoever had still read the former settings,
    // and settings that have changed once more meanwhile are not followed any more.
    const done = await writeInTurn(intake, async (trx, now) => {
      const ids = await readIndicatorIds(trx, after, batchIndicators)
      const collections = (await readCollections(trx)).filter(({ id }) => changedIds.has(id))
      const prepared = await prepareBlocks(trx, ids, collections, producer, now)
      return { ids, published: await publish(trx, prepared), withdrawn: prepared.withdrawn }
    })
    published += done.published
    withdrawn += done.withdrawn
    onProgress({ indicators: done.ids.length, published: done.published })
    afterId = done.ids.at(-1)
  }
  for (const { id, settingsVersion } of changed) await markReconciled(db, id, settingsVersion)
  return { collections: changed.map((collection) => collection.name), published, withdrawn }
}

function isBehind(collection: StoredCollection): boolean {
  return collection.reconciledVersion < collection.settingsVersion
}
