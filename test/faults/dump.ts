import { isDeepStrictEqual } from 'node:util'
import { sql } from 'kysely'
import type { Db } from '../../src/store/db.ts'
import { isWithdrawn } from '../../src/store/live.ts'

const live = sql`b.superseded_by is null and not ${isWithdrawn}`

export type Dump = Record<string, readonly unknown[]>

/** What a store says, without how often and when it came to say it. */
export async function dumpStore(db: Db): Promise<Dump> {
  const queries = {
    sources: sql`select name, cursor #- '{reconciliation,at}' as cursor from sources order by name`,
    reports: sql`
      select s.name as source, external_id, r.name, description, author, tlp, public, revision, created,
        modified, tags, tag_keys, refs, details, encode(digest, 'hex') as digest, gone, reading
      from reports r join sources s on s.id = r.source_id order by s.name, external_id`,
    indicators: sql`
      select type, value, encode(key, 'hex') as key from indicators order by type, value`,
    assertions: sql`
      select i.type, i.value, s.name as source, r.external_id as report,
        a.report_version = r.version as of_newest_version, a.external_id, a.title, a.description, role,
        a.tlp, confidence, asserted_confidence, valid_from, valid_until, ends_at, active, refuted, judge_at,
        suppressed, remarks
      from assertions a join indicators i on i.id = a.indicator_id join sources s on s.id = a.source_id
        join reports r on r.id = a.report_id
      order by i.type, i.value, s.name, r.external_id`,
    suppressions: sql`
      select i.type, i.value, r.external_id as report, reason, rule, detail
      from suppressions x join assertions a on a.id = x.assertion_id
        join indicators i on i.id = a.indicator_id join reports r on r.id = a.report_id
      order by i.type, i.value, r.external_id, reason, rule`,
    rejections: sql`
      select s.name as source, place, reason, detail from rejections x
        join sources s on s.id = x.source_id
      order by s.name, place, reason`,
    blocks: sql`
      select c.name as collection, b.binding, i.type, i.value, encode(b.digest, 'hex') as digest,
        -- All but the moments at which the package was rendered.
        md5(regexp_replace(h.head || k.tail, ' timestamp="[^"]*"', '', 'g')) as content
      from blocks b join collections c on c.id = b.collection_id
        join indicators i on i.id = b.subject_id
        join packages k on k.id = b.package_id join package_heads h on h.id = k.head_id
      where ${live} order by c.name, b.binding, i.type, i.value`,
    chunks: sql`
      select c.name as collection, b.binding, r.external_id as report, u.number,
        encode(b.digest, 'hex') as digest,
        md5(regexp_replace(h.head || k.tail, ' timestamp="[^"]*"', '', 'g')) as content,
        array(select i.type || ' ' || i.value from indicators i where i.id = any(b.members)
          order by i.type, i.value) as shows
      from blocks b join collections c on c.id = b.collection_id
        join chunks u on u.id = b.subject_id join reports r on r.id = u.report_id
        join packages k on k.id = b.package_id join package_heads h on h.id = k.head_id
      where ${live} order by c.name, b.binding, r.external_id, u.number`,
  }
  const dump: Record<string, readonly unknown[]> = {}
  for (const [name, query] of Object.entries(queries)) dump[name] = (await query.execute(db)).rows
  return dump
}

/** Of each kind of row the first pair that differs: comparing all of them in full takes tap many seconds. */
export function differences(found: Dump, wanted: Dump): Record<string, unknown> {
  const differing: Record<string, unknown> = {}
  for (const [name, rows] of Object.entries(wanted)) {
    const others = found[name] ?? []
    const length = Math.max(rows.length, others.length)
    for (let index = 0; index < length; index++) {
      if (isDeepStrictEqual(others[index], rows[index])) continue
      differing[name] = { index, found: others[index], wanted: rows[index] }
      break
    }
  }
  return differing
}
