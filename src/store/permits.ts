import { type RawBuilder, sql } from 'kysely'
import type { Collection } from '../model/collection.ts'
import type { PermittedAssertion } from '../model/indicator.ts'
import type { ObservableType } from '../model/observable.ts'
import { namesInbox } from '../model/selection.ts'
import { type Tlp, tlpLevels, tlpRank } from '../model/tlp.ts'
import { createAuthorPermits } from './author-permits.ts'
import type { Db } from './db.ts'
import { isRecalled } from './recalls.ts'
import { ruleToSql } from './rules.ts'
import type { ReportDetails } from './tables.ts'

/** Which assertions are read: `a`, from `from`, in the order of `subject`. */
export interface Chosen {
  readonly from: RawBuilder<unknown>
  readonly where: RawBuilder<unknown>
  /** what the caller groups them by */
  readonly subject: RawBuilder<number>
}

/** A surviving assertion with the collections whose rule and TLP permit it. */
export interface Permit {
  readonly subject: number
  readonly indicatorId: number
  readonly type: ObservableType
  readonly value: string
  /** the store's own id of its report */
  readonly reportId: number | undefined
  readonly assertion: PermittedAssertion
  /** places of the collections in the order given, ascending; never empty */
  readonly collections: readonly number[]
}

/** Reads what each of the collections may show of the chosen assertions, ordered by subject. */
export async function readChosenPermits(
  db: Db,
  { from, where, subject }: Chosen,
  collections: readonly Collection[],
  now: Date,
): Promise<readonly Permit[]> {
  const { others, authors, permittedBy } = createAuthorPermits(collections)
  const permits = others.map((place) => {
    const collection = collections[place] as Collection
    return sql<boolean>`(${mayShow(collection)} and ${selects(collection, now)})`
  })
  const { rows } = await sql<PermitRow>`
    select * from (
      select ${subject} as subject, a.indicator_id, a.report_id, a.title, a.description, a.role, a.tlp,
        a.confidence, a.sightings, a.valid_from, ${shownEnd(now)} as valid_until, i.type, i.value,
        s.name as source, coalesce(r.author, '') as author, coalesce(r.public, true) as public,
        coalesce(r.sent_to, '{}') <> '{}' as sent,
        ${permits.length > 0 ? sql`array[${sql.join(permits)}]` : sql`'{}'`}::boolean[] as permits
      from ${from}
        join indicators i on i.id = a.indicator_id
        join sources s on s.id = a.source_id
        left join reports r on r.id = a.report_id
      where ${where} and not a.suppressed and not ${isRecalled}) as permitted
    where true = any(permits) or author = any(${authors}::text[])
    order by subject`.execute(db)
  const reports = await readReports(db, rows)
  const found: Permit[] = []
  for (const row of rows) {
    const permitted = permittedBy(row)
    const places = others.filter((_, index) => row.permits[index])
    if (permitted.length + places.length === 0) continue
    const report = reports.get(row.report_id ?? 0)
    found.push({
      subject: row.subject,
      indicatorId: row.indicator_id,
      type: row.type,
      value: row.value,
      reportId: row.report_id ?? undefined,
      assertion: {
        source: row.source,
        author: report?.author ?? '',
        reportId: report?.external_id ?? '',
        reportName: report?.name ?? '',
        reportReferences: report?.refs ?? [],
        title: row.title,
        description: row.description,
        role: row.role,
        tlp: tlpLevels[row.tlp] as Tlp,
        confidence: row.confidence,
        validFrom: row.valid_from,
        validUntil: row.valid_until ?? undefined,
        sightings: row.sightings ?? undefined,
        adversary: report?.details.adversary ?? '',
        malwareFamilies: report?.details.malwareFamilies ?? [],
        attackIds: report?.details.attackIds ?? [],
      },
      collections: [...places, ...permitted].sort((a, b) => a - b),
    })
  }
  return found
}

/** Where an analyst lifts that its time is over, clients are not told that it is, but until when that counts. */
function shownEnd(now: Date) {
  return sql<Date | null>`case when a.ends_at <= ${now}::timestamptz then coalesce(
    (select max(o.expires_at) from suppressions x join overrides o on o.id = x.override_id
      where x.assertion_id = a.id and x.reason in ('expired', 'aged')), a.ends_at)
    else a.ends_at end`
}

/** Whether a collection may show assertion `a` of report `r`, whatever its rule. */
function mayShow({ maxTlp, nonPublic }: Pick<Collection, 'maxTlp' | 'nonPublic'>) {
  const level = sql<boolean>`a.tlp <= ${tlpRank(maxTlp)}::smallint`
  return nonPublic ? level : sql<boolean>`(${level} and coalesce(r.public, true))`
}

/** Whether a collection selects assertion `a` of report `r`: by its rule, or because it was sent to it. */
function selects({ name, rule, inbox }: Collection, now: Date) {
  const selected = ruleToSql(rule, now)
  const byRule = namesInbox(rule)
    ? selected
    : sql<boolean>`(coalesce(r.sent_to, '{}') = '{}' and ${selected})`
  return inbox ? sql<boolean>`(${byRule} or ${ruleToSql({ sentTo: name }, now)})` : byRule
}

interface PermitRow {
  subject: number
  indicator_id: number
  report_id: number | null
  title: string
  description: string
  role: string
  tlp: number
  confidence: number
  sightings: number | null
  valid_from: Date
  valid_until: Date | null
  type: ObservableType
  value: string
  source: string
  author: string
  public: boolean
  sent: boolean
  permits: boolean[]
}

interface ReportRow {
  id: number
  external_id: string
  name: string
  author: string
  refs: string[]
  details: ReportDetails
}

/** Apart from the assertions, because a report's name and references would be sent again with each of them. */
async function readReports(db: Db, rows: readonly PermitRow[]) {
  const ids = [...new Set(rows.flatMap((row) => row.report_id ?? []))]
  const reports = await sql<ReportRow>`
    select id, external_id, name, author, refs, details from reports
    where id = any(${ids}::bigint[])`.execute(db)
  return new Map(reports.rows.map((row) => [row.id, row]))
}
