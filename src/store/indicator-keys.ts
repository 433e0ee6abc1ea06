import type { ObservableType } from '../model/observable.ts'
import type { Db } from './db.ts'

export interface IndicatorKey {
  readonly id: number
  /** as the source called it where we do not know it */
  readonly type: ObservableType | (string & {})
  readonly value: string
}

/** Types and values of known indicators after `afterId`, ascending. */
export async function readIndicatorKeys(
  db: Db,
  afterId: number,
  limit: number,
): Promise<readonly IndicatorKey[]> {
  return db
    .selectFrom('indicators')
    .select(['id', 'type', 'value'])
    .where('id', '>', afterId)
    .orderBy('id')
    .limit(limit)
    .execute()
}
