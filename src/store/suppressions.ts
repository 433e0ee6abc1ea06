import { sql } from 'kysely'
import { type Tlp, tlpRank } from '../model/tlp.ts'
import { readCollections } from './collections.ts'
import type { Db } from './db.ts'

export interface SuppressedAssertion {
  readonly type: string
  readonly value: string
  readonly source: string
  readonly report: string
  readonly reason: string
  readonly rule: string
  readonly detail: string
  readonly since: Date
  /** of the override that lifts it; null: none does */
  readonly override: number | null
}

/** How many assertions each reason speaks against, the most first; with all that there are. */
export async function countSuppressions(
  db: Db,
): Promise<readonly { readonly reason: string; readonly assertions: number }[]> {
  const { rows } = await sql<{ reason: string; assertions: number }>`
    select reason, count(distinct assertion_id)::integer as assertions from suppressions
    group by reason order by assertions desc, reason`.execute(db)
  return rows
}

export interface RuleCount {
  readonly reason: string
  readonly rule: string
  readonly assertions: number
  /** of these, let in by an analyst */
  readonly lifted: number
  /** of these, left to each collection */
  readonly leftToCollections: number
}

/** How many assertions each rule speaks against, the most first. Looks through all suppressions once. */
export async function countRules(
  db: Db,
  filter: { readonly reason?: string | undefined; readonly rule?: string | undefined } = {},
): Promise<readonly RuleCount[]> {
  const { rows } = await sql<RuleCount>`
    select reason, rule, count(*)::integer as assertions, count(override_id)::integer as lifted,
      count(*) filter (where not counts)::integer as "leftToCollections"
    from suppressions x where ${matches(filter)}
    group by reason, rule order by assertions desc, reason, rule`.execute(db)
  return rows
}

/** What speaks against assertions, by reason and in the order in which they came. */
export async function readSuppressions(
  db: Db,
  filter: {
    readonly reason: string | undefined
    readonly rule?: string | undefined
    readonly limit: number
  },
): Promise<readonly SuppressedAssertion[]> {
  // Cut before the rest is looked up: there may be millions.
  const { rows } = await sql<SuppressedAssertion>`
    select i.type, i.value, s.name as source, coalesce(r.name, '') as report,
      x.reason, x.rule, x.detail, x.since, x.override_id as override
    from (
      select * from suppressions x where ${matches(filter)}
      order by reason, assertion_id limit ${filter.limit}) as x
      join assertions a on a.id = x.assertion_id
      join indicators i on i.id = a.indicator_id
      join sources s on s.id = a.source_id
      left join reports r on r.id = a.report_id
    order by x.reason, x.assertion_id, x.rule`.execute(db)
  return rows
}

function matches({
  reason,
  rule,
}: {
  readonly reason?: string | undefined
  readonly rule?: string | undefined
}) {
  return sql`${reason === undefined ? sql`true` : sql`x.reason = ${reason}`}
    and ${rule === undefined ? sql`true` : sql`x.rule = ${rule}`}`
}

export interface LeftToCollection {
  readonly collection: string
  readonly maxTlp: Tlp
  /** surviving assertions above its maxTlp, whatever its rule selects */
  readonly aboveTlp: number
  /** surviving assertions of reports that are not for the public, if it does not take them */
  readonly notPublic: number
}

/** What each collection keeps out for itself, whatever its rule selects. Looks through all assertions once. */
export async function countLeftToCollections(db: Db): Promise<readonly LeftToCollection[]> {
  const { rows } = await sql<{ tlp: number; assertions: number }>`
    select tlp, count(*)::integer as assertions from assertions where not suppressed group by tlp`.execute(
    db,
  )
  const hidden = await sql<{ assertions: number }>`
    select count(*)::integer as assertions from assertions a join reports r on r.id = a.report_id
    where not r.public and not a.suppressed`.execute(db)
  const collections = await readCollections(db)
  return collections
    .map(({ name, maxTlp, nonPublic }) => ({
      collection: name,
      maxTlp,
      aboveTlp: rows
        .filter(({ tlp }) => tlp > tlpRank(maxTlp))
        .reduce((sum, { assertions }) => sum + assertions, 0),
      notPublic: nonPublic ? 0 : (hidden.rows[0]?.assertions ?? 0),
    }))
    .sort((a, b) => (a.collection < b.collection ? -1 : 1))
}

/** Known assertions and those that no reason keeps out, by type. */
export async function countAssertions(db: Db): Promise<
  readonly {
    readonly type: string
    readonly indicators: number
    readonly assertions: number
    readonly surviving: number
  }[]
> {
  const { rows } = await sql<{
    type: string
    indicators: number
    assertions: number
    surviving: number
  }>`
    select i.type, count(distinct i.id)::integer as indicators, count(*)::integer as assertions,
      count(distinct i.id) filter (where not a.suppressed)::integer as surviving
    from assertions a join indicators i on i.id = a.indicator_id
    group by i.type order by i.type`.execute(db)
  return rows
}
