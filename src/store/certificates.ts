import { type Selectable, sql } from 'kysely'
import type { Db } from './db.ts'
import type { Tables } from './tables.ts'

/** What a client certificate is told by that stands for an account; one of fingerprint and subject. */
export interface StoredCertificate {
  readonly id: number
  readonly fingerprint: string | null
  readonly subject: string | null
  readonly createdBy: string
  readonly createdAt: Date
}

/** @returns undefined when this fingerprint or subject stands for an account already */
export async function createCertificate(
  trx: Db,
  accountId: number,
  certificate: Pick<StoredCertificate, 'fingerprint' | 'subject' | 'createdBy'>,
): Promise<StoredCertificate | undefined> {
  const row = await trx
    .insertInto('account_certificates')
    .values({
      account_id: accountId,
      fingerprint: certificate.fingerprint,
      subject: certificate.subject,
      created_by: certificate.createdBy,
      created_at: sql<Date>`now()`,
    })
    .onConflict((conflict) => conflict.doNothing())
    .returningAll()
    .executeTakeFirst()
  return row && toCertificate(row)
}

/** By their ids. */
export async function readCertificates(
  db: Db,
  accountId: number,
  page: { readonly after?: number; readonly limit: number },
): Promise<readonly StoredCertificate[]> {
  const rows = await db
    .selectFrom('account_certificates')
    .selectAll()
    .where('account_id', '=', accountId)
    .where('id', '>', page.after ?? 0)
    .orderBy('id')
    .limit(page.limit)
    .execute()
  return rows.map(toCertificate)
}

/** Nobody else changes it until the transaction ends. */
export async function findCertificateForChange(
  trx: Db,
  accountId: number,
  id: number,
): Promise<StoredCertificate | undefined> {
  const row = await trx
    .selectFrom('account_certificates')
    .selectAll()
    .where('account_id', '=', accountId)
    .where('id', '=', id)
    .forUpdate()
    .executeTakeFirst()
  return row && toCertificate(row)
}

export async function deleteCertificate(trx: Db, id: number): Promise<void> {
  await trx.deleteFrom('account_certificates').where('id', '=', id).execute()
}

function toCertificate(row: Selectable<Tables['account_certificates']>): StoredCertificate {
  return {
    id: row.id,
    fingerprint: row.fingerprint,
    subject: row.subject,
    createdBy: row.created_by,
    createdAt: row.created_at,
  }
}
