import type { Collection } from '../model/collection.ts'
import { planByIndex } from './blocks.ts'
import type { Db } from './db.ts'
import { readIndicatorIds } from './indicator-walks.ts'
import { type IndicatorWithPermits, readPermits } from './views.ts'

// With long descriptions and what their reports say, some megabytes.
const defaultBatch = 2_000

/**
 * Reads the indicators that a collection's rule, TLP and publicity permit, as publishing does, by their ids and
 * a bounded batch at a time. Each batch is read in a transaction of its own, so what others write meanwhile may
 * be missing.
 * @param collection its shape is not looked at
 * @yields `lookedAt`: how many of all indicators the batch went through; `permitted`: those of them
 */
export async function* readPermittedIndicators(
  db: Db,
  collection: Collection,
  now: Date,
  batchIndicators = defaultBatch,
): AsyncGenerator<{
  readonly lookedAt: number
  readonly permitted: readonly IndicatorWithPermits[]
}> {
  let after: number | undefined = 0
  while (after !== undefined) {
    const from: number = after
    const { ids, permitted } = await db.transaction().execute(async (trx) => {
      await planByIndex(trx)
      const ids = await readIndicatorIds(trx, from, batchIndicators)
      return { ids, permitted: await readPermits(trx, ids, [collection], now) }
    })
    yield { lookedAt: ids.length, permitted }
    after = ids.length < batchIndicators ? undefined : ids.at(-1)
  }
}
