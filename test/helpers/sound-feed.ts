import { type RawBuilder, sql } from 'kysely'
import type { Test } from 'tap'
import type { Db } from '../../src/store/db.ts'
import { isWithdrawn } from '../../src/store/live.ts'
import { isRecalled } from '../../src/store/recalls.ts'

const live = sql`b.superseded_by is null and not ${isWithdrawn}`

const permitted = sql`not a.suppressed and not ${isRecalled} and a.tlp <= c.max_tlp`

/** What must never be in a store, between any two transactions: each query finds nothing. */
const faults: Readonly<Record<string, RawBuilder<unknown>>> = {
  'an indicator or a chunk has two live blocks in one stream': sql`
    select b.collection_id, b.binding, b.subject_id from blocks b where ${live}
    group by 1, 2, 3 having count(*) > 1`,
  'a publication counts its live blocks wrongly': sql`
    select p.id, p.live_count from publications p
    where live_count <> (select count(*) from blocks b where b.publication_id = p.id and ${live})`,
  'a publication lacks blocks': sql`
    select p.id, p.block_count from publications p left join blocks b on b.publication_id = p.id
    group by p.id, p.block_count
    having p.block_count <> count(b.ordinal) or min(b.ordinal) <> 0 or max(b.ordinal) <> p.block_count - 1`,
  'a block is of no publication, or of one of another stream': sql`
    select b.* from blocks b left join publications p on p.id = b.publication_id
    where p.id is null or p.collection_id <> b.collection_id or p.binding <> b.binding`,
  'a block has no package': sql`
    select b.* from blocks b left join packages k on k.id = b.package_id
      left join package_heads h on h.id = k.head_id
    where h.id is null`,
  'a package is of no block': sql`
    select k.id from packages k where not exists (select from blocks b where b.package_id = k.id)`,
  'a withdrawal is of no block': sql`
    select w.* from withdrawals w
    where not exists (
      select from blocks b where b.subject_id = w.subject_id
        and b.publication_id <= w.through_publication
        and (w.collection_id = 0 or (b.collection_id = w.collection_id and b.binding = w.binding)))`,
  'a publication does not know by which one its blocks were last superseded': sql`
    select p.id, p.last_superseded_by from publications p
    where p.last_superseded_by is distinct from
      (select max(b.superseded_by) from blocks b where b.publication_id = p.id)`,
  'a later publication has a smaller id': sql`
    select * from (
      select id, lag(id) over (partition by collection_id order by base_label) as before
      from publications) as ordered
    where id <= before`,
  'an answered end lies at or beyond a label that was given later': sql`
    select l.* from polls l join publications p on p.collection_id = l.collection_id
    where p.id > l.as_of and p.base_label <= l.end_label`,
  'a block was superseded by nothing later of its indicator': sql`
    select b.* from blocks b join publications p on p.id = b.publication_id
    where b.superseded_by is not null and not exists (
      select from blocks n join publications q on q.id = n.publication_id
      where n.publication_id = b.superseded_by and n.subject_id = b.subject_id
        and n.collection_id = b.collection_id and n.binding = b.binding
        and q.base_label + n.ordinal > p.base_label + b.ordinal)`,
  'two blocks of a collection have one label': sql`
    select p.collection_id, p.base_label + b.ordinal as label
    from blocks b join publications p on p.id = b.publication_id
    group by 1, 2 having count(*) > 1`,
  'labels do not go up with publications': sql`
    select * from (
      select id, base_label,
        lag(base_label + block_count) over (partition by collection_id order by id) as least
      from publications) as labelled
    where base_label < least`,
  'a suppressed assertion has no reason, or a surviving one has': sql`
    select a.id from assertions a
    where a.suppressed <> exists (select from suppressions x
      where x.assertion_id = a.id and x.counts and x.override_id is null)`,
  'a suppression is lifted by no override, by one of something else, or by one that is over': sql`
    select x.*, o.* from suppressions x join assertions a on a.id = x.assertion_id
      left join overrides o on o.id = x.override_id
    where x.override_id is not null and (o.id is null or o.indicator_id <> a.indicator_id
      or o.reason <> x.reason or o.rule <> x.rule or o.lapsed or o.ended_at is not null)`,
  'an override was ended and what it lifted was not worked out': sql`
    select * from overrides where ended_at is not null and not lapsed`,
  'two overrides of one indicator are about the same': sql`
    select indicator_id, reason, rule from overrides where not lapsed
    group by 1, 2, 3 having count(*) > 1`,
  'an override is of no indicator': sql`
    select o.id from overrides o left join indicators i on i.id = o.indicator_id where i.id is null`,
  'a surviving assertion that ends is not looked at when it does': sql`
    select a.id, a.ends_at, a.judge_at from assertions a
    where not a.suppressed and a.ends_at is not null and a.judge_at is null
      and not exists (select from suppressions x where x.assertion_id = a.id
        and x.reason in ('expired', 'aged') and x.override_id is not null)`,
  'a suppression is of no assertion': sql`
    select x.* from suppressions x left join assertions a on a.id = x.assertion_id where a.id is null`,
  'an assertion is of no indicator or of no report': sql`
    select a.id from assertions a left join indicators i on i.id = a.indicator_id
      left join reports r on r.id = a.report_id
    where i.id is null or (a.report_id is not null and r.id is null)`,
  'a collection that follows its settings shows what no surviving assertion permits': sql`
    select b.* from blocks b join collections c on c.id = b.collection_id
    where ${live} and c.reconciled_version = c.settings_version and not (b.binding = any(c.bindings)
      and case when b.subject_id > 0 then exists (
        select from assertions a where a.indicator_id = b.subject_id and ${permitted}
          and (c.packaging = 'indicator' or a.report_id is null))
      else c.packaging = 'report' and not exists (
        select from unnest(b.members) as shown where not exists (
          select from chunks k join assertions a on a.report_id = k.report_id
          where k.id = b.subject_id and a.indicator_id = shown and ${permitted})) end)`,
  'a block of a chunk does not say what it shows, or one of an indicator does': sql`
    select b.* from blocks b
    where (b.subject_id < 0) <> coalesce(cardinality(b.members) > 0, false)`,
  'a chunk shows what is not its member': sql`
    select b.* from blocks b cross join unnest(b.members) as shown
    where not exists (
      select from chunk_members m where m.chunk_id = b.subject_id and m.indicator_id = shown)`,
  'a chunk has more than 100 members, or none, or members of another report': sql`
    select c.* from chunks c left join chunk_members m on m.chunk_id = c.id
    group by c.id having count(m.indicator_id) not between 1 and 100 or min(m.report_id) <> c.report_id
      or max(m.report_id) <> c.report_id`,
  'a superseded block of a chunk still shows what its chunk shows no more': sql`
    select b.* from blocks b join blocks n on n.subject_id = b.subject_id
      and n.collection_id = b.collection_id and n.binding = b.binding and n.superseded_by is null
    where b.superseded_by is not null and not ${isWithdrawn} and not b.members <@ n.members`,
}

/** Holds the store to the law of the feed. */
export async function assertSoundFeed(t: Test, db: Db): Promise<void> {
  t.same(await findFaults(db), {}, 'the feed is sound')
}

/** What a purge takes away with what nobody reads any more. */
const notAfterPurge = new Set([
  'a publication lacks blocks',
  'a block has no package',
  'a publication does not know by which one its blocks were last superseded',
  'a block was superseded by nothing later of its indicator',
])

/**
 * @param options.purged traces of the past may be gone
 * @returns the rows that each broken rule found
 */
export async function findFaults(
  db: Db,
  options: { readonly purged?: boolean } = {},
): Promise<Record<string, unknown[]>> {
  const found: Record<string, unknown[]> = {}
  for (const [name, query] of Object.entries(faults)) {
    if (options.purged && notAfterPurge.has(name)) continue
    const { rows } = await query.execute(db)
    if (rows.length > 0) found[name] = rows
  }
  return found
}

/** A block that polls serve, as far as it does not depend on when it came. */
export interface ServedBlock {
  readonly collection: string
  readonly binding: number
  readonly type: string
  readonly value: string
  readonly label: number
  readonly content: string
  readonly digest: string
}

/** Live blocks of single indicators, in the order of their labels. */
export async function readLiveBlocks(db: Db, collection?: string): Promise<readonly ServedBlock[]> {
  const { rows } = await sql<ServedBlock>`
    select c.name as collection, b.binding, i.type, i.value, p.base_label + b.ordinal as label,
      h.head || k.tail as content, encode(b.digest, 'hex') as digest
    from blocks b join publications p on p.id = b.publication_id
      join collections c on c.id = b.collection_id
      join indicators i on i.id = b.subject_id
      join packages k on k.id = b.package_id join package_heads h on h.id = k.head_id
    where ${live} and c.name = coalesce(${collection ?? null}::text, c.name)
    order by c.name, label`.execute(db)
  return rows
}

/** Values that a collection serves, sorted. */
export async function readLiveValues(db: Db, collection: string): Promise<readonly string[]> {
  const blocks = await readLiveBlocks(db, collection)
  return blocks.map(({ value }) => value).sort()
}

/** A chunk of a report that polls serve. */
export interface ServedChunk {
  readonly collection: string
  readonly binding: number
  readonly source: string
  readonly report: string
  readonly number: number
  /** of the indicators that it shows, sorted */
  readonly values: readonly string[]
  readonly label: number
  readonly content: string
}

/** Live blocks of chunks, in the order of their labels. */
export async function readLiveChunks(db: Db, collection?: string): Promise<readonly ServedChunk[]> {
  const { rows } = await sql<ServedChunk>`
    select c.name as collection, b.binding, s.name as source, r.external_id as report, k.number,
      (select array_agg(i.value order by i.value collate "C") from indicators i
        where i.id = any(b.members)) as values,
      p.base_label + b.ordinal as label, h.head || t.tail as content
    from blocks b join publications p on p.id = b.publication_id
      join collections c on c.id = b.collection_id
      join chunks k on k.id = b.subject_id
      join reports r on r.id = k.report_id join sources s on s.id = r.source_id
      join packages t on t.id = b.package_id join package_heads h on h.id = t.head_id
    where ${live} and c.name = coalesce(${collection ?? null}::text, c.name)
    order by c.name, label`.execute(db)
  return rows
}
