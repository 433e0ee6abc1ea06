import { sql } from 'kysely'
import type { Account, ClientCertificate, Role } from '../model/account.ts'
import type { Db } from './db.ts'

/** What is looked at when somebody asks. Each of these is one statement that finds its row by an index. */
export interface SigningIn {
  readonly account: Account
  readonly disabled: boolean
  readonly credentialsVersion: number
  readonly lastSeenAt: Date | undefined
}

export interface SigningInByPassword extends SigningIn {
  /** undefined: nobody signs in with a password */
  readonly passwordHash: string | undefined
  /** when this account last proved itself from that network */
  readonly provedAt: Date | undefined
}

export interface SigningInByToken extends SigningIn {
  readonly tokenId: number
  readonly scopes: readonly string[] | undefined
  readonly expiresAt: Date
  readonly revoked: boolean
  readonly lastUsedAt: Date | undefined
}

const columns = [
  'a.id',
  'a.name',
  'a.role',
  'a.disabled_at',
  'a.credentials_version',
  'a.last_seen_at',
] as const

interface AccountRow {
  id: number
  name: string
  role: string
  disabled_at: Date | null
  credentials_version: number
  last_seen_at: Date | null
}

function rowToSigningIn(row: AccountRow): SigningIn {
  return {
    account: { id: row.id, name: row.name, role: row.role as Role },
    disabled: row.disabled_at !== null,
    credentialsVersion: row.credentials_version,
    lastSeenAt: row.last_seen_at ?? undefined,
  }
}

/**
 * @param name names are stored in NFC; one from before they were is found as it stands
 * @param network as security/client-network.ts spells it
 */
export async function findByName(
  db: Db,
  name: string,
  network: string,
): Promise<SigningInByPassword | undefined> {
  const row = await db
    .selectFrom('accounts as a')
    .leftJoin('account_addresses as p', (join) =>
      join.onRef('p.account_id', '=', 'a.id').on('p.address', '=', network),
    )
    .select([...columns, 'a.password_hash', 'p.last_used_at as proved_at'])
    .where('a.name', 'in', [name, name.normalize('NFC')])
    .orderBy((order) => order('a.name', '=', name), 'desc')
    .limit(1)
    .executeTakeFirst()
  return (
    row && {
      ...rowToSigningIn(row),
      passwordHash: row.password_hash ?? undefined,
      provedAt: row.proved_at ?? undefined,
    }
  )
}

export async function findById(db: Db, accountId: number): Promise<SigningIn | undefined> {
  const row = await db
    .selectFrom('accounts as a')
    .select(columns)
    .where('a.id', '=', accountId)
    .executeTakeFirst()
  return row && rowToSigningIn(row)
}

/** @param digest SHA-256 of the token */
export async function findByToken(
  db: Db,
  digest: Uint8Array,
): Promise<SigningInByToken | undefined> {
  const row = await db
    .selectFrom('tokens as t')
    .innerJoin('accounts as a', 'a.id', 't.account_id')
    .select([
      ...columns,
      't.id as token_id',
      't.scopes',
      't.expires_at',
      't.revoked_at',
      't.last_used_at',
    ])
    .where('t.digest', '=', digest)
    .executeTakeFirst()
  return (
    row && {
      ...rowToSigningIn(row),
      tokenId: row.token_id,
      scopes: row.scopes ?? undefined,
      expiresAt: row.expires_at,
      revoked: row.revoked_at !== null,
      lastUsedAt: row.last_used_at ?? undefined,
    }
  )
}

/** Whose certificate it is: by its fingerprint, or else by its subject. */
export async function findByCertificate(
  db: Db,
  { fingerprint, subject }: ClientCertificate,
): Promise<SigningIn | undefined> {
  const row = await db
    .selectFrom('account_certificates as c')
    .innerJoin('accounts as a', 'a.id', 'c.account_id')
    .select(columns)
    .where((where) =>
      where.or([where('c.fingerprint', '=', fingerprint), where('c.subject', '=', subject)]),
    )
    .orderBy('c.fingerprint', (order) => order.asc().nullsLast())
    .limit(1)
    .executeTakeFirst()
  return row && rowToSigningIn(row)
}

export async function noteSeen(db: Db, accountId: number, at: Date): Promise<void> {
  await sql`update accounts set last_seen_at = ${at}
    where id = ${accountId} and (last_seen_at is null or last_seen_at < ${at})`.execute(db)
}

export async function noteTokenUse(db: Db, tokenId: number, at: Date): Promise<void> {
  await sql`update tokens set last_used_at = ${at}
    where id = ${tokenId} and (last_used_at is null or last_used_at < ${at})`.execute(db)
}

/** Notes that an account has proved itself from a network. */
export async function noteNetwork(
  db: Db,
  accountId: number,
  network: string,
  at: Date,
): Promise<void> {
  // The account may have been deleted meanwhile.
  await sql`insert into account_addresses (account_id, address, last_used_at)
    select id, ${network}, ${at}::timestamptz from accounts where id = ${accountId}
    on conflict (account_id, address) do update set last_used_at = excluded.last_used_at`.execute(
    db,
  )
}

/** @returns how many networks were forgotten that no account has proved itself from since then */
export async function pruneNetworks(db: Db, before: Date): Promise<number> {
  const { numDeletedRows } = await db
    .deleteFrom('account_addresses')
    .where('last_used_at', '<', before)
    .executeTakeFirst()
  return Number(numDeletedRows)
}
