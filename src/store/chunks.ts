import { type RawBuilder, sql } from 'kysely'
import { lockIntake } from './blocks.ts'
import type { Db } from './db.ts'
import { recordset } from './recordset.ts'

/** So many of a report's indicators are a package at most. */
const chunkSize = 100

/** An indicator as one report speaks of it. */
export interface ReportedIndicator {
  readonly reportId: number
  readonly indicatorId: number
}

export interface Membership extends ReportedIndicator {
  /** negative */
  readonly chunkId: number
}

/**
 * The chunks that these indicators came into, the oldest first.
 * @param reportIds of these reports alone; undefined: of all
 */
export async function readMemberships(
  db: Db,
  indicatorIds: readonly number[],
  reportIds?: readonly number[],
): Promise<readonly Membership[]> {
  const ofReports = reportIds ? sql`report_id = any(${reportIds}::bigint[])` : sql`true`
  const { rows } = await sql<Membership>`
    select report_id as "reportId", indicator_id as "indicatorId", chunk_id as "chunkId"
    from chunk_members
    where indicator_id = any(${indicatorIds}::bigint[]) and ${ofReports}
    order by chunk_id desc, indicator_id`.execute(db)
  return rows
}

/**
 * Gives indicators that have none yet a place in their report: in its last chunk as long as there is room,
 * then in new ones, in the order given. They keep it. Needs the intake lock.
 * @returns the chunks that they came into
 */
export async function addMembers(
  db: Db,
  added: readonly ReportedIndicator[],
): Promise<ReadonlySet<number>> {
  if (added.length === 0) return new Set()
  const byReport = Map.groupBy(added, ({ reportId }) => reportId)
  const last = await readLastChunks(db, [...byReport.keys()])
  const wanted: { r: number; n: number }[] = []
  const places: { reportId: number; indicatorId: number; number: number }[] = []
  for (const [reportId, members] of byReport) {
    let { number, room } = last.get(reportId) ?? { number: 0, room: 0 }
    for (const { indicatorId } of members) {
      if (room === 0) {
        number += 1
        room = chunkSize
        wanted.push({ r: reportId, n: number })
      }
      room -= 1
      places.push({ reportId, indicatorId, number })
    }
  }
  const ids = new Map([...last].map(([reportId, { number, id }]) => [`${reportId}/${number}`, id]))
  if (wanted.length > 0) {
    const { rows } = await sql<{ id: number; report_id: number; number: number }>`
      insert into chunks (report_id, number)
      select r, n from json_to_recordset(${recordset(wanted)}::json) as x(r bigint, n integer)
      returning id, report_id, number`.execute(db)
    for (const row of rows) ids.set(`${row.report_id}/${row.number}`, row.id)
  }
  const records = places.map(({ reportId, indicatorId, number }) => ({
    r: reportId,
    i: indicatorId,
    c: ids.get(`${reportId}/${number}`) as number,
  }))
  await sql`
    insert into chunk_members (report_id, indicator_id, chunk_id)
    select r, i, c from json_to_recordset(${recordset(records)}::json)
      as x(r bigint, i bigint, c bigint)`.execute(db)
  return new Set(records.map(({ c }) => c))
}

async function readLastChunks(db: Db, reportIds: readonly number[]) {
  const { rows } = await sql<{ report_id: number; id: number; number: number; members: number }>`
    select r as report_id, last.id, last.number,
      (select count(*)::integer from chunk_members m where m.chunk_id = last.id) as members
    from unnest(${reportIds}::bigint[]) as r
      cross join lateral (
        select id, number from chunks where report_id = r order by number desc limit 1) as last`.execute(
    db,
  )
  return new Map(
    rows.map(({ report_id, id, number, members }) => [
      report_id,
      { id, number, room: Math.max(0, chunkSize - members) },
    ]),
  )
}

// Deleted in a transaction, for which writers wait.
const batchMembers = 10_000

/**
 * Forgets places of which nothing that was sent and may still be held tells any more, and chunks that are
 * empty then. What comes back after that gets a new place.
 */
export async function purgeMemberships(db: Db): Promise<void> {
  for (;;) {
    const { rows: members } = await sql<{ r: number; i: number }>`
      select m.report_id as r, m.indicator_id as i from chunk_members m
      where ${isForgotten} limit ${batchMembers}`.execute(db)
    const { rows: chunks } = await sql<{ id: number }>`
      select c.id from chunks c where ${isEmpty} limit ${batchMembers}`.execute(db)
    if (members.length + chunks.length === 0) return
    await db.transaction().execute(async (trx) => {
      // Behind the writers' lock: one that has just read a place may be about to publish by it.
      await lockIntake(trx)
      await sql`
        delete from chunk_members m
        using json_to_recordset(${recordset(members)}::json) as x(r bigint, i bigint)
        where m.report_id = x.r and m.indicator_id = x.i and ${isForgotten}`.execute(trx)
      const ids = chunks.map(({ id }) => id)
      await sql`
        delete from chunks c where c.id = any(${ids}::bigint[]) and ${isEmpty}`.execute(trx)
    })
  }
}

const isForgotten: RawBuilder<boolean> = sql`not exists (
  select from blocks b where b.subject_id = m.chunk_id and m.indicator_id = any(b.members))`

const isEmpty: RawBuilder<boolean> = sql`(
  not exists (select from chunk_members m where m.chunk_id = c.id)
  and not exists (select from blocks b where b.subject_id = c.id))`
