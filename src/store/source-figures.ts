import { sql } from 'kysely'
import type { Db } from './db.ts'

/** What a source has brought, as it is stored now. */
export interface SourceFigures {
  /** that the source has still */
  readonly reports: number
  /** that the source has no more, such as those that were deleted there */
  readonly goneReports: number
  readonly assertions: number
  /** of the assertions: those that nothing keeps out */
  readonly survivingAssertions: number
  /** distinct records that could not be read */
  readonly rejections: number
}

/** Reads each assertion of the source: for people, not for each request of a machine. */
export async function countSource(db: Db, sourceId: number): Promise<SourceFigures> {
  const { rows } = await sql<SourceFigures>`
    select r.reports, r.gone as "goneReports", a.assertions, a.surviving as "survivingAssertions",
      (select count(*) from rejections where source_id = ${sourceId})::integer as rejections
    from (select count(*) filter (where gone is null)::integer as reports,
        count(*) filter (where gone is not null)::integer as gone
      from reports where source_id = ${sourceId}) as r,
      (select count(*)::integer as assertions,
        count(*) filter (where not suppressed)::integer as surviving
      from assertions where source_id = ${sourceId}) as a`.execute(db)
  return rows[0] as SourceFigures
}

export interface Author {
  readonly author: string
  readonly reports: number
}

/** The authors of most of a source's reports, the most frequent first. */
export async function readAuthors(
  db: Db,
  sourceId: number,
  limit: number,
): Promise<readonly Author[]> {
  const { rows } = await sql<Author>`
    select author, count(*)::integer as reports from reports
    where source_id = ${sourceId} and author <> '' and gone is null
    group by author order by reports desc, author limit ${limit}`.execute(db)
  return rows
}
