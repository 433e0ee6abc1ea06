import { sql } from 'kysely'
import type {
  IndicatorStory,
  StoryAssertion,
  StoryRecall,
  StoryReport,
  StorySuppression,
} from '../model/indicator-story.ts'
import { type Tlp, tlpLevels } from '../model/tlp.ts'
import type { Db } from './db.ts'
import type { NamedIndicator } from './named-indicators.ts'
import { readOverrides } from './overrides.ts'
import { type FindLeftOut, readStoryCollections } from './story-collections.ts'

/**
 * Reads the whole story of an indicator. Costs by what there is of this one, not by what the store holds;
 * several queries, so that a change in between may show in one and not in another.
 * @param findLeftOut what the profiles leave out
 */
export async function readIndicatorStory(
  db: Db,
  indicator: NamedIndicator,
  findLeftOut: FindLeftOut,
  now: Date,
): Promise<IndicatorStory> {
  const { id, type, value } = indicator
  const found = await readAssertions(db, id)
  const recalls = await readRecallsOf(db, id, found)
  const suppressions = await readSuppressionsOf(db, id)
  const effects = await readListEffects(db, found)
  const assertions = found.map((row) => toAssertion(row, suppressions, recalls, effects))
  return {
    type,
    value,
    assertions,
    recalls: recalls.map(({ id, subject, reason, recalledBy, recalledAt }) => ({
      id,
      subject,
      reason,
      recalledBy,
      recalledAt,
    })),
    overrides: await readOverrides(db, { indicatorId: id }),
    collections: await readStoryCollections(db, { id, type, value, assertions, findLeftOut, now }),
  }
}

interface AssertionRow {
  id: number
  source_id: number
  source: string
  report_id: number | null
  external_id: string | null
  name: string
  author: string
  report_tlp: number
  public: boolean
  revision: string
  modified: Date
  gone: string | null
  whole: boolean
  current: boolean
  title: string
  role: string
  tlp: number
  asserted_confidence: number
  confidence: number
  valid_from: Date
  valid_until: Date | null
  ends_at: Date | null
  active: boolean
  refuted: boolean
  suppressed: boolean
  remarks: readonly { readonly rule: string; readonly detail: string }[] | null
}

async function readAssertions(db: Db, indicatorId: number): Promise<readonly AssertionRow[]> {
  const { rows } = await sql<AssertionRow>`
    select a.id, a.source_id, s.name as source, r.id as report_id, r.external_id, r.name, r.author,
      r.tlp as report_tlp, r.public, r.revision, r.modified, r.gone, r.digest is not null as whole,
      a.report_version = r.version as current, a.title, a.role, a.tlp, a.asserted_confidence,
      a.confidence, a.valid_from, a.valid_until, a.ends_at, a.active, a.refuted, a.suppressed, a.remarks
    from assertions a join sources s on s.id = a.source_id left join reports r on r.id = a.report_id
    where a.indicator_id = ${indicatorId}::bigint
    order by a.suppressed, r.modified desc nulls last, a.id`.execute(db)
  return rows
}

async function readSuppressionsOf(
  db: Db,
  indicatorId: number,
): Promise<ReadonlyMap<number, readonly StorySuppression[]>> {
  const { rows } = await sql<{
    assertion_id: number
    reason: string
    rule: string
    detail: string
    since: Date
    counts: boolean
    override_id: number | null
    until: Date | null
  }>`
    select x.assertion_id, x.reason, x.rule, x.detail, x.since, x.counts, x.override_id,
      o.expires_at as until
    from assertions a join suppressions x on x.assertion_id = a.id
      left join overrides o on o.id = x.override_id
    where a.indicator_id = ${indicatorId}::bigint
    order by x.assertion_id, x.counts desc, x.since, x.reason, x.rule`.execute(db)
  const found = new Map<number, StorySuppression[]>()
  for (const row of rows) {
    const { assertion_id, reason, rule, detail, since, counts, override_id, until } = row
    const liftedBy = override_id && until ? { override: override_id, until } : undefined
    const list = found.get(assertion_id) ?? []
    list.push({ reason, rule, detail, since, counts, liftedBy })
    found.set(assertion_id, list)
  }
  return found
}

interface FoundRecall extends StoryRecall {
  readonly sourceId: number | null
  readonly reportId: number | null
}

async function readRecallsOf(
  db: Db,
  indicatorId: number,
  assertions: readonly AssertionRow[],
): Promise<readonly FoundRecall[]> {
  const sources = [...new Set(assertions.map((one) => one.source_id))]
  const reports = [...new Set(assertions.flatMap((one) => one.report_id ?? []))]
  const { rows } = await sql<{
    id: number
    reason: string
    recalled_by: string
    recalled_at: Date
    source_id: number | null
    report_id: number | null
    source: string | null
    report: string | null
    report_source: string | null
  }>`
    select r.id, r.reason, r.recalled_by, r.recalled_at, r.source_id, r.report_id, s.name as source,
      t.external_id as report, u.name as report_source
    from recalls r left join sources s on s.id = r.source_id
      left join reports t on t.id = r.report_id left join sources u on u.id = t.source_id
    where r.undone_at is null and r.id in (
      select id from recalls where source_id = any(${sources}::integer[])
      union select id from recalls where report_id = any(${reports}::bigint[])
      union select recall_id from recalled_indicators where indicator_id = ${indicatorId}::bigint)
    order by r.id desc`.execute(db)
  return rows.map((row) => ({
    id: row.id,
    subject: subjectOf(row),
    reason: row.reason,
    recalledBy: row.recalled_by,
    recalledAt: row.recalled_at,
    sourceId: row.source_id,
    reportId: row.report_id,
  }))
}

function subjectOf(row: {
  readonly source: string | null
  readonly report: string | null
  readonly report_source: string | null
}): string {
  if (row.source !== null) return `source ${row.source}`
  return row.report === null ? 'indicator' : `report ${row.report_source}/${row.report}`
}

const listRule = /^warninglist:(.+)$/

/** What the warninglists do that remarks name; their entries are not read. */
async function readListEffects(
  db: Db,
  assertions: readonly AssertionRow[],
): Promise<ReadonlyMap<string, string>> {
  const rules = assertions.flatMap((one) => one.remarks ?? []).map((one) => one.rule)
  const names = [...new Set(rules.flatMap((rule) => listRule.exec(rule)?.[1] ?? []))]
  if (names.length === 0) return new Map()
  const rows = await db
    .selectFrom('warninglists')
    .select(['name', 'effect'])
    .where('name', 'in', names)
    .execute()
  return new Map(rows.map(({ name, effect }) => [`warninglist:${name}`, effect]))
}

function toAssertion(
  row: AssertionRow,
  suppressions: ReadonlyMap<number, readonly StorySuppression[]>,
  recalls: readonly FoundRecall[],
  effects: ReadonlyMap<string, string>,
): StoryAssertion {
  const concerns = (recall: FoundRecall) =>
    recall.sourceId === row.source_id ||
    (recall.reportId !== null && recall.reportId === row.report_id) ||
    (recall.sourceId === null && recall.reportId === null)
  return {
    id: row.id,
    source: row.source,
    report: toReport(row),
    title: row.title,
    role: row.role,
    tlp: tlpLevels[row.tlp] as Tlp,
    assertedConfidence: row.asserted_confidence,
    confidence: row.confidence,
    validFrom: row.valid_from,
    validUntil: row.valid_until ?? undefined,
    endsAt: row.ends_at ?? undefined,
    active: row.active,
    refuted: row.refuted,
    suppressed: row.suppressed,
    suppressions: suppressions.get(row.id) ?? [],
    remarks: (row.remarks ?? []).map((one) => ({ ...one, effect: effects.get(one.rule) })),
    recalls: recalls.filter(concerns).map((recall) => recall.id),
  }
}

function toReport(row: AssertionRow): StoryReport | undefined {
  if (row.report_id === null) return undefined
  return {
    externalId: row.external_id ?? '',
    name: row.name,
    author: row.author,
    tlp: tlpLevels[row.report_tlp] as Tlp,
    public: row.public,
    revision: row.revision,
    modified: row.modified,
    gone: row.gone ?? undefined,
    whole: row.whole,
    current: row.current,
  }
}
