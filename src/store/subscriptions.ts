import { randomUUID } from 'node:crypto'
import { type Selectable, sql } from 'kysely'
import { type ContentBinding, contentBindings } from '../model/collection.ts'
import type {
  ResponseType,
  Subscription,
  SubscriptionStatus,
  SubscriptionTerms,
} from '../model/subscription.ts'
import type { Db } from './db.ts'
import type { Tables } from './tables.ts'

/** Whose subscriptions to what. */
interface Owner {
  readonly accountId: number
  readonly collectionId: number
}

/** Subscribes; the same asked for again is the subscription that there is, whatever it is paused. */
export async function subscribe(db: Db, terms: SubscriptionTerms): Promise<Subscription> {
  const { rows } = await sql<Row>`
    insert into subscriptions
      (id, account_id, collection_id, status, response_type, content_bindings, created_at, changed_at)
    values (${randomUUID()}, ${terms.accountId}::integer, ${terms.collectionId}::integer, 'ACTIVE',
      ${terms.responseType}, ${terms.contentBindings}::text[], now(), now())
    on conflict (account_id, collection_id, response_type, content_bindings)
      where status <> 'UNSUBSCRIBED'
      -- Nothing changes; "do nothing" would return no row.
      do update set changed_at = subscriptions.changed_at
    returning *`.execute(db)
  return toSubscription(rows[0] as Row)
}

export async function findSubscription(
  db: Db,
  owner: Owner,
  id: string,
): Promise<Subscription | undefined> {
  const row = await ownedBy(db, owner).where('id', '=', id).executeTakeFirst()
  return row && toSubscription(row)
}

/** The oldest first; those that are ended too. */
export async function listSubscriptions(db: Db, owner: Owner): Promise<readonly Subscription[]> {
  const rows = await ownedBy(db, owner).orderBy('created_at').orderBy('id').execute()
  return rows.map(toSubscription)
}

/** So many that are ended are kept for an account and a collection: one may subscribe and end it for ever. */
const mostEnded = 100

/**
 * Changes the status of one that is not ended.
 * @returns it as it is now; undefined where the owner has none of this id
 */
export async function changeSubscription(
  db: Db,
  owner: Owner,
  id: string,
  status: SubscriptionStatus,
): Promise<Subscription | undefined> {
  const { accountId, collectionId } = owner
  const { rows } = await sql<Row>`
    update subscriptions set status = ${status},
      changed_at = case when status = ${status} then changed_at else now() end
    where id = ${id} and account_id = ${accountId}::integer
      and collection_id = ${collectionId}::integer and status <> 'UNSUBSCRIBED'
    returning *`.execute(db)
  const [changed] = rows
  if (!changed) return findSubscription(db, owner, id)
  if (status === 'UNSUBSCRIBED') {
    await sql`
      delete from subscriptions where id in (
        select id from subscriptions
        where account_id = ${accountId}::integer and collection_id = ${collectionId}::integer
          and status = 'UNSUBSCRIBED'
        order by changed_at desc, id offset ${mostEnded}::integer)`.execute(db)
  }
  return toSubscription(changed)
}

type Row = Selectable<Tables['subscriptions']>

function ownedBy(db: Db, { accountId, collectionId }: Owner) {
  return db
    .selectFrom('subscriptions')
    .selectAll()
    .where('account_id', '=', accountId)
    .where('collection_id', '=', collectionId)
}

function toSubscription(row: Row): Subscription {
  return {
    id: row.id,
    accountId: row.account_id,
    collectionId: row.collection_id,
    status: row.status as SubscriptionStatus,
    responseType: row.response_type as ResponseType,
    contentBindings: row.content_bindings.map(getBinding),
  }
}

function getBinding(text: string): ContentBinding {
  const found = contentBindings.find((one) => one === text)
  if (!found) throw new Error(`the store names content binding ${text}, which is not known`)
  return found
}
