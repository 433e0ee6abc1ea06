import { sql } from 'kysely'
import type { Report } from '../model/report.ts'
import { tlpRank } from '../model/tlp.ts'
import type { Db } from './db.ts'
import { tagKey } from './rules.ts'
import type { ReportDetails } from './tables.ts'

/** Digests of the reports that are stored whole, by external id. */
export async function readReportDigests(
  db: Db,
  sourceId: number,
  externalIds: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const { rows } = await sql<{ external_id: string; digest: string }>`
    select external_id, encode(digest, 'hex') as digest from reports
    where source_id = ${sourceId} and external_id = any(${externalIds}::text[])
      and digest is not null`.execute(db)
  return new Map(rows.map((row) => [row.external_id, row.digest]))
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
    details: JSON.stringify(details),
    digest: null,
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
    .set({ digest: Buffer.from(digestHex, 'hex') })
    .where('id', '=', reportId)
    .execute()
}
