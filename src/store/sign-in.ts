import { sql } from 'kysely'
import type { Account, ClientCertificate, Role } from '../model/account.ts'
import type { Db } from './db.ts'

/** What is looked at when somebody asks. Each of these is one statement that finds its rows by an index. */
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

const columns = sql.raw(
  'a.id, a.name, a.role, a.disabled_at, a.credentials_version, a.last_seen_at',
)

interface AccountRow {
  id: number
  name: string
  role: string
  disabled_at: Date | null
  credentials_version: number
  last_seen_at: Date | null
}

interface TokenRow extends AccountRow {
  n: number
  token_id: number
  scopes: string[] | null
  expires_at: Date
  revoked_at: Date | null
  last_used_at: Date | null
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
 * @param asked names are stored in NFC; one from before they were is found as it stands. Networks are as
 * security/client-network.ts spells them
 * @returns in the order asked
 */
export async function findByNames(
  db: Db,
  asked: readonly { readonly name: string; readonly network: string }[],
): Promise<readonly (SigningInByPassword | undefined)[]> {
  const { rows } = await sql<AccountRow & { n: number; hash: string | null; proved: Date | null }>`
    select k.n, a.*, p.last_used_at as proved
    from unnest(${asked.map(({ name }) => name)}::text[],
        ${asked.map(({ name }) => name.normalize('NFC'))}::text[],
        ${asked.map(({ network }) => network)}::text[]) with ordinality as k(name, nfc, network, n)
      cross join lateral (
        select ${columns}, a.password_hash as hash from accounts a
        where a.name in (k.name, k.nfc) order by a.name = k.name desc limit 1) as a
      left join account_addresses p on p.account_id = a.id and p.address = k.network`.execute(db)
  const byNumber = new Map(rows.map((row) => [row.n, row]))
  return asked.map((_, at) => {
    const row = byNumber.get(at + 1)
    return (
      row && {
        ...rowToSigningIn(row),
        passwordHash: row.hash ?? undefined,
        provedAt: row.proved ?? undefined,
      }
    )
  })
}

/** @returns in the order asked */
export async function findByIds(
  db: Db,
  accountIds: readonly number[],
): Promise<readonly (SigningIn | undefined)[]> {
  const { rows } = await sql<AccountRow>`
    select ${columns} from accounts a where a.id = any(${accountIds}::integer[])`.execute(db)
  const byId = new Map(rows.map((row) => [row.id, rowToSigningIn(row)]))
  return accountIds.map((id) => byId.get(id))
}

/**
 * @param digests SHA-256 of each token
 * @returns in the order asked
 */
export async function findByTokens(
  db: Db,
  digests: readonly Buffer[],
): Promise<readonly (SigningInByToken | undefined)[]> {
  const hexadecimal = digests.map((digest) => digest.toString('hex'))
  const { rows } = await sql<TokenRow>`
    select k.n, ${columns}, t.id as token_id, t.scopes, t.expires_at, t.revoked_at, t.last_used_at
    from unnest(${hexadecimal}::text[]) with ordinality as k(digest, n)
      join tokens t on t.digest = decode(k.digest, 'hex')
      join accounts a on a.id = t.account_id`.execute(db)
  const byNumber = new Map(rows.map((row) => [row.n, row]))
  return digests.map((_, at) => {
    const row = byNumber.get(at + 1)
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
  })
}

/** Whose certificate it is: by its fingerprint, or else by its subject. */
export async function findByCertificate(
  db: Db,
  { fingerprint, subject }: ClientCertificate,
): Promise<SigningIn | undefined> {
  const { rows } = await sql<AccountRow>`
    select ${columns} from account_certificates c join accounts a on a.id = c.account_id
    where c.fingerprint = ${fingerprint} or c.subject = ${subject}
    order by c.fingerprint nulls last limit 1`.execute(db)
  const [row] = rows
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
