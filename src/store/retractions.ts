import { sql } from 'kysely'
import { type RecordedReason, writeSuppressions } from './assertions.ts'
import type { Db } from './db.ts'

/**
 * Ends assertions that a report's newest version no longer makes, as many as `limit`: it is to be called
 * again as long as it ends that many.
 * @returns the indicators that they spoke of, one for each assertion
 */
export async function retractAssertions(
  db: Db,
  report: { readonly id: number; readonly version: number },
  suppression: RecordedReason,
  now: Date,
  limit: number,
): Promise<readonly number[]> {
  const ended = await endAssertions(
    db,
    sql`select a.id from assertions a
      where a.report_id = ${report.id} and a.report_version < ${report.version}
        and not exists (select from suppressions x
          where x.assertion_id = a.id and x.reason = 'retracted')
      order by a.indicator_id limit ${limit}`,
  )
  // Of a report that is back, what it no longer says is not gone with it but taken back by it.
  await sql`
    delete from suppressions where reason = 'gone'
      and assertion_id = any(${ended.map((one) => one.id)}::bigint[])`.execute(db)
  return suppress(db, ended, suppression, now)
}

/**
 * Ends what these reports say now, as many assertions as `limit`: it is to be called again as long as it
 * ends that many.
 * @returns the indicators that they spoke of, one for each assertion
 */
export async function endReports(
  db: Db,
  reportIds: readonly number[],
  suppression: RecordedReason,
  now: Date,
  limit: number,
): Promise<readonly number[]> {
  const ended = await endAssertions(
    db,
    sql`select a.id from assertions a
      where a.report_id = any(${reportIds}::bigint[])
        and not exists (select from suppressions x
          where x.assertion_id = a.id and x.reason in ('gone', 'retracted'))
      order by a.report_id, a.indicator_id limit ${limit}`,
  )
  return suppress(db, ended, suppression, now)
}

interface Ended {
  readonly id: number
  readonly indicator_id: number
}

async function endAssertions(db: Db, chosen: ReturnType<typeof sql>): Promise<readonly Ended[]> {
  const { rows } = await sql<Ended>`
    update assertions set suppressed = true, judge_at = null
    where id in (${chosen}) returning id, indicator_id`.execute(db)
  return rows
}

async function suppress(
  db: Db,
  ended: readonly Ended[],
  suppression: RecordedReason,
  now: Date,
): Promise<readonly number[]> {
  await writeSuppressions(
    db,
    ended.map((row) => ({ assertionId: row.id, ...suppression })),
    now,
  )
  return ended.map((row) => row.indicator_id)
}
