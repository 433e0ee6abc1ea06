import { type RawBuilder, sql } from 'kysely'
import { overlaps, parseNetwork } from '../model/address.ts'
import { SearchTooBroad } from '../model/errors.ts'
import type { ObservableType } from '../model/observable.ts'
import { type SearchText, textsWithin } from '../model/search.ts'
import type { Db } from './db.ts'
import { blocksShowing, isWithdrawn } from './live.ts'
import { isRecalled } from './recalls.ts'
import { tagKey } from './rules.ts'

export interface SearchRequest {
  readonly text: SearchText
  readonly type?: ObservableType | undefined
  /** by name; all four of one assertion */
  readonly source?: string | undefined
  readonly author?: string | undefined
  /** a report's id at its source */
  readonly report?: string | undefined
  readonly tag?: string | undefined
  /** served there now */
  readonly collection?: string | undefined
  /** no assertion of it survives judging */
  readonly suppressed?: boolean | undefined
  /** an assertion of it has this against it, and nobody has lifted it */
  readonly reason?: string | undefined
  readonly limit: number
  /** go on behind this cursor */
  readonly after?: number | undefined
  /** on PostgreSQL; the embedded database takes the time it needs */
  readonly timeoutMs: number
}

/** The state of an indicator in a word. */
export type IndicatorState =
  | 'served'
  /** an operator has taken it out */
  | 'withdrawn'
  /** no assertion of it survives judging */
  | 'suppressed'
  /** no collection selects what survives */
  | 'unselected'
  | 'unasserted'

export interface FoundIndicator {
  readonly id: number
  readonly type: ObservableType
  readonly value: string
  readonly state: IndicatorState
  /** that serve it now, by name */
  readonly collections: readonly string[]
  readonly assertions: number
  /** the report changed last of those that assert it */
  readonly newestReport: { readonly name: string; readonly modified: Date } | undefined
}

export interface SearchPage {
  readonly found: readonly FoundIndicator[]
  /** behind the last one; undefined: there are no more */
  readonly next: number | undefined
}

/**
 * Finds indicators, the first known first.
 * @throws SearchTooBroad when it takes longer than it may
 */
export async function searchIndicators(db: Db, request: SearchRequest): Promise<SearchPage> {
  const begin = performance.now()
  const left = () => Math.ceil(request.timeoutMs - (performance.now() - begin))
  const ids: number[] = []
  let after = request.after ?? 0
  for (;;) {
    // Of what may lie in a network, some do not.
    const wanted = Math.max(
      request.limit + 1 - ids.length,
      request.text.kind === 'within' ? 500 : 0,
    )
    const rows = await inTime(db, left(), request, (trx) => readPage(trx, request, after, wanted))
    for (const row of rows) if (isWithin(request.text, row.value)) ids.push(row.id)
    after = rows.at(-1)?.id ?? after
    if (rows.length < wanted || ids.length > request.limit) break
  }
  const page = ids.slice(0, request.limit)
  return {
    found: await describeIndicators(db, page),
    next: ids.length > request.limit ? page.at(-1) : undefined,
  }
}

async function readPage(db: Db, request: SearchRequest, after: number, limit: number) {
  const { rows } = await sql<{ id: number; value: string }>`
    select i.id, i.value from indicators i
    where i.id > ${after}::bigint and ${sql.join(conditions(request), sql` and `)}
    order by i.id limit ${limit}`.execute(db)
  return rows
}

function conditions(request: SearchRequest): RawBuilder<unknown>[] {
  const { text, type, collection, suppressed, reason } = request
  const found: RawBuilder<unknown>[] = []
  if (text.kind === 'like') {
    found.push(
      sql`(${sql.join(
        text.patterns.map((pattern) => sql`i.value like ${pattern}`),
        sql` or `,
      )})`,
    )
  }
  if (text.kind === 'within') found.push(mayLieWithin(text))
  if (type !== undefined) found.push(sql`i.type = ${type}`)
  const asserted = ofAssertion(request)
  if (asserted.length > 0) {
    found.push(sql`exists (
      select from assertions a join sources s on s.id = a.source_id
        left join reports r on r.id = a.report_id
      where a.indicator_id = i.id and ${sql.join(asserted, sql` and `)})`)
  }
  if (suppressed) {
    // Not as "not exists", for which all assertions are read first, however few rows are asked for.
    found.push(sql`coalesce(
      (select bool_and(a.suppressed) from assertions a where a.indicator_id = i.id), true)`)
  }
  if (reason !== undefined) {
    found.push(sql`i.id in (
      select a.indicator_id from suppressions x join assertions a on a.id = x.assertion_id
      where x.reason = ${reason} and x.override_id is null)`)
  }
  if (collection !== undefined) {
    found.push(sql`exists (
      select from ${blocksShowing(sql`i.id`)} b join collections c on c.id = b.collection_id
      where b.superseded_by is null and c.name = ${collection} and not ${isWithdrawn})`)
  }
  return found.length > 0 ? found : [sql`true`]
}

function ofAssertion({ source, author, report, tag }: SearchRequest): RawBuilder<unknown>[] {
  const found: RawBuilder<unknown>[] = []
  if (source !== undefined) found.push(sql`s.name = ${source}`)
  if (author !== undefined) found.push(sql`r.author = ${author}`)
  if (report !== undefined) found.push(sql`r.external_id = ${report}`)
  if (tag !== undefined) found.push(sql`${tagKey(tag)}::text = any(r.tag_keys)`)
  return found
}

function mayLieWithin({ network }: Extract<SearchText, { kind: 'within' }>): RawBuilder<unknown> {
  const single = network.version === 4 ? 'ipv4' : 'ipv6'
  const pattern = textsWithin(network)
  const text = pattern === undefined ? sql`true` : sql`i.value ~ ${pattern}`
  return sql`(i.type in (${single}, 'cidr') and ${text})`
}

function isWithin(text: SearchText, value: string): boolean {
  if (text.kind !== 'within') return true
  const found = parseNetwork(value)
  return found !== undefined && found.prefix >= text.network.prefix && overlaps(found, text.network)
}

/** Runs a query that may not take longer. */
async function inTime<T>(
  db: Db,
  timeoutMs: number,
  request: SearchRequest,
  query: (trx: Db) => Promise<T>,
): Promise<T> {
  try {
    return await db.transaction().execute(async (trx) => {
      // 0 would mean no limit at all.
      const limit = String(Math.max(1, timeoutMs))
      // Compiling what runs for a second at most takes a good part of that second.
      await sql`select set_config('statement_timeout', ${limit}, true), set_config('jit', 'off', true)`.execute(
        trx,
      )
      return query(trx)
    })
  } catch (cause) {
    if ((cause as { code?: string }).code !== '57014') throw cause
    const seconds = request.timeoutMs / 1000
    throw new SearchTooBroad(
      `the search took longer than ${seconds} s: narrow it (${howToNarrow(request)}), or give it more time with --timeout`,
      { cause },
    )
  }
}

function howToNarrow(request: SearchRequest): string {
  const ways = [
    request.text.kind === 'any' ? 'a text' : 'a longer text',
    ...(request.type === undefined ? ['--type'] : []),
    ...(request.report === undefined ? ['--report'] : []),
  ]
  return ways.join(', ')
}

/** The state of these indicators, in the order given; ids that are not in the store are left out. */
export async function describeIndicators(
  db: Db,
  indicatorIds: readonly number[],
): Promise<readonly FoundIndicator[]> {
  const { rows } = await sql<{
    id: number
    type: ObservableType
    value: string
    collections: string[]
    assertions: number
    surviving: number
    permitted: number
    report: string | null
    modified: Date | null
  }>`
    select i.id, i.type, i.value,
      array(select distinct c.name from ${blocksShowing(sql`i.id`)} b
          join collections c on c.id = b.collection_id
        where b.superseded_by is null and not ${isWithdrawn} order by c.name) as collections,
      of.assertions, of.surviving, of.permitted, newest.name as report, newest.modified
    from unnest(${indicatorIds}::bigint[]) with ordinality as wanted (id, place)
      join indicators i on i.id = wanted.id
      cross join lateral (
        select count(*)::integer as assertions,
          count(*) filter (where not a.suppressed)::integer as surviving,
          count(*) filter (where not a.suppressed and not ${isRecalled})::integer as permitted
        from assertions a where a.indicator_id = i.id) as of
      left join lateral (
        select r.name, r.modified from assertions a join reports r on r.id = a.report_id
        where a.indicator_id = i.id order by r.modified desc, r.id desc limit 1) as newest on true
    order by wanted.place`.execute(db)
  return rows.map((row) => ({
    id: row.id,
    type: row.type,
    value: row.value,
    state: stateOf(row),
    collections: row.collections,
    assertions: row.assertions,
    newestReport:
      row.report !== null && row.modified !== null
        ? { name: row.report, modified: row.modified }
        : undefined,
  }))
}

function stateOf(row: {
  readonly collections: readonly string[]
  readonly assertions: number
  readonly surviving: number
  readonly permitted: number
}): IndicatorState {
  if (row.collections.length > 0) return 'served'
  if (row.assertions === 0) return 'unasserted'
  if (row.surviving === 0) return 'suppressed'
  return row.permitted === 0 ? 'withdrawn' : 'unselected'
}
