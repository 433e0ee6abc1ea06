import { sql } from 'kysely'
import type { Report } from '../model/report.ts'
import { tlpRank } from '../model/tlp.ts'
import type { Db } from './db.ts'
import { tagKey } from './rules.ts'
import type { ReportDetails } from './tables.ts'

/** What is stored of a report already. */
export interface KnownReport {
  /** of the contents that are stored whole */
  readonly digest: string | undefined
  /** of the contents whose pages are being read */
  readonly readingDigest: string | undefined
}

/** By external id; reports that are gone are not among them. */
export async function readKnownReports(
  db: Db,
  sourceId: number,
  externalIds: readonly string[],
): Promise<ReadonlyMap<string, KnownReport>> {
  const { rows } = await sql<{
    external_id: string
    digest: string | null
    reading_digest: string | null
  }>`
    select external_id, encode(digest, 'hex') as digest, reading->>'digest' as reading_digest
    from reports
    where source_id = ${sourceId} and external_id = any(${externalIds}::text[])
      and gone is null`.execute(db)
  return new Map(
    rows.map((row) => [
      row.external_id,
      { digest: row.digest ?? undefined, readingDigest: row.reading_digest ?? undefined },
    ]),
  )
}

/**
 * Stores a report or its new contents under the next version, as not yet whole.
 * @returns its id and version, to be put on each of its assertions
 */
export async function writeReport(
  db: Db,
  sourceId: number,
  report: Report,
): Promise<{ id: number; version: number }> {
  const details: ReportDetails = {
    adversary: report.adversary,
    targetedCountries: report.targetedCountries,
    industries: report.industries,
    malwareFamilies: report.malwareFamilies,
    attackIds: report.attackIds,
  }
  const columns = {
    name: report.name,
    description: report.description,
    author: report.author,
    tlp: tlpRank(report.tlp),
    public: report.public,
    revision: report.revision,
    created: report.created,
    modified: report.modified,
    tags: [...report.tags],
    tag_keys: report.tags.map(tagKey),
    refs: [...report.references],
    sent_to: [...(report.sentTo ?? [])],
    details: JSON.stringify(details),
    digest: null,
    gone: null,
    reading: null,
  }
  return db
    .insertInto('reports')
    .values({ source_id: sourceId, external_id: report.externalId, version: 1, ...columns })
    .onConflict((conflict) =>
      conflict
        .columns(['source_id', 'external_id'])
        .doUpdateSet({ ...columns, version: sql`reports.version + 1` }),
    )
    .returning(['id', 'version'])
    .executeTakeFirstOrThrow()
}

export async function findReportId(
  db: Db,
  sourceId: number,
  externalId: string,
): Promise<number | undefined> {
  const row = await db
    .selectFrom('reports')
    .select('id')
    .where('source_id', '=', sourceId)
    .where('external_id', '=', externalId)
    .executeTakeFirst()
  return row?.id
}

/** The version of a report that is being stored in pieces. */
export async function getReportVersion(
  db: Db,
  sourceId: number,
  externalId: string,
): Promise<{ id: number; version: number }> {
  return db
    .selectFrom('reports')
    .select(['id', 'version'])
    .where('source_id', '=', sourceId)
    .where('external_id', '=', externalId)
    .executeTakeFirstOrThrow()
}

/** Marks a report's contents as stored whole. */
export async function completeReport(db: Db, reportId: number, digestHex: string): Promise<void> {
  await db
    .updateTable('reports')
    .set({ digest: Buffer.from(digestHex, 'hex'), reading: null })
    .where('id', '=', reportId)
    .execute()
}

/** Each report of a source, by its id there, with why the source has it no more. */
export async function readReportIds(
  db: Db,
  sourceId: number,
): Promise<readonly { readonly externalId: string; readonly gone: string | undefined }[]> {
  const rows = await db
    .selectFrom('reports')
    .select(['external_id', 'gone'])
    .where('source_id', '=', sourceId)
    .orderBy('external_id')
    .execute()
  return rows.map((row) => ({ externalId: row.external_id, gone: row.gone ?? undefined }))
}

/**
 * Lets these reports be taken in anew should they come again, as `markGone` does too; before their
 * assertions are ended, so that an end that is cut short leaves no report that counts as whole.
 * @returns the store's ids of those that are not gone yet
 */
export async function openForRemoval(
  db: Db,
  sourceId: number,
  externalIds: readonly string[],
): Promise<readonly number[]> {
  const rows = await db
    .updateTable('reports')
    .set({ digest: null })
    .where('source_id', '=', sourceId)
    .where('external_id', 'in', externalIds)
    .where('gone', 'is', null)
    .returning('id')
    .execute()
  return rows.map((row) => row.id)
}

/** @param why the source has them no more, such as 'deleted' */
export async function markGone(db: Db, ids: readonly number[], why: string): Promise<void> {
  if (ids.length === 0) return
  await db
    .updateTable('reports')
    .set({ digest: null, reading: null, gone: why })
    .where('id', 'in', ids)
    .execute()
}
