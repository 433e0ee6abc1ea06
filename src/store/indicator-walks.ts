import { sql } from 'kysely'
import type { Db } from './db.ts'

/** Ids of known indicators after `afterId`, ascending. */
export async function readIndicatorIds(
  db: Db,
  afterId: number,
  limit: number,
): Promise<readonly number[]> {
  const rows = await db
    .selectFrom('indicators')
    .select('id')
    .where('id', '>', afterId)
    .orderBy('id')
    .limit(limit)
    .execute()
  return rows.map((row) => row.id)
}

/** Where a walk through what reports assert stands. */
export interface ReportedCursor {
  readonly reportId: number
  readonly indicatorId: number
}

/** What reports assert or have asserted, report by report, after the cursor. */
export async function readReportedIndicators(
  db: Db,
  after: ReportedCursor,
  limit: number,
): Promise<readonly ReportedCursor[]> {
  const { rows } = await sql<{ reportId: number; indicatorId: number }>`
    select report_id as "reportId", indicator_id as "indicatorId" from assertions
    where (report_id, indicator_id) > (${after.reportId}::bigint, ${after.indicatorId}::bigint)
    order by report_id, indicator_id limit ${limit}`.execute(db)
  return rows
}

/** Indicators after `afterId`, ascending, that are asserted by no report but by a source itself. */
export async function readUnreportedIndicators(
  db: Db,
  afterId: number,
  limit: number,
): Promise<readonly number[]> {
  const { rows } = await sql<{ id: number }>`
    select indicator_id as id from assertions
    where report_id is null and indicator_id > ${afterId}::bigint
    order by indicator_id limit ${limit}`.execute(db)
  return rows.map((row) => row.id)
}
