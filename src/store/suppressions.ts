import { sql } from 'kysely'
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
}

/** How many assertions each reason keeps out, the most first; with all that there are. */
export async function countSuppressions(
  db: Db,
): Promise<readonly { readonly reason: string; readonly assertions: number }[]> {
  const { rows } = await sql<{ reason: string; assertions: number }>`
    select reason, count(*)::integer as assertions from suppressions
    group by reason order by assertions desc, reason`.execute(db)
  return rows
}

/** What is kept out and why, by value. */
export async function readSuppressions(
  db: Db,
  filter: { readonly reason: string | undefined; readonly limit: number },
): Promise<readonly SuppressedAssertion[]> {
  const { rows } = await sql<SuppressedAssertion>`
    select i.type, i.value, s.name as source, coalesce(r.name, '') as report,
      x.reason, x.rule, x.detail, x.since
    from suppressions x
      join assertions a on a.id = x.assertion_id
      join indicators i on i.id = a.indicator_id
      join sources s on s.id = a.source_id
      left join reports r on r.id = a.report_id
    where ${filter.reason ?? null}::text is null or x.reason = ${filter.reason ?? null}::text
    order by i.type, i.value, x.reason, a.id limit ${filter.limit}`.execute(db)
  return rows
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
