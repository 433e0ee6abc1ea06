import { type Selectable, sql } from 'kysely'
import type { Db } from './db.ts'
import type { Tables } from './tables.ts'

/** A bearer token without what lets anybody in. */
export interface StoredToken {
  readonly id: number
  readonly name: string
  /** its last four characters */
  readonly hint: string
  /** null: whatever the account's role may */
  readonly scopes: readonly string[] | null
  readonly createdBy: string
  readonly createdAt: Date
  readonly expiresAt: Date
  readonly revokedAt: Date | null
  readonly lastUsedAt: Date | null
}

export interface NewToken extends Pick<StoredToken, 'name' | 'hint' | 'scopes' | 'createdBy'> {
  /** SHA-256 of the token */
  readonly digest: Uint8Array
  readonly expiresInDays: number
}

const columns = [
  'id',
  'name',
  'hint',
  'scopes',
  'created_by',
  'created_at',
  'expires_at',
  'revoked_at',
  'last_used_at',
] as const

export async function createToken(
  trx: Db,
  accountId: number,
  token: NewToken,
): Promise<StoredToken> {
  const row = await trx
    .insertInto('tokens')
    .values({
      account_id: accountId,
      name: token.name,
      digest: token.digest,
      hint: token.hint,
      scopes: token.scopes && [...token.scopes],
      created_by: token.createdBy,
      created_at: sql<Date>`now()`,
      expires_at: sql<Date>`now() + ${token.expiresInDays} * interval '1 day'`,
    })
    .returning(columns)
    .executeTakeFirstOrThrow()
  return toToken(row)
}

/** The newest first, with those that were revoked or have expired. */
export async function readTokens(
  db: Db,
  accountId: number,
  page: { readonly before?: number; readonly limit: number },
): Promise<readonly StoredToken[]> {
  const rows = await db
    .selectFrom('tokens')
    .select(columns)
    .where('account_id', '=', accountId)
    .$if(page.before !== undefined, (query) => query.where('id', '<', page.before as number))
    .orderBy('id', 'desc')
    .limit(page.limit)
    .execute()
  return rows.map(toToken)
}

/** One that was not revoked; nobody else changes it until the transaction ends. */
export async function findTokenForChange(
  trx: Db,
  accountId: number,
  id: number,
): Promise<StoredToken | undefined> {
  const row = await trx
    .selectFrom('tokens')
    .select(columns)
    .where('account_id', '=', accountId)
    .where('id', '=', id)
    .where('revoked_at', 'is', null)
    .forUpdate()
    .executeTakeFirst()
  return row && toToken(row)
}

export async function revokeToken(trx: Db, id: number): Promise<void> {
  await trx
    .updateTable('tokens')
    .set({ revoked_at: sql<Date>`now()` })
    .where('id', '=', id)
    .execute()
}

function toToken(row: Pick<Selectable<Tables['tokens']>, (typeof columns)[number]>): StoredToken {
  return {
    id: row.id,
    name: row.name,
    hint: row.hint,
    scopes: row.scopes,
    createdBy: row.created_by,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    revokedAt: row.revoked_at,
    lastUsedAt: row.last_used_at,
  }
}
