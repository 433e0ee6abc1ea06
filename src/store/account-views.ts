import { type RawBuilder, sql } from 'kysely'
import type { Role } from '../model/account.ts'
import type { Db } from './db.ts'

export interface Grant {
  readonly collection: string
  readonly read: boolean
  readonly write: boolean
}

/** An account with all that is known of it but its secrets. */
export interface AccountView {
  readonly id: number
  readonly name: string
  readonly role: Role
  readonly disabled: boolean
  readonly hasPassword: boolean
  readonly clientAgeOutDays: number
  readonly credentialsVersion: number
  /** by the names of the collections */
  readonly grants: readonly Grant[]
  /** how many can be used now */
  readonly tokens: number
  readonly certificates: number
  readonly createdAt: Date
  readonly lastSeenAt: Date | null
}

/** Accounts by their names, in the order of Unicode's code points. */
export async function readAccountViews(
  db: Db,
  page: { readonly role?: Role; readonly after?: string; readonly limit: number },
): Promise<readonly AccountView[]> {
  const { role, after, limit } = page
  return select(
    db,
    sql`where ${role === undefined ? sql`true` : sql`a.role = ${role}`}
      and ${after === undefined ? sql`true` : sql`a.name collate "C" > ${after}`}
      order by a.name collate "C" limit ${limit}`,
  )
}

/** @param name in whatever normal form of Unicode */
export async function findAccountView(db: Db, name: string): Promise<AccountView | undefined> {
  const [first] = await select(db, whereNamed(name))
  return first
}

export async function findAccountViewById(db: Db, id: number): Promise<AccountView | undefined> {
  const [first] = await select(db, sql`where a.id = ${id}`)
  return first
}

/**
 * Lets one transaction at a time change accounts, so that two cannot each take the other for the
 * administrator who stays. The lock ends with the transaction.
 */
export async function lockAccounts(trx: Db): Promise<void> {
  await sql`select pg_advisory_xact_lock(${0x7461_6163})`.execute(trx)
}

/** The account, and nobody else changes its row until the transaction ends. */
export async function findAccountForChange(
  trx: Db,
  name: string,
): Promise<AccountView | undefined> {
  const [first] = await select(trx, sql`${whereNamed(name)} for no key update of a`)
  return first
}

/** Whether another account than this is an administrator who is not disabled. */
export async function hasOtherAdministrator(db: Db, id: number): Promise<boolean> {
  const row = await db
    .selectFrom('accounts')
    .select('id')
    .where('role', '=', 'administrator')
    .where('disabled_at', 'is', null)
    .where('id', '<>', id)
    .executeTakeFirst()
  return row !== undefined
}

// Names made before they were normalized are found as they were written.
function whereNamed(name: string): RawBuilder<unknown> {
  return sql`where a.id = (select id from accounts
    where name in (${name}, ${name.normalize('NFC')}) order by name = ${name} desc limit 1)`
}

async function select(db: Db, rest: RawBuilder<unknown>): Promise<readonly AccountView[]> {
  const { rows } = await sql<AccountView>`
    select a.id, a.name, a.role, a.disabled_at is not null as disabled,
      a.password_hash is not null as "hasPassword", a.client_age_out_days as "clientAgeOutDays",
      a.credentials_version as "credentialsVersion",
      a.created_at as "createdAt", a.last_seen_at as "lastSeenAt",
      coalesce((select json_agg(json_build_object(
          'collection', c.name, 'read', g.can_read, 'write', g.can_write)
          order by c.name collate "C")
        from grants g join collections c on c.id = g.collection_id
        where g.account_id = a.id), '[]') as grants,
      (select count(*)::integer from tokens t
        where t.account_id = a.id and t.revoked_at is null and t.expires_at > now()) as tokens,
      (select count(*)::integer from account_certificates k where k.account_id = a.id) as certificates
    from accounts a ${rest}`.execute(db)
  return rows
}
