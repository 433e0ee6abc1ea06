import { sql } from 'kysely'
import type { Db } from './db.ts'

/**
 * Lets the overrides that count now lift what they are about from the verdicts of these indicators, and
 * takes back what those lifted that are over. To be called whenever verdicts of indicators were written, in
 * the same transaction.
 */
export async function applyOverrides(
  db: Db,
  indicatorIds: readonly number[],
  now: Date,
): Promise<void> {
  const { rows } = await sql<{ indicator_id: number }>`
    select distinct indicator_id from overrides
    where indicator_id = any(${indicatorIds}::bigint[])`.execute(db)
  if (rows.length === 0) return
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
  await sql`
    update assertions a set suppressed = exists (
      select from suppressions x
      where x.assertion_id = a.id and x.counts and x.override_id is null)
    where a.indicator_id = any(${ids}::bigint[])`.execute(db)
}
