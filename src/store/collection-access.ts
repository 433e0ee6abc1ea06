import { sql } from 'kysely'
import type { Account } from '../model/account.ts'
import type { ContentBinding } from '../model/collection.ts'
import { bindingOf, type StoredCollection, toCollection } from './collections.ts'
import type { Db } from './db.ts'

/** A collection that an account may read, and whether it may write it too. */
export interface ReadableCollection extends StoredCollection {
  readonly writable: boolean
}

/** By name in the order of its bytes; at most `limit`, from after a name on. */
export async function listReadable(
  db: Db,
  account: Account,
  { after, limit }: { readonly after?: string | undefined; readonly limit: number },
): Promise<readonly ReadableCollection[]> {
  let query = readable(db, account).orderBy(sql`c.name collate "C"`).limit(limit)
  if (after !== undefined) query = query.where(sql<boolean>`c.name collate "C" > ${after}`)
  return (await query.execute()).map(toReadable)
}

/** Those of these names that the account may read; it is told nothing of others. */
export async function findReadable(
  db: Db,
  account: Account,
  names: readonly string[],
): Promise<readonly ReadableCollection[]> {
  const rows = await readable(db, account).where(isNamed(names)).execute()
  return rows.map(toReadable)
}

/**
 * The same, and nobody else changes their settings until the transaction ends. Several are locked in the
 * order of their ids, so that two who do so wait for each other and not in a circle.
 */
export async function lockReadable(
  trx: Db,
  account: Account,
  names: readonly string[],
): Promise<readonly ReadableCollection[]> {
  const rows = await readable(trx, account)
    .where(isNamed(names))
    .orderBy('c.id')
    .forUpdate('c')
    .execute()
  return rows.map(toReadable)
}

/**
 * Whether the account is enabled and of its role still; it stays so until the transaction ends. Call it before
 * `lockReadable`, so that all take both locks in one order.
 */
export async function keepRole(trx: Db, { id, role }: Account): Promise<boolean> {
  const row = await trx
    .selectFrom('accounts')
    .select('id')
    .where('id', '=', id)
    .where('role', '=', role)
    .where('disabled_at', 'is', null)
    .forShare()
    .executeTakeFirst()
  return row !== undefined
}

/** No text in PostgreSQL holds a NUL, so nothing is called so. */
function isNamed(names: readonly string[]) {
  return sql<boolean>`c.name = any(${names.filter((name) => !name.includes('\0'))}::text[])`
}

function readable(db: Db, account: Account) {
  const isAdministrator = account.role === 'administrator'
  return db
    .selectFrom('collections as c')
    .leftJoin('grants as g', (join) =>
      join.onRef('g.collection_id', '=', 'c.id').on('g.account_id', '=', account.id),
    )
    .where(sql<boolean>`(${isAdministrator} or g.can_read)`)
    .selectAll('c')
    .select(sql<boolean>`${isAdministrator} or g.can_write`.as('writable'))
}

function toReadable(row: Parameters<typeof toCollection>[0] & { writable: boolean }) {
  return { ...toCollection(row), writable: row.writable }
}

/**
 * By each account the collection of this name, where the account may read it; it is told nothing of others.
 * @returns in the order asked
 */
export async function findReadableByEach(
  db: Db,
  asked: readonly { readonly account: Account; readonly name: string }[],
): Promise<readonly (StoredCollection | undefined)[]> {
  const { rows } = await sql<Parameters<typeof toCollection>[0] & { n: number }>`
    select k.n, c.*
    from unnest(${asked.map(({ account }) => account.id)}::integer[],
        ${asked.map(({ account }) => account.role === 'administrator')}::boolean[],
        ${asked.map(({ name }) => name)}::text[]) with ordinality as k(id, is_administrator, name, n)
      join collections c on c.name = k.name
    where k.is_administrator or exists (
      select from grants g
      where g.collection_id = c.id and g.account_id = k.id and g.can_read)`.execute(db)
  const byNumber = new Map(rows.map((row) => [row.n, toCollection(row)]))
  return asked.map((_, at) => byNumber.get(at + 1))
}

/**
 * Whether there is a collection that each account may send Inbox_Messages to.
 * @returns in the order asked
 */
export async function maySendAnywhere(
  db: Db,
  accounts: readonly Account[],
): Promise<readonly boolean[]> {
  const { rows } = await sql<{ may: boolean }>`
    select exists (select from collections c where c.inbox and (k.is_administrator or exists (
      select from grants g
      where g.collection_id = c.id and g.account_id = k.id and g.can_write))) as may
    from unnest(${accounts.map(({ id }) => id)}::integer[],
      ${accounts.map(({ role }) => role === 'administrator')}::boolean[])
      with ordinality as k(id, is_administrator, n) order by k.n`.execute(db)
  return rows.map(({ may }) => may)
}

/** Ids of the collections that the account may read; undefined: all of them. */
export async function readReadableIds(
  db: Db,
  account: Account,
): Promise<readonly number[] | undefined> {
  if (account.role === 'administrator') return undefined
  const rows = await db
    .selectFrom('grants')
    .select('collection_id as id')
    .where('account_id', '=', account.id)
    .where('can_read', '=', true)
    .execute()
  return rows.map(({ id }) => id)
}

/** How many blocks a poll of everything would be sent now, by collection and binding. */
export async function countLiveBlocks(
  db: Db,
  collectionIds: readonly number[],
): Promise<ReadonlyMap<number, ReadonlyMap<ContentBinding, number>>> {
  const { rows } = await sql<{ id: number; binding: number; blocks: number }>`
    select collection_id as id, binding, sum(live_count)::integer as blocks from publications
    where collection_id = any(${collectionIds}::integer[]) and live_count > 0
    group by collection_id, binding`.execute(db)
  const counts = new Map<number, Map<ContentBinding, number>>()
  for (const { id, binding, blocks } of rows) {
    const ofCollection = counts.get(id) ?? new Map<ContentBinding, number>()
    counts.set(id, ofCollection.set(bindingOf(binding), blocks))
  }
  return counts
}

/** How many collections do not publish by their settings yet. */
export async function countBehind(db: Db): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    select count(*)::integer as count from collections
    where reconciled_version < settings_version`.execute(db)
  return rows[0]?.count ?? 0
}
