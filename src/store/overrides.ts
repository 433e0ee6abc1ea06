import { sql } from 'kysely'
import type { Override } from '../model/override.ts'
import type { Db } from './db.ts'

/**
 * Lets the overrides that count now lift what they are about from the verdicts of these indicators, and
 * takes back what those lifted that are over. To be called whenever verdicts of indicators were written, in
 * the same transaction.
 * @returns those of the indicators that have or had an override, of which any verdict may be another now
 */
export async function applyOverrides(
  db: Db,
  indicatorIds: readonly number[],
  now: Date,
): Promise<readonly number[]> {
  const { rows } = await sql<{ indicator_id: number }>`
    select distinct indicator_id from overrides
    where indicator_id = any(${indicatorIds}::bigint[])`.execute(db)
  if (rows.length === 0) return []
  const ids = rows.map((row) => row.indicator_id)
  await sql`
    update suppressions x set override_id = (
      select o.id from overrides o
      where o.indicator_id = a.indicator_id and o.reason = x.reason
        and (o.rule is null or o.rule = x.rule)
        and o.ended_at is null and o.expires_at > ${now}::timestamptz
      order by o.expires_at desc, o.id limit 1)
    from assertions a
    where a.id = x.assertion_id and a.indicator_id = any(${ids}::bigint[])`.execute(db)
  // What was retracted has no moment to be judged at; lifted, it must still end.
  await sql`
    update assertions a set suppressed = exists (
        select from suppressions x
        where x.assertion_id = a.id and x.counts and x.override_id is null),
      judge_at = coalesce(a.judge_at, case when a.ends_at > ${now}::timestamptz then a.ends_at end)
    where a.indicator_id = any(${ids}::bigint[])`.execute(db)
  return ids
}

/** What an override is about: one reason against an indicator, or one rule of that reason. */
export interface OverrideSubject {
  readonly indicatorIds: readonly number[]
  readonly reason: string
  /** undefined: whatever rule spoke */
  readonly rule: string | undefined
}

/**
 * Makes an override for each of the indicators, in place of the one that it has for the same.
 * `applyOverrides` must follow in the same transaction.
 * @returns their numbers, in the order of the indicators
 */
export async function writeOverrides(
  db: Db,
  override: OverrideSubject & {
    readonly because: string
    readonly by: string
    readonly now: Date
    readonly expiresAt: Date
  },
): Promise<readonly number[]> {
  const { indicatorIds, reason, rule = null, because, by, now, expiresAt } = override
  await sql`
    update overrides set ended_by = ${by}, ended_at = ${now}, lapsed = true
    where indicator_id = any(${indicatorIds}::bigint[]) and reason = ${reason}
      and rule is not distinct from ${rule}::text and ended_at is null and not lapsed`.execute(db)
  const { rows } = await sql<{ id: number }>`
    insert into overrides (indicator_id, reason, rule, because, made_by, made_at, expires_at)
    select i, ${reason}, ${rule}::text, ${because}, ${by}, ${now}::timestamptz, ${expiresAt}::timestamptz
    from unnest(${indicatorIds}::bigint[]) with ordinality as x (i, place) order by place
    returning id`.execute(db)
  return rows.map((row) => row.id)
}

/**
 * Ends an override before its time. `applyOverrides` must follow in the same transaction.
 * @returns the indicator that it was about; undefined when there is no such override that still counts
 */
export async function markOverrideEnded(
  db: Db,
  id: number,
  by: string,
  now: Date,
): Promise<number | undefined> {
  const row = await db
    .updateTable('overrides')
    .set({ ended_by: by, ended_at: now, lapsed: true })
    .where('id', '=', id)
    .where('ended_at', 'is', null)
    .where('expires_at', '>', now)
    .returning('indicator_id')
    .executeTakeFirst()
  return row?.indicator_id
}

/**
 * Takes overrides whose time is over, the longest over first, and notes that this is worked into the verdicts:
 * `applyOverrides` must follow in the same transaction.
 * @returns their indicators
 */
export async function lapseOverrides(db: Db, now: Date, limit: number): Promise<readonly number[]> {
  const { rows } = await sql<{ indicator_id: number }>`
    update overrides set lapsed = true
    where id in (select id from overrides where expires_at <= ${now}::timestamptz and not lapsed
      order by expires_at limit ${limit})
    returning indicator_id`.execute(db)
  return rows.map((row) => row.indicator_id)
}

/** Whether there is an override to be lapsed. */
export async function hasOverridesToLapse(db: Db, now: Date): Promise<boolean> {
  const { rows } = await sql`
    select from overrides where expires_at <= ${now}::timestamptz and not lapsed limit 1`.execute(
    db,
  )
  return rows.length > 0
}

interface OverrideRow {
  id: number
  type: string
  value: string
  reason: string
  rule: string | null
  because: string
  made_by: string
  made_at: Date
  expires_at: Date
  ended_by: string | null
  ended_at: Date | null
  lifts: number
}

/**
 * Overrides, the newest first.
 * @param filter.current only those that count at that moment
 */
export async function readOverrides(
  db: Db,
  filter: {
    readonly indicatorId?: number
    readonly id?: number
    readonly current?: Date
    readonly limit?: number
  } = {},
): Promise<readonly Override[]> {
  const { indicatorId, id, current, limit } = filter
  const { rows } = await sql<OverrideRow>`
    select o.id, i.type, i.value, o.reason, o.rule, o.because, o.made_by, o.made_at, o.expires_at,
      o.ended_by, o.ended_at,
      (select count(*) from assertions a join suppressions x on x.assertion_id = a.id
        where a.indicator_id = o.indicator_id and x.override_id = o.id)::integer as lifts
    from overrides o join indicators i on i.id = o.indicator_id
    where ${indicatorId === undefined ? sql`true` : sql`o.indicator_id = ${indicatorId}::bigint`}
      and ${id === undefined ? sql`true` : sql`o.id = ${id}::bigint`}
      and ${current ? sql`o.ended_at is null and o.expires_at > ${current}::timestamptz` : sql`true`}
    order by o.id desc limit ${limit ?? null}::integer`.execute(db)
  return rows.map((row) => ({
    id: row.id,
    type: row.type,
    value: row.value,
    reason: row.reason,
    rule: row.rule ?? undefined,
    because: row.because,
    madeBy: row.made_by,
    madeAt: row.made_at,
    expiresAt: row.expires_at,
    endedBy: row.ended_by ?? undefined,
    endedAt: row.ended_at ?? undefined,
    lifts: row.lifts,
  }))
}
