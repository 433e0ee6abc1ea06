import { sql } from 'kysely'
import { type Keyring, sealContext } from '../model/keyring.ts'
import type { Db } from './db.ts'
import { contextOfAnswer } from './idempotency.ts'

/** What is told of a secret: never its value. */
export interface SecretState {
  readonly name: string
  /** of the key that it is sealed under */
  readonly keyId: string
  readonly changedAt: Date
}

const contextOf = (name: string) => sealContext('secret', name)

/** Keeps a text sealed under a name, or puts it in the place of the one that is kept. */
export async function putSecret(
  db: Db,
  keyring: Keyring,
  name: string,
  value: string,
): Promise<void> {
  const sealed = keyring.seal(Buffer.from(value), contextOf(name))
  await db
    .insertInto('secrets')
    .values({ name, sealed, changed_at: sql`now()` as never })
    .onConflict((at) => at.column('name').doUpdateSet({ sealed, changed_at: sql`now()` as never }))
    .execute()
}

/** @throws SecretKeyWrong when it is sealed under a key that is not given, or has been changed */
export async function findSecret(
  db: Db,
  keyring: Keyring,
  name: string,
): Promise<string | undefined> {
  const row = await db
    .selectFrom('secrets')
    .select('sealed')
    .where('name', '=', name)
    .executeTakeFirst()
  return row && Buffer.from(keyring.open(row.sealed, contextOf(name))).toString()
}

// Behind the version's byte: security/keyring.ts.
const keyIdOf = sql<string>`encode(substring(sealed from 2 for 8), 'hex')`

export async function listSecrets(db: Db): Promise<SecretState[]> {
  const rows = await db
    .selectFrom('secrets')
    .select(['name', keyIdOf.as('key_id'), 'changed_at'])
    .orderBy('name')
    .execute()
  return rows.map((row) => ({ name: row.name, keyId: row.key_id, changedAt: row.changed_at }))
}

/** @returns the ids of keys, besides this one, that something is still sealed under, answers of idempotency keys too */
export async function findOtherKeyIds(db: Db, keyId: string): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    select ${keyIdOf} as id from secrets
    union select ${keyIdOf} from idempotency_keys where length(sealed) > 0`.execute(db)
  return rows.map(({ id }) => id).filter((id) => id !== keyId)
}

const batchSize = 500

/**
 * Puts everything that is sealed under the keyring's present key, a batch at a time. Within a transaction all
 * of it or nothing; what is under that key already is not read, so it may be repeated.
 * @returns how many secrets and kept answers were under another key
 * @throws SecretKeyWrong when something is under a key that is not given; it is named
 */
export async function rewrapAll(trx: Db, keyring: Keyring): Promise<number> {
  const isOther = sql<boolean>`length(sealed) > 0 and ${keyIdOf} <> ${keyring.keyId}`
  let rewrapped = 0
  for (;;) {
    const secrets = await trx
      .selectFrom('secrets')
      .select(['name', 'sealed'])
      .where(isOther)
      .orderBy('name')
      .limit(batchSize)
      .forUpdate()
      .execute()
    for (const { name, sealed } of secrets) {
      const under = keyring.rewrap(sealed, contextOf(name)) ?? sealed
      await trx.updateTable('secrets').set({ sealed: under }).where('name', '=', name).execute()
    }
    const answers = await trx
      .selectFrom('idempotency_keys')
      .select(['caller', 'key', 'sealed'])
      .where(isOther)
      .orderBy('caller')
      .orderBy('key')
      .limit(batchSize)
      .forUpdate()
      .execute()
    for (const { caller, key, sealed } of answers) {
      const under = keyring.rewrap(sealed, contextOfAnswer(caller, key)) ?? sealed
      await trx
        .updateTable('idempotency_keys')
        .set({ sealed: under })
        .where('caller', '=', caller)
        .where('key', '=', key)
        .execute()
    }
    rewrapped += secrets.length + answers.length
    if (secrets.length < batchSize && answers.length < batchSize) return rewrapped
  }
}

/** The id of the key that the store's secrets are sealed under; undefined while none has been given. */
export async function findStoreKeyId(db: Db): Promise<string | undefined> {
  const row = await db.selectFrom('secret_key').select('key_id').executeTakeFirst()
  return row?.key_id
}

/**
 * Lets nobody change the store's key until the transaction ends. What it seals is so there for the next change
 * to find: by the change after that one, the key that it is under may be gone.
 * @returns the id of the store's key; undefined while none has been given
 */
export async function keepStoreKey(trx: Db): Promise<string | undefined> {
  const row = await trx.selectFrom('secret_key').select('key_id').forShare().executeTakeFirst()
  return row?.key_id
}

/**
 * Takes the lock under which keys are changed, until the transaction ends, and lets a store without a key
 * have this one.
 * @returns the id of the store's key
 */
export async function lockStoreKey(trx: Db, firstKeyId: string): Promise<string> {
  await trx
    .insertInto('secret_key')
    .values({ key_id: firstKeyId, changed_at: sql`now()` as never })
    .onConflict((at) => at.doNothing())
    .execute()
  const row = await trx
    .selectFrom('secret_key')
    .select('key_id')
    .forUpdate()
    .executeTakeFirstOrThrow()
  return row.key_id
}

/** Within a transaction that has the lock. */
export async function setStoreKeyId(trx: Db, keyId: string): Promise<void> {
  await trx
    .updateTable('secret_key')
    .set({ key_id: keyId, changed_at: sql`now()` as never })
    .execute()
}

/**
 * Forgets everything that is sealed, for a store whose key is lost.
 * @returns the names of the secrets that are gone, and how many kept answers
 */
export async function forgetSealed(
  trx: Db,
): Promise<{ readonly secrets: readonly string[]; readonly answers: number }> {
  const secrets = await trx.deleteFrom('secrets').returning('name').execute()
  const answers = await trx.deleteFrom('idempotency_keys').executeTakeFirst()
  return { secrets: secrets.map(({ name }) => name), answers: Number(answers.numDeletedRows) }
}
