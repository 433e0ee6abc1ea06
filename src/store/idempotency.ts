import { sql } from 'kysely'
import type { Db } from './db.ts'

export const keptHours = 24

export interface KeptAnswer {
  readonly request: Uint8Array
  readonly sealed: Uint8Array
}

/** What a kept answer is sealed for: an answer cannot be put in another's place. */
export function contextOfAnswer(caller: string, key: string): string {
  return `idempotency key ${key} of ${caller}`
}

/**
 * Takes the key for the request that this transaction does. Whoever comes with the same key meanwhile waits
 * in here until the transaction has ended.
 * @returns the answer that is kept under it already; undefined: the key is taken, and `keepAnswer` must follow
 */
export async function takeKey(
  trx: Db,
  caller: string,
  key: string,
  request: Uint8Array,
): Promise<KeptAnswer | undefined> {
  const { rows } = await sql`
    insert into idempotency_keys (caller, key, request, status, sealed, created_at)
    values (${caller}, ${key}, ${request}, 0, '', now())
    on conflict (caller, key) do update
      set request = excluded.request, status = 0, sealed = '', created_at = now()
      where idempotency_keys.created_at < now() - ${keptHours} * interval '1 hour'
    returning key`.execute(trx)
  if (rows.length > 0) return undefined
  return trx
    .selectFrom('idempotency_keys')
    .select(['request', 'sealed'])
    .where('caller', '=', caller)
    .where('key', '=', key)
    .executeTakeFirstOrThrow()
}

/** @param sealed for `contextOfAnswer` */
export async function keepAnswer(
  trx: Db,
  caller: string,
  key: string,
  status: number,
  sealed: Uint8Array,
): Promise<void> {
  await trx
    .updateTable('idempotency_keys')
    .set({ status, sealed })
    .where('caller', '=', caller)
    .where('key', '=', key)
    .execute()
}

/** Deletes the answers that are not given again any more. */
export async function purgeAnswers(db: Db): Promise<void> {
  await sql`delete from idempotency_keys
    where created_at < now() - ${keptHours} * interval '1 hour'`.execute(db)
}
