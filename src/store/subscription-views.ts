import { type RawBuilder, sql } from 'kysely'
import type { Account } from '../model/account.ts'
import type { Micros } from '../model/micros.ts'
import type { ResponseType, SubscriptionStatus } from '../model/subscription.ts'
import { readReadableIds } from './collection-access.ts'
import type { Db } from './db.ts'

/** A subscription as it is told of to others than its account. */
export interface SubscriptionView {
  readonly id: string
  readonly account: string
  readonly collection: string
  readonly status: SubscriptionStatus
  readonly responseType: ResponseType
  /** none: any */
  readonly contentBindings: readonly string[]
  readonly createdAt: Date
  /** `createdAt` to the microsecond, by which subscriptions are ordered */
  readonly createdMicros: Micros
  /** when its status last changed */
  readonly changedAt: Date
}

export interface SubscriptionFilter {
  readonly accountId?: number | undefined
  readonly collectionId?: number | undefined
  /** only subscriptions to collections that this account may read */
  readonly reader: Account
  /** only those that come after this one, which are older */
  readonly after?: { readonly createdAt: Micros; readonly id: string } | undefined
  readonly limit: number
}

/** The newest first; those that are ended too. */
export async function readSubscriptionViews(
  db: Db,
  { accountId, collectionId, reader, after, limit }: SubscriptionFilter,
): Promise<readonly SubscriptionView[]> {
  const conditions: RawBuilder<unknown>[] = [sql`true`]
  if (accountId !== undefined) conditions.push(sql`s.account_id = ${accountId}`)
  if (collectionId !== undefined) conditions.push(sql`s.collection_id = ${collectionId}`)
  const readable = await readReadableIds(db, reader)
  if (readable) conditions.push(sql`s.collection_id = any(${readable}::integer[])`)
  if (after) {
    const createdAt = sql`timestamptz 'epoch' + ${after.createdAt}::bigint * interval '1 microsecond'`
    conditions.push(sql`(s.created_at, s.id) < (${createdAt}, ${after.id})`)
  }
  const { rows } = await sql<SubscriptionView>`
    select s.id, a.name as account, c.name as collection, s.status,
      s.response_type as "responseType", s.content_bindings as "contentBindings",
      s.created_at as "createdAt", s.changed_at as "changedAt",
      (extract(epoch from s.created_at) * 1000000)::bigint as "createdMicros"
    from subscriptions s join accounts a on a.id = s.account_id
      join collections c on c.id = s.collection_id
    where ${sql.join(conditions, sql` and `)}
    order by s.created_at desc, s.id desc limit ${limit}`.execute(db)
  return rows
}

/**
 * Finds an account by name for whoever reads subscriptions: administrators any, others themselves and those who
 * have subscribed to what they may read.
 */
export async function findSubscriber(
  db: Db,
  reader: Account,
  name: string,
): Promise<number | undefined> {
  if (name.includes('\0')) return undefined
  const readable = await readReadableIds(db, reader)
  const isKnown = readable
    ? sql`exists (select from subscriptions s
        where s.account_id = a.id and s.collection_id = any(${readable}::integer[]))`
    : sql`true`
  const { rows } = await sql<{ id: number }>`
    select a.id from accounts a
    where a.name = ${name} and (a.id = ${reader.id} or ${isKnown})`.execute(db)
  return rows[0]?.id
}
