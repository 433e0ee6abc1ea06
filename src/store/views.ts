import { sql } from 'kysely'
import type { Collection } from '../model/collection.ts'
import type { PermittedAssertion } from '../model/indicator.ts'
import type { ObservableType } from '../model/observable.ts'
import type { Db } from './db.ts'
import { readChosenPermits } from './permits.ts'

/** An indicator's surviving assertions, each with the collections whose rule and TLP permit it. */
export interface IndicatorWithPermits {
  readonly indicatorId: number
  readonly type: ObservableType
  readonly value: string
  /** in an order that depends on their contents alone, not on when they were stored */
  readonly permitted: readonly PermittedClaim[]
}

export interface PermittedClaim {
  readonly assertion: PermittedAssertion
  /** the store's own id of its report; undefined: it has none */
  readonly reportId: number | undefined
  /** places of the collections in the order given, ascending */
  readonly collections: readonly number[]
}

/** Reads what each of the collections may show of these indicators; an indicator with nothing to show is left out. */
export async function readPermits(
  db: Db,
  indicatorIds: readonly number[],
  collections: readonly Collection[],
  now: Date,
): Promise<readonly IndicatorWithPermits[]> {
  if (indicatorIds.length === 0 || collections.length === 0) return []
  const chosen = {
    from: sql`assertions a`,
    where: sql`a.indicator_id = any(${indicatorIds}::bigint[])`,
    subject: sql<number>`a.indicator_id`,
  }
  const found: Draft[] = []
  for (const permit of await readChosenPermits(db, chosen, collections, now)) {
    const { indicatorId, type, value, assertion, reportId, collections: places } = permit
    let last = found.at(-1)
    if (last?.indicatorId !== indicatorId) {
      last = { indicatorId, type, value, permitted: [] }
      found.push(last)
    }
    last.permitted.push({ assertion, reportId, collections: places })
  }
  for (const { permitted } of found) if (permitted.length > 1) permitted.sort(byContents)
  return found
}

interface Draft extends IndicatorWithPermits {
  readonly permitted: PermittedClaim[]
}

function byContents({ assertion: a }: PermittedClaim, { assertion: b }: PermittedClaim): number {
  return compare(a.source, b.source) || compare(a.reportId, b.reportId)
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
