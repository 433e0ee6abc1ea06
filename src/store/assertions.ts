import { createHash } from 'node:crypto'
import { sql } from 'kysely'
import type { Db } from './db.ts'
import { recordset } from './recordset.ts'

/** One reason against an assertion: its stable name, the exact rule, and a sentence on this very value. */
export interface RecordedReason {
  readonly reason: string
  readonly rule: string
  readonly detail: string
  /** false: each collection decides for itself; absent: it keeps the assertion out of all */
  readonly counts?: boolean
}

/** What judging found that keeps nothing out. */
export interface RecordedRemark {
  readonly rule: string
  readonly detail: string
}

/** An assertion with its verdict, as it is stored. */
export interface AssertionRow {
  readonly indicatorId: number
  readonly sourceId: number
  readonly reportId: number
  readonly reportVersion: number
  readonly externalId: string | undefined
  readonly title: string
  readonly description: string
  readonly role: string
  readonly tlp: number
  readonly confidence: number
  readonly assertedConfidence: number
  readonly validFrom: Date
  readonly validUntil: Date | undefined
  readonly endsAt: Date | undefined
  readonly active: boolean
  readonly refuted: boolean
  /** when time alone may change the verdict */
  readonly judgeAt: Date | undefined
  readonly suppressions: readonly RecordedReason[]
  readonly remarks: readonly RecordedRemark[]
  readonly sightings: number | undefined
}

/** Whether one of these keeps an assertion out of every feed. */
export function isSuppressedBy(reasons: readonly RecordedReason[]): boolean {
  return reasons.some(({ counts = true }) => counts)
}

/**
 * Finds or makes the indicators with these types and normal forms.
 * @returns their ids, in the order given
 */
export async function upsertIndicators(
  db: Db,
  observables: readonly { readonly type: string; readonly value: string }[],
): Promise<readonly number[]> {
  const keys = observables.map(({ type, value }) => indicatorKey(type, value))
  const known = await findByKey(db, keys)
  const missing = new Map<string, { k: string; t: string; v: string }>()
  observables.forEach(({ type, value }, index) => {
    const k = keys[index] as string
    if (!known.has(k)) missing.set(k, { k, t: type, v: value })
  })
  if (missing.size > 0) {
    const { rows } = await sql<{ id: number; key: string }>`
      insert into indicators (key, type, value)
      select decode(k, 'hex'), t, v
      from json_to_recordset(${recordset([...missing.values()])}::json) as x(k text, t text, v text)
      returning id, encode(key, 'hex') as key`.execute(db)
    for (const row of rows) known.set(row.key, row.id)
  }
  return keys.map((key) => known.get(key) as number)
}

/** @param observables in their normal forms */
export async function findIndicatorIds(
  db: Db,
  observables: readonly { readonly type: string; readonly value: string }[],
): Promise<readonly (number | undefined)[]> {
  const keys = observables.map(({ type, value }) => indicatorKey(type, value))
  const known = await findByKey(db, keys)
  return keys.map((key) => known.get(key))
}

async function findByKey(db: Db, keys: readonly string[]): Promise<Map<string, number>> {
  const { rows } = await sql<{ id: number; key: string }>`
    select i.id, k as key from unnest(${keys}::text[]) as k
      join indicators i on i.key = decode(k, 'hex')`.execute(db)
  return new Map(rows.map((row) => [row.key, row.id]))
}

function indicatorKey(type: string, value: string): string {
  return createHash('sha256').update(`${type}\0${value}`).digest('hex').slice(0, 32)
}

/**
 * Stores assertions, or replaces those of the same source, report and indicator, each with its verdict.
 * No two of one call may be of the same report and indicator.
 */
export async function writeAssertions(db: Db, rows: readonly AssertionRow[], now: Date) {
  const records = rows.map((row) => ({
    i: row.indicatorId,
    s: row.sourceId,
    r: row.reportId,
    v: row.reportVersion,
    x: row.externalId,
    t: row.title,
    d: row.description,
    o: row.role,
    l: row.tlp,
    c: row.confidence,
    y: row.assertedConfidence,
    f: row.validFrom,
    u: row.validUntil,
    e: row.endsAt,
    a: row.active,
    g: row.refuted,
    j: row.judgeAt,
    b: isSuppressedBy(row.suppressions),
    m: row.remarks.length > 0 ? row.remarks : null,
    n: row.sightings,
  }))
  // Of what is new and has no suppressions nothing is to be known.
  const tellsAll = rows.some((row) => row.suppressions.length > 0)
  const written = await sql<{
    id: number
    indicator_id: number
    report_id: number
    added: boolean
  }>`
    with written as (insert into assertions (indicator_id, source_id, report_id, report_version, external_id, title,
      description, role, tlp, confidence, asserted_confidence, valid_from, valid_until, ends_at, active,
      refuted, judge_at, suppressed, remarks, sightings)
    select * from json_to_recordset(${recordset(records)}::json) as x(
      i bigint, s integer, r bigint, v integer, x text, t text, d text, o text, l smallint, c smallint,
      y smallint, f timestamptz, u timestamptz, e timestamptz, a boolean, g boolean, j timestamptz, b boolean,
      m jsonb, n integer)
    on conflict (report_id, indicator_id, source_id) do update set
      report_version = excluded.report_version, external_id = excluded.external_id,
      title = excluded.title, description = excluded.description, role = excluded.role,
      tlp = excluded.tlp, confidence = excluded.confidence,
      asserted_confidence = excluded.asserted_confidence, valid_from = excluded.valid_from,
      valid_until = excluded.valid_until, ends_at = excluded.ends_at, active = excluded.active, refuted = excluded.refuted,
      judge_at = excluded.judge_at, suppressed = excluded.suppressed, remarks = excluded.remarks, sightings = excluded.sightings
    returning id, indicator_id, report_id, (xmax = 0) as added)
    select * from written where ${tellsAll} or not added`.execute(db)
  const replaced = written.rows.filter((row) => !row.added).map((row) => row.id)
  if (replaced.length > 0) await clearSuppressions(db, replaced)
  const ids = new Map(written.rows.map((row) => [`${row.report_id}/${row.indicator_id}`, row.id]))
  await writeSuppressions(
    db,
    rows.flatMap((row) =>
      row.suppressions.map((suppression) => ({
        assertionId: ids.get(`${row.reportId}/${row.indicatorId}`) as number,
        ...suppression,
      })),
    ),
    now,
  )
}

export interface DueAssertion {
  readonly id: number
  readonly indicatorId: number
  readonly reportId: number | undefined
  readonly type: string
  readonly validFrom: Date
  readonly validUntil: Date | undefined
  readonly endsAt: Date | undefined
}

/** Assertions whose verdict time alone may have changed by `now`, the longest due first. */
export async function findDueAssertions(db: Db, now: Date, limit: number) {
  const { rows } = await sql<{
    id: number
    indicator_id: number
    report_id: number | null
    type: string
    valid_from: Date
    valid_until: Date | null
    ends_at: Date | null
  }>`
    select a.id, a.indicator_id, a.report_id, i.type, a.valid_from, a.valid_until, a.ends_at
    from assertions a join indicators i on i.id = a.indicator_id
    where a.judge_at <= ${now} order by a.judge_at limit ${limit}`.execute(db)
  return rows.map(
    (row): DueAssertion => ({
      id: row.id,
      indicatorId: row.indicator_id,
      reportId: row.report_id ?? undefined,
      type: row.type,
      validFrom: row.valid_from,
      validUntil: row.valid_until ?? undefined,
      endsAt: row.ends_at ?? undefined,
    }),
  )
}

/** Adds what a later look found to verdicts already recorded. */
export async function addVerdicts(
  db: Db,
  verdicts: readonly {
    readonly assertionId: number
    readonly judgeAt: Date | undefined
    readonly suppressions: readonly RecordedReason[]
  }[],
  now: Date,
) {
  const records = verdicts.map((verdict) => ({
    id: verdict.assertionId,
    j: verdict.judgeAt,
    b: isSuppressedBy(verdict.suppressions),
  }))
  await sql`
    update assertions a set judge_at = x.j, suppressed = a.suppressed or x.b
    from json_to_recordset(${recordset(records)}::json) as x(id bigint, j timestamptz, b boolean)
    where a.id = x.id`.execute(db)
  await writeSuppressions(
    db,
    verdicts.flatMap(({ assertionId, suppressions }) =>
      suppressions.map((suppression) => ({ assertionId, ...suppression })),
    ),
    now,
  )
}

/** Where a walk through assertions by the moment from which they count stands. */
export interface AgedCursor {
  readonly validFrom: Date
  readonly assertionId: number
}

/**
 * Indicators with an assertion that became `days` old after `since` and up to `now`, of so many assertions.
 * @returns `next`: from where to go on; undefined: that was the end
 */
export async function findAgedIndicators(
  db: Db,
  span: { readonly since: Date; readonly now: Date; readonly days: number },
  after: AgedCursor | undefined,
  limit: number,
) {
  const age = span.days * 86_400_000
  const from = after ?? {
    validFrom: new Date(span.since.getTime() - age),
    assertionId: Number.MAX_SAFE_INTEGER,
  }
  const { rows } = await sql<{ id: number; indicator_id: number; valid_from: Date }>`
    select id, indicator_id, valid_from from assertions
    where (valid_from, id) > (${from.validFrom}::timestamptz, ${from.assertionId}::bigint)
      and valid_from <= ${new Date(span.now.getTime() - age)}::timestamptz
    order by valid_from, id limit ${limit}`.execute(db)
  const last = rows.length === limit ? rows.at(-1) : undefined
  const next: AgedCursor | undefined = last && {
    validFrom: last.valid_from,
    assertionId: last.id,
  }
  return { ids: rows.map((row) => row.indicator_id), next }
}

async function clearSuppressions(db: Db, assertionIds: readonly number[]) {
  await sql`delete from suppressions where assertion_id = any(${assertionIds}::bigint[])`.execute(
    db,
  )
}

export async function writeSuppressions(
  db: Db,
  suppressions: readonly (RecordedReason & { readonly assertionId: number })[],
  now: Date,
) {
  if (suppressions.length === 0) return
  const records = suppressions.map((one) => ({
    a: one.assertionId,
    r: one.reason,
    u: one.rule,
    d: one.detail,
    c: one.counts ?? true,
  }))
  await sql`
    insert into suppressions (assertion_id, reason, rule, detail, since, counts)
    select a, r, u, d, ${now}::timestamptz, c
    from json_to_recordset(${recordset(records)}::json)
      as x(a bigint, r text, u text, d text, c boolean)
    on conflict (assertion_id, reason, rule) do nothing`.execute(db)
}
