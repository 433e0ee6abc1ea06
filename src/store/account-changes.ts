import { sql } from 'kysely'
import type { Role } from '../model/account.ts'
import type { Db } from './db.ts'

/** Whoever changes accounts has called `lockAccounts` first. */
export interface AccountChange {
  readonly role?: Role
  readonly clientAgeOutDays?: number
  readonly disabled?: boolean
}

/** Another role, and disabling, end the account's JWTs. */
export async function changeAccount(trx: Db, id: number, change: AccountChange): Promise<void> {
  const { role, clientAgeOutDays, disabled } = change
  await sql`
    update accounts set
      role = ${role ?? sql`role`},
      client_age_out_days = ${clientAgeOutDays ?? sql`client_age_out_days`},
      disabled_at = ${
        disabled === undefined
          ? sql`disabled_at`
          : disabled
            ? sql`coalesce(disabled_at, now())`
            : sql`null`
      },
      credentials_version = credentials_version
        + case when ${role !== undefined || disabled === true} then 1 else 0 end
    where id = ${id}`.execute(trx)
}

export async function putGrant(
  trx: Db,
  accountId: number,
  collectionId: number,
  { read, write }: { readonly read: boolean; readonly write: boolean },
): Promise<void> {
  await trx
    .insertInto('grants')
    .values({
      account_id: accountId,
      collection_id: collectionId,
      can_read: read,
      can_write: write,
    })
    .onConflict((conflict) =>
      conflict
        .columns(['account_id', 'collection_id'])
        .doUpdateSet({ can_read: read, can_write: write }),
    )
    .execute()
}

/** @returns false when there was none */
export async function deleteGrant(
  trx: Db,
  accountId: number,
  collectionId: number,
): Promise<boolean> {
  const { numDeletedRows } = await trx
    .deleteFrom('grants')
    .where('account_id', '=', accountId)
    .where('collection_id', '=', collectionId)
    .executeTakeFirst()
  return numDeletedRows > 0n
}
