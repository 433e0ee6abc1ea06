import { sql } from 'kysely'
import type { Account, Role } from '../model/account.ts'
import type { Db } from './db.ts'

export interface AccountWithSecret {
  readonly account: Account
  /** undefined: nobody signs in with a password */
  readonly passwordHash: string | undefined
  readonly disabled: boolean
  readonly credentialsVersion: number
}

export async function findAccount(db: Db, name: string): Promise<AccountWithSecret | undefined> {
  const row = await db
    .selectFrom('accounts')
    .selectAll()
    .where('name', 'in', [name, name.normalize('NFC')])
    .executeTakeFirst()
  if (!row) return undefined
  const account = { id: row.id, name: row.name, role: row.role as Role }
  return {
    account,
    passwordHash: row.password_hash ?? undefined,
    disabled: row.disabled_at !== null,
    credentialsVersion: row.credentials_version,
  }
}

/**
 * @param givenName kept in the normal form NFC of Unicode
 * @param passwordHash null: nobody signs in with a password
 * @param clientAgeOutDays after how many days the client drops what it was sent; 30 where it is not given
 * @returns undefined when there is an account of this name already
 */
export async function createAccount(
  db: Db,
  givenName: string,
  passwordHash: string | null,
  role: Role,
  clientAgeOutDays?: number,
): Promise<Account | undefined> {
  const name = givenName.normalize('NFC')
  const row = await db
    .insertInto('accounts')
    .values({
      name,
      password_hash: passwordHash,
      role,
      ...(clientAgeOutDays === undefined ? {} : { client_age_out_days: clientAgeOutDays }),
    })
    .onConflict((conflict) => conflict.column('name').doNothing())
    .returning('id')
    .executeTakeFirst()
  return row && { id: row.id, name, role }
}

/**
 * Ends the JWTs that were made for the password before, too.
 * @returns false when there is no such account
 */
export async function changePassword(db: Db, name: string, passwordHash: string): Promise<boolean> {
  const { numUpdatedRows } = await db
    .updateTable('accounts')
    .set({ password_hash: passwordHash, credentials_version: sql`credentials_version + 1` })
    .where('name', '=', name)
    .executeTakeFirst()
  return numUpdatedRows > 0n
}

/** @returns false when there is no such account */
export async function changeAgeOut(db: Db, name: string, days: number): Promise<boolean> {
  const { numUpdatedRows } = await db
    .updateTable('accounts')
    .set({ client_age_out_days: days })
    .where('name', '=', name)
    .executeTakeFirst()
  return numUpdatedRows > 0n
}

/** The account whose client keeps longest what it was sent; undefined where there is no account. */
export async function findLongestAgeOut(
  db: Db,
): Promise<{ readonly name: string; readonly days: number } | undefined> {
  return db
    .selectFrom('accounts')
    .select(['name', 'client_age_out_days as days'])
    .orderBy('client_age_out_days', 'desc')
    .orderBy('name')
    .limit(1)
    .executeTakeFirst()
}

export interface ListedAccount extends Account {
  /** names of the collections that it was granted to read */
  readonly reads: readonly string[]
  readonly clientAgeOutDays: number
}

/** All accounts by their names. */
export async function readAccounts(db: Db): Promise<readonly ListedAccount[]> {
  const { rows } = await sql<ListedAccount>`
    select a.id, a.name, a.role, a.client_age_out_days as "clientAgeOutDays", array(
      select c.name from grants g join collections c on c.id = g.collection_id
      where g.account_id = a.id and g.can_read order by c.name) as reads
    from accounts a order by a.name`.execute(db)
  return rows
}

export async function grantRead(db: Db, accountId: number, collectionId: number): Promise<void> {
  await db
    .insertInto('grants')
    .values({
      account_id: accountId,
      collection_id: collectionId,
      can_read: true,
      can_write: false,
    })
    .onConflict((conflict) =>
      conflict.columns(['account_id', 'collection_id']).doUpdateSet({ can_read: true }),
    )
    .execute()
}

export interface Granted {
  readonly read: boolean
  readonly write: boolean
}

/** What the account was granted, by the collections' ids; an administrator needs no grants. */
export async function readGrants(db: Db, accountId: number): Promise<ReadonlyMap<number, Granted>> {
  const rows = await db
    .selectFrom('grants')
    .select(['collection_id as id', 'can_read as read', 'can_write as write'])
    .where('account_id', '=', accountId)
    .execute()
  return new Map(rows.map(({ id, read, write }) => [id, { read, write }]))
}

export async function hasAdministrator(db: Db): Promise<boolean> {
  const row = await db
    .selectFrom('accounts')
    .select('id')
    .where('role', '=', 'administrator')
    .executeTakeFirst()
  return row !== undefined
}
