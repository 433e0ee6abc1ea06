import { type RawBuilder, sql } from 'kysely'
import type { Recall } from '../model/recall.ts'
import type { Db } from './db.ts'
import { isWithdrawn } from './live.ts'

/** Whether an operator took out what assertion `a` says, be it by its source, its report or its indicator. */
export const isRecalled = sql<boolean>`(
  exists (select from recalls r where r.source_id = a.source_id and r.undone_at is null)
  or exists (select from recalls r where r.report_id = a.report_id and r.undone_at is null)
  or exists (select from recalled_indicators x join recalls r on r.id = x.recall_id
    where x.indicator_id = a.indicator_id and r.undone_at is null))`

/** A recall's subject by the store's ids. */
export type StoredSubject =
  | { readonly sourceId: number }
  | { readonly reportId: number }
  | { readonly indicatorIds: readonly number[] }

export async function writeRecall(
  db: Db,
  recall: {
    readonly subject: StoredSubject
    readonly reason: string
    readonly by: string
    readonly now: Date
  },
): Promise<number> {
  const { subject, reason, by, now } = recall
  const { id } = await db
    .insertInto('recalls')
    .values({
      source_id: 'sourceId' in subject ? subject.sourceId : null,
      report_id: 'reportId' in subject ? subject.reportId : null,
      reason,
      recalled_by: by,
      recalled_at: now,
    })
    .returning('id')
    .executeTakeFirstOrThrow()
  if ('indicatorIds' in subject) {
    const ids = [...new Set(subject.indicatorIds)].sort((a, b) => a - b)
    await sql`
      insert into recalled_indicators (indicator_id, recall_id)
      select i, ${id}::bigint from unnest(${ids}::bigint[]) as i`.execute(db)
  }
  return id
}

/**
 * Takes the live blocks of all that a recall is about out of every feed, whoever else asserts it: what
 * others still assert is to be published again, without what was recalled. Of a chunk of a report everything
 * goes that is shown together with what was recalled. Needs the intake lock.
 * @returns how many of the recall's indicators lost blocks
 */
export async function withdrawRecalled(db: Db, recallId: number): Promise<number> {
  // Hundreds of thousands of rows are the rule here, and the intake's plans are made for a few.
  await sql`
    select set_config('enable_seqscan', 'on', true), set_config('work_mem', '64MB', true)`.execute(
    db,
  )
  const { rows } = await sql<{ indicators: number; number: number }>`
    with ended as materialized (
      select b.publication_id, b.subject_id from blocks b
      where b.superseded_by is null and b.subject_id in (${subjectIndicators(recallId)})
        and not ${isWithdrawn}),
    counted as (
      update publications p set live_count = p.live_count - x.blocks
      from (select publication_id, count(*)::integer as blocks from ended group by 1) as x
      where p.id = x.publication_id),
    -- In the order of the index, and without "on conflict": three times as fast as otherwise.
    each_once as materialized (select distinct subject_id from ended order by subject_id),
    latest as materialized (
      select max(id) as id, clock_timestamp() as moment, nextval('publications_id_seq') as number
      from publications),
    withdrawn_again as (
      update withdrawals w set through_publication = latest.id, withdrawn_at = latest.moment,
        number = latest.number
      from each_once e, latest where w.subject_id = e.subject_id and w.collection_id = 0),
    withdrawn as (
      insert into withdrawals (subject_id, collection_id, binding, through_publication, withdrawn_at,
        number)
      select e.subject_id, 0, 0, latest.id, latest.moment, latest.number from each_once e, latest
      where not exists (
        select from withdrawals w where w.subject_id = e.subject_id and w.collection_id = 0))
    select (select count(*) from each_once) as indicators, number from latest`.execute(db)
  const { indicators, number } = rows[0] as { indicators: number; number: number }
  return Number(indicators) + (await withdrawRecalledChunks(db, recallId, number))
}

/** @returns how many indicators lost blocks by that which had not lost some by withdrawal `number` already */
async function withdrawRecalledChunks(db: Db, recallId: number, number: number): Promise<number> {
  const { rows } = await sql<{ indicators: number }>`
    -- Each stream by itself: what is shown in one may not be in another.
    with shown as materialized (
      select b.subject_id, b.collection_id, b.binding, max(b.publication_id) as through
      from blocks b
      where b.subject_id in (${subjectChunks(recallId)}) and ${showsRecalled(recallId)}
        and not ${isWithdrawn}
      group by 1, 2, 3),
    ended as materialized (
      select b.publication_id, b.members from shown s join blocks b
        on b.subject_id = s.subject_id and b.collection_id = s.collection_id and b.binding = s.binding
      where b.superseded_by is null and b.publication_id <= s.through),
    counted as (
      update publications p set live_count = p.live_count - x.blocks
      from (select publication_id, count(*)::integer as blocks from ended group by 1) as x
      where p.id = x.publication_id),
    withdrawn as (
      insert into withdrawals (subject_id, collection_id, binding, through_publication, withdrawn_at)
      select subject_id, collection_id, binding, through, clock_timestamp() from shown
      on conflict (subject_id, collection_id, binding) do update set
        through_publication = excluded.through_publication, withdrawn_at = excluded.withdrawn_at,
        number = excluded.number)
    select count(distinct member) as indicators
    from ended cross join unnest(members) as member
    where (${isByIndicators(recallId)} is false
        or exists (select from recalled_indicators x
          where x.indicator_id = member and x.recall_id = ${recallId}))
      and not exists (select from withdrawals w
        where w.subject_id = member and w.collection_id = 0 and w.number = ${number})`.execute(db)
  return Number(rows[0]?.indicators)
}

/** The chunks that a recall is about: those of its reports, or those that its indicators came into. */
function subjectChunks(recallId: number): RawBuilder<unknown> {
  return sql`
    select c.id from chunks c join reports r on r.id = c.report_id
      where r.source_id = (select source_id from recalls where id = ${recallId})
    union select id from chunks
      where report_id = (select report_id from recalls where id = ${recallId})
    union select m.chunk_id from recalled_indicators x
      join chunk_members m on m.indicator_id = x.indicator_id where x.recall_id = ${recallId}`
}

/** Whether block `b` of such a chunk shows what was recalled. */
function showsRecalled(recallId: number): RawBuilder<boolean> {
  return sql`(${isByIndicators(recallId)} is false or exists (
    select from recalled_indicators x
    where x.recall_id = ${recallId} and x.indicator_id = any(b.members)))`
}

function isByIndicators(recallId: number): RawBuilder<boolean> {
  return sql`(select source_id is null and report_id is null from recalls where id = ${recallId})`
}

/** Ids of the indicators that a recall is about, after `afterId`, ascending. */
export async function readRecalledIndicators(
  db: Db,
  recallId: number,
  afterId: number,
  limit: number,
): Promise<readonly number[]> {
  const { rows } = await sql<{ id: number }>`
    select id from (${subjectIndicators(recallId)}) as subject (id)
    where id > ${afterId}::bigint order by id limit ${limit}`.execute(db)
  return rows.map((row) => row.id)
}

// Suppressed assertions too: parts of result sets still read blocks from before they were retracted.
function subjectIndicators(recallId: number): RawBuilder<unknown> {
  return sql`
    select indicator_id from assertions
      where source_id = (select source_id from recalls where id = ${recallId})
    union select indicator_id from assertions
      where report_id = (select report_id from recalls where id = ${recallId})
    union select indicator_id from recalled_indicators where recall_id = ${recallId}`
}

/** @returns undefined when there is no such recall, and when it was undone before */
export async function markUndone(
  db: Db,
  recallId: number,
  by: string,
  now: Date,
): Promise<number | undefined> {
  const row = await db
    .updateTable('recalls')
    .set({ undone_by: by, undone_at: now, settled: false })
    .where('id', '=', recallId)
    .where('undone_at', 'is', null)
    .returning('id')
    .executeTakeFirst()
  return row?.id
}

/** Notes that what the recall asked for is done, unless it has been undone since it was read. */
export async function markSettled(db: Db, { id, undoneAt }: Recall): Promise<void> {
  await sql`
    update recalls set settled = true
    where id = ${id} and undone_at is not distinct from ${undoneAt ?? null}::timestamptz`.execute(
    db,
  )
}

/** All recalls, the newest first. */
export async function readRecalls(db: Db): Promise<readonly Recall[]> {
  const { rows } = await sql<RecallRow>`
    select r.id, r.reason, r.recalled_by, r.recalled_at, r.undone_by, r.undone_at, r.settled,
      s.name as source, t.external_id as report, u.name as report_source,
      (select count(*) from recalled_indicators x where x.recall_id = r.id) as indicators,
      (select i.type || ' ' || i.value from recalled_indicators x
        join indicators i on i.id = x.indicator_id where x.recall_id = r.id limit 1) as indicator
    from recalls r left join sources s on s.id = r.source_id
      left join reports t on t.id = r.report_id left join sources u on u.id = t.source_id
    order by r.id desc`.execute(db)
  return rows.map((row) => ({
    id: row.id,
    subject: describe(row),
    reason: row.reason,
    recalledBy: row.recalled_by,
    recalledAt: row.recalled_at,
    undoneBy: row.undone_by ?? undefined,
    undoneAt: row.undone_at ?? undefined,
    settled: row.settled,
  }))
}

interface RecallRow {
  id: number
  reason: string
  recalled_by: string
  recalled_at: Date
  undone_by: string | null
  undone_at: Date | null
  settled: boolean
  source: string | null
  report: string | null
  report_source: string | null
  indicators: number
  indicator: string | null
}

function describe({ source, report, report_source, indicators, indicator }: RecallRow): string {
  if (source !== null) return `source ${source}`
  if (report !== null) return `report ${report_source}/${report}`
  return Number(indicators) === 1 ? `${indicator}` : `${indicators} indicators`
}
