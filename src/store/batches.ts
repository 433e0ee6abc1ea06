import { setImmediate } from 'node:timers/promises'

// The embedded database works in this process: nobody is answered while a statement runs, nor between two of them.
const batchRows = 500

/**
 * Asks or writes so many at a time, and lets others have their turn in between.
 * @returns what `work` returned, in the order given
 */
export async function inBatches<T, Result>(
  all: readonly T[],
  work: (some: readonly T[]) => Promise<readonly Result[]>,
): Promise<readonly Result[]> {
  if (all.length <= batchRows) return work(all)
  const results: Result[] = []
  for (let from = 0; from < all.length; from += batchRows) {
    for (const one of await work(all.slice(from, from + batchRows))) results.push(one)
    await setImmediate()
  }
  return results
}
