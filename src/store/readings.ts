import { sql } from 'kysely'
import type { Report } from '../model/report.ts'
import { type Tlp, tlpLevels } from '../model/tlp.ts'
import type { Db } from './db.ts'

/** Where the reading of a report that comes in pages stands. */
export interface Reading {
  /** of what the source said of the report when it was begun; the report's own once it is whole */
  readonly digest: string
  /** whether a version of the report was begun for what is read now */
  readonly begun: boolean
  /** records before the next page */
  readonly offset: number
  readonly pageSize?: number
  /** how many records there were on the last page's word */
  readonly count?: number
  /** how often it has failed: those that fail are tried last */
  readonly failures: number
}

export interface ReportInPages {
  readonly id: number
  readonly version: number
  readonly report: Report
  readonly reading: Reading
}

/** Saves where the reading goes on; pass the transaction that stores what it has passed. */
export async function saveReading(db: Db, reportId: number, reading: Reading): Promise<void> {
  await sql`
    update reports set reading = ${JSON.stringify(reading)}::jsonb
    where id = ${reportId}`.execute(db)
}

/** Begins another version of a report, of which nothing is stored yet. */
export async function beginVersion(db: Db, reportId: number): Promise<number> {
  const row = await db
    .updateTable('reports')
    .set({ version: sql`version + 1` })
    .where('id', '=', reportId)
    .returning('version')
    .executeTakeFirstOrThrow()
  return row.version
}

/** External ids of the reports whose pages are still to be read, those that have failed last. */
export async function readUnfinishedIds(db: Db, sourceId: number): Promise<readonly string[]> {
  const { rows } = await sql<{ external_id: string }>`
    select external_id from reports where source_id = ${sourceId} and reading is not null
    order by (reading->>'failures')::integer, id`.execute(db)
  return rows.map((row) => row.external_id)
}

export async function countUnfinished(db: Db, sourceId: number): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    select count(*)::integer as count from reports
    where source_id = ${sourceId} and reading is not null`.execute(db)
  return rows[0]?.count ?? 0
}

/** @returns undefined when no page of the report is to be read */
export async function findReportInPages(
  db: Db,
  sourceId: number,
  externalId: string,
): Promise<ReportInPages | undefined> {
  const row = await db
    .selectFrom('reports')
    .selectAll()
    .where('source_id', '=', sourceId)
    .where('external_id', '=', externalId)
    .where('reading', 'is not', null)
    .executeTakeFirst()
  if (!row) return undefined
  return {
    id: row.id,
    version: row.version,
    reading: row.reading as Reading,
    report: {
      externalId,
      name: row.name,
      description: row.description,
      author: row.author,
      tlp: tlpLevels[row.tlp] as Tlp,
      public: row.public,
      revision: row.revision,
      created: row.created,
      modified: row.modified,
      tags: row.tags,
      references: row.refs,
      ...(row.sent_to.length > 0 && { sentTo: row.sent_to }),
      ...row.details,
    },
  }
}
