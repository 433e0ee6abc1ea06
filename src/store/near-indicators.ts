import { nearObservables, type Observable } from '../model/near.ts'
import { findIndicatorIds } from './assertions.ts'
import type { Db } from './db.ts'
import { describeIndicators, type FoundIndicator } from './search.ts'

/** Indicators of the store that contain one of these observables or lie in it, the nearest first. */
export async function findNearIndicators(
  db: Db,
  observables: readonly Observable[],
  limit: number,
): Promise<readonly FoundIndicator[]> {
  const key = ({ type, value }: Observable) => `${type} ${value}`
  const asked = new Set(observables.map(key))
  const near = new Map(
    observables.flatMap((one) => nearObservables(one).map((other) => [key(other), other] as const)),
  )
  for (const one of asked) near.delete(one)
  const ids = await findIndicatorIds(db, [...near.values()])
  return describeIndicators(db, ids.filter((id) => id !== undefined).slice(0, limit))
}
