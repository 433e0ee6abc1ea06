import { sql } from 'kysely'
import { isSuppressedBy, type RecordedReason, type RecordedRemark } from './assertions.ts'
import type { Db } from './db.ts'
import { recordset } from './recordset.ts'

/** What judging asks of an assertion that is stored, with the verdict that it has. */
export interface StoredVerdict {
  readonly assertionId: number
  readonly indicatorId: number
  readonly type: string
  readonly value: string
  readonly source: string
  readonly author: string
  readonly public: boolean
  readonly active: boolean
  readonly refuted: boolean
  readonly validFrom: Date
  readonly validUntil: Date | undefined
  readonly assertedConfidence: number
  readonly confidence: number
  readonly endsAt: Date | undefined
  readonly judgeAt: Date | undefined
  readonly suppressed: boolean
  readonly suppressions: readonly RecordedReason[]
  readonly remarks: readonly RecordedRemark[]
}

/**
 * Indicators after `afterId`, ascending, that have about so many assertions together: more only where one
 * indicator has more by itself, so that memory is bounded whatever sources repeat.
 * @returns `last`: none come after these
 */
export async function readIndicatorsToJudge(
  db: Db,
  afterId: number,
  assertions: number,
): Promise<{ readonly ids: readonly number[]; readonly last: boolean }> {
  const { rows } = await sql<{ indicator_id: number }>`
    select indicator_id from assertions where indicator_id > ${afterId}::bigint
    order by indicator_id limit ${assertions}`.execute(db)
  const ids = [...new Set(rows.map((row) => row.indicator_id))]
  const last = rows.length < assertions
  // Of the last one there may be more.
  return { ids: last || ids.length === 1 ? ids : ids.slice(0, -1), last }
}

export async function readVerdicts(
  db: Db,
  indicatorIds: readonly number[],
): Promise<readonly StoredVerdict[]> {
  const { rows } = await sql<
    Omit<StoredVerdict, 'validUntil' | 'endsAt' | 'judgeAt' | 'suppressions' | 'remarks'> & {
      validUntil: Date | null
      endsAt: Date | null
      judgeAt: Date | null
      suppressions: readonly RecordedReason[] | null
      remarks: readonly RecordedRemark[] | null
    }
  >`
    select a.id as "assertionId", a.indicator_id as "indicatorId", i.type, i.value, s.name as source,
      coalesce(r.author, '') as author, coalesce(r.public, true) as public, a.active, a.refuted,
      a.valid_from as "validFrom", a.valid_until as "validUntil",
      a.asserted_confidence as "assertedConfidence", a.confidence, a.ends_at as "endsAt",
      a.judge_at as "judgeAt", a.suppressed, a.remarks,
      (select json_agg(json_build_object(
          'reason', x.reason, 'rule', x.rule, 'detail', x.detail, 'counts', x.counts))
        from suppressions x where x.assertion_id = a.id) as suppressions
    from assertions a join indicators i on i.id = a.indicator_id
      join sources s on s.id = a.source_id left join reports r on r.id = a.report_id
    where a.indicator_id = any(${indicatorIds}::bigint[])
    order by a.indicator_id, a.id`.execute(db)
  return rows.map((row) => ({
    ...row,
    validUntil: row.validUntil ?? undefined,
    endsAt: row.endsAt ?? undefined,
    judgeAt: row.judgeAt ?? undefined,
    suppressions: row.suppressions ?? [],
    remarks: row.remarks ?? [],
  }))
}

export interface NewVerdict {
  readonly assertionId: number
  readonly confidence: number
  readonly endsAt: Date | undefined
  readonly judgeAt: Date | undefined
  readonly suppressions: readonly RecordedReason[]
  readonly remarks: readonly RecordedRemark[]
}

/** Replaces verdicts; a rule that spoke before as well keeps its date. `applyOverrides` must follow. */
export async function writeVerdicts(
  db: Db,
  verdicts: readonly NewVerdict[],
  now: Date,
): Promise<void> {
  if (verdicts.length === 0) return
  const records = verdicts.map((one) => ({
    id: one.assertionId,
    c: one.confidence,
    e: one.endsAt,
    j: one.judgeAt,
    b: isSuppressedBy(one.suppressions),
    m: one.remarks.length > 0 ? one.remarks : null,
  }))
  await sql`
    update assertions a set confidence = x.c, ends_at = x.e, judge_at = x.j, suppressed = x.b, remarks = x.m
    from json_to_recordset(${recordset(records)}::json)
      as x(id bigint, c smallint, e timestamptz, j timestamptz, b boolean, m jsonb)
    where a.id = x.id`.execute(db)
  const ids = verdicts.map((one) => one.assertionId)
  const found = recordset(
    verdicts.flatMap(({ assertionId, suppressions }) =>
      suppressions.map(({ reason, rule, detail, counts = true }) => ({
        a: assertionId,
        r: reason,
        u: rule,
        d: detail,
        c: counts,
      })),
    ),
  )
  await sql`
    delete from suppressions s where s.assertion_id = any(${ids}::bigint[]) and not exists (
      select from json_to_recordset(${found}::json) as x(a bigint, r text, u text)
      where x.a = s.assertion_id and x.r = s.reason and x.u = s.rule)`.execute(db)
  await sql`
    insert into suppressions (assertion_id, reason, rule, detail, since, counts)
    select a, r, u, d, ${now}::timestamptz, c
    from json_to_recordset(${found}::json) as x(a bigint, r text, u text, d text, c boolean)
    on conflict (assertion_id, reason, rule)
      do update set detail = excluded.detail, counts = excluded.counts`.execute(db)
}

/** An override that counts now, as far as it decides what it lifts. */
export interface CountingOverride {
  readonly reason: string
  /** undefined: whatever rule spoke */
  readonly rule: string | undefined
}

/** By indicator; those without any are left out. */
export async function readCountingOverrides(
  db: Db,
  indicatorIds: readonly number[],
  now: Date,
): Promise<ReadonlyMap<number, readonly CountingOverride[]>> {
  const { rows } = await sql<{ indicator_id: number; reason: string; rule: string | null }>`
    select indicator_id, reason, rule from overrides
    where indicator_id = any(${indicatorIds}::bigint[])
      and ended_at is null and expires_at > ${now}::timestamptz`.execute(db)
  const found = new Map<number, CountingOverride[]>()
  for (const { indicator_id: id, reason, rule } of rows) {
    const list = found.get(id) ?? []
    found.set(id, list)
    list.push({ reason, rule: rule ?? undefined })
  }
  return found
}
