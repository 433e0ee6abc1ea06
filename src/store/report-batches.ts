import { sql } from 'kysely'
import type { Report } from '../model/report.ts'
import { tlpRank } from '../model/tlp.ts'
import { type RecordedReason, writeSuppressions } from './assertions.ts'
import type { Db } from './db.ts'
import { recordset } from './recordset.ts'
import { tagKey } from './rules.ts'
import type { ReportDetails } from './tables.ts'

/** A report to be stored whole, in one transaction with all that it asserts. */
export interface WholeReport {
  readonly sourceId: number
  readonly report: Report
  /** of its contents */
  readonly digest: Buffer
}

export interface StoredReport {
  readonly id: number
  readonly version: number
}

/**
 * Stores reports, or their new contents under the next version, as whole. No two may be of one source and id.
 * @returns their ids and versions, in the order given
 */
export async function writeReports(
  trx: Db,
  reports: readonly WholeReport[],
): Promise<readonly StoredReport[]> {
  if (reports.length === 0) return []
  const records = reports.map(({ sourceId, report, digest }) => {
    const { adversary, targetedCountries, industries, malwareFamilies, attackIds } = report
    const details: ReportDetails = {
      adversary,
      targetedCountries,
      industries,
      malwareFamilies,
      attackIds,
    }
    return {
      s: sourceId,
      x: report.externalId,
      n: report.name,
      d: report.description,
      a: report.author,
      l: tlpRank(report.tlp),
      p: report.public,
      v: report.revision,
      c: report.created,
      m: report.modified,
      // PostgreSQL takes four times as long where it reads these from JSON, and most reports have none of them.
      t: orNone(report.tags),
      k: orNone(report.tags.map(tagKey)),
      r: orNone(report.references),
      e: orNone(report.sentTo ?? []),
      o: tellsNothing(details) ? undefined : details,
      h: digest.toString('hex'),
    }
  })
  const { rows } = await sql<{
    id: number
    version: number
    source_id: number
    external_id: string
  }>`
    insert into reports (source_id, external_id, name, description, author, tlp, public, revision, created,
      modified, tags, tag_keys, refs, sent_to, details, version, digest)
    select s, x, n, d, a, l, p, v, c, m, coalesce(t, '{}'), coalesce(k, '{}'), coalesce(r, '{}'),
      coalesce(e, '{}'), coalesce(o, ${JSON.stringify(noDetails)}::jsonb), 1, decode(h, 'hex')
    from json_to_recordset(${recordset(records)}::json) as x(s integer, x text, n text, d text, a text,
      l smallint, p boolean, v text, c timestamptz, m timestamptz, t text[], k text[], r text[], e text[],
      o jsonb, h text)
    on conflict (source_id, external_id) do update set name = excluded.name,
      description = excluded.description, author = excluded.author, tlp = excluded.tlp,
      public = excluded.public, revision = excluded.revision, created = excluded.created,
      modified = excluded.modified, tags = excluded.tags, tag_keys = excluded.tag_keys, refs = excluded.refs,
      sent_to = excluded.sent_to, details = excluded.details, digest = excluded.digest, gone = null,
      reading = null, version = reports.version + 1
    returning id, version, source_id, external_id`.execute(trx)
  const stored = new Map(rows.map((row) => [`${row.source_id} ${row.external_id}`, row]))
  return reports.map(
    ({ sourceId, report }) => stored.get(`${sourceId} ${report.externalId}`) as StoredReport,
  )
}

const noDetails: ReportDetails = {
  adversary: '',
  targetedCountries: [],
  industries: [],
  malwareFamilies: [],
  attackIds: [],
}

function tellsNothing(details: ReportDetails): boolean {
  return Object.values(details).every((value) => value.length === 0)
}

function orNone(list: readonly string[]): readonly string[] | undefined {
  return list.length > 0 ? list : undefined
}

/** What is stored of a report that came by an Inbox_Message. */
export interface KnownSentReport {
  readonly digest: string | undefined
  readonly modified: Date
  readonly sentTo: readonly string[]
}

/** @returns what is stored, in the order given; undefined: nothing, or it is gone */
export async function findSentReports(
  db: Db,
  wanted: readonly { readonly sourceId: number; readonly externalId: string }[],
): Promise<readonly (KnownSentReport | undefined)[]> {
  if (wanted.length === 0) return []
  const { rows } = await sql<{
    source_id: number
    external_id: string
    digest: string | null
    modified: Date
    sent_to: string[]
  }>`
    select r.source_id, r.external_id, encode(r.digest, 'hex') as digest, r.modified, r.sent_to
    from unnest(${wanted.map(({ sourceId }) => sourceId)}::integer[],
        ${wanted.map(({ externalId }) => externalId)}::text[]) as x(s, e)
      join reports r on r.source_id = x.s and r.external_id = x.e
    where r.gone is null`.execute(db)
  const found = new Map(
    rows.map((row) => [
      `${row.source_id} ${row.external_id}`,
      { digest: row.digest ?? undefined, modified: row.modified, sentTo: row.sent_to },
    ]),
  )
  return wanted.map(({ sourceId, externalId }) => found.get(`${sourceId} ${externalId}`))
}

/**
 * Ends all that these reports' newest versions no longer assert.
 * @returns the indicators that it spoke of
 */
export async function retractOlder(
  trx: Db,
  reports: readonly StoredReport[],
  suppression: RecordedReason,
  now: Date,
): Promise<readonly number[]> {
  const revised = reports.filter(({ version }) => version > 1)
  if (revised.length === 0) return []
  const { rows } = await sql<{ id: number; indicator_id: number }>`
    update assertions a set suppressed = true, judge_at = null
    from unnest(${revised.map(({ id }) => id)}::bigint[],
      ${revised.map(({ version }) => version)}::integer[]) as x(r, v)
    where a.report_id = x.r and a.report_version < x.v
      and not exists (select from suppressions y
        where y.assertion_id = a.id and y.reason = 'retracted')
    returning a.id, a.indicator_id`.execute(trx)
  await sql`
    delete from suppressions where reason = 'gone'
      and assertion_id = any(${rows.map(({ id }) => id)}::bigint[])`.execute(trx)
  await writeSuppressions(
    trx,
    rows.map(({ id }) => ({ assertionId: id, ...suppression })),
    now,
  )
  return rows.map((row) => row.indicator_id)
}
