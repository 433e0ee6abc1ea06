import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import type { ResultSet } from '../model/feed.ts'
import type { Micros } from '../model/micros.ts'
import { bindingNumber, bindingOf } from './collections.ts'
import type { Db } from './db.ts'

/** Keeps a poll's parts, so that any process answers for them until they expire. */
export async function writeResultSet(
  db: Db,
  {
    beginMoved = false,
    subscriptionId,
    ...set
  }: Partial<Pick<ResultSet, 'beginMoved' | 'subscriptionId'>> &
    Omit<ResultSet, 'id' | 'lastWithdrawal' | 'beginMoved' | 'subscriptionId'>,
  lifetimeSeconds: number,
): Promise<ResultSet> {
  const id = randomUUID()
  await sql`delete from result_sets where expires_at <= now()`.execute(db)
  const { last_withdrawal } = await db
    .insertInto('result_sets')
    .values({
      id,
      account_id: set.accountId,
      collection_id: set.snapshot.collectionId,
      binding: bindingNumber(set.snapshot.binding),
      begin_label: set.range.begin ?? null,
      end_label: set.range.end,
      as_of: set.snapshot.asOf,
      begin_moved: beginMoved,
      part_ends: [...set.partEnds],
      record_count: set.recordCount,
      subscription_id: subscriptionId ?? null,
      expires_at: sql`now() + ${lifetimeSeconds} * interval '1 second'`,
    })
    .returning(lastWithdrawal)
    .executeTakeFirstOrThrow()
  return { ...set, beginMoved, subscriptionId, id, lastWithdrawal: last_withdrawal }
}

const lastWithdrawal = sql<number>`taxiway_last_withdrawal()`.as('last_withdrawal')

/** A result set that has not expired, if it was made for this account. */
export async function findResultSet(
  db: Db,
  accountId: number,
  id: string,
): Promise<ResultSet | undefined> {
  const row = await db
    .selectFrom('result_sets')
    .selectAll()
    .select(lastWithdrawal)
    .where('id', '=', id)
    .where('account_id', '=', accountId)
    .where('expires_at', '>', sql<Date>`now()`)
    .executeTakeFirst()
  return (
    row && {
      id: row.id,
      accountId: row.account_id,
      snapshot: {
        collectionId: row.collection_id,
        binding: bindingOf(row.binding),
        asOf: row.as_of,
      },
      range: { begin: row.begin_label ?? undefined, end: row.end_label },
      beginMoved: row.begin_moved,
      partEnds: row.part_ends,
      recordCount: row.record_count,
      subscriptionId: row.subscription_id ?? undefined,
      lastWithdrawal: row.last_withdrawal,
    }
  )
}

/**
 * Moves a set's part ends, unless another request has moved them since `set` was read.
 * @returns the set as it is stored now
 */
export async function movePartEnds(
  db: Db,
  set: ResultSet,
  partEnds: readonly Micros[],
): Promise<ResultSet> {
  await sql`
    update result_sets set part_ends = ${partEnds}::bigint[]
    where id = ${set.id} and part_ends = ${set.partEnds}::bigint[]`.execute(db)
  return (await findResultSet(db, set.accountId, set.id)) ?? { ...set, partEnds }
}
