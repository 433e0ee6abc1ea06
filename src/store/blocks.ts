import { sql } from 'kysely'
import type { Stream } from '../model/feed.ts'
import type { Micros } from '../model/micros.ts'
import { bindingNumber, bindingOf } from './collections.ts'
import type { Db } from './db.ts'
import { isWithdrawn } from './live.ts'
import { recordset } from './recordset.ts'

/**
 * The newest block of an indicator, or of a chunk of a report, in a stream, with the digest of what it shows.
 * Publications have ids in the order of their commits, since one writer at a time makes them.
 */
export interface LiveBlock {
  readonly publicationId: number
  readonly ordinal: number
  /** an indicator's id, or a chunk's, which is negative */
  readonly subjectId: number
  readonly stream: Stream
  readonly digest: string
  /** taken out of the feed; the next block of its subject supersedes it all the same */
  readonly withdrawn: boolean
  /** the indicators that a chunk's block shows, ascending; undefined: it is an indicator's own */
  readonly members: readonly number[] | undefined
}

export interface NewBlock {
  readonly publicationId: number
  readonly ordinal: number
  readonly subjectId: number
  readonly stream: Stream
  readonly packageId: number
  readonly digest: string
  /** as of LiveBlock */
  readonly members?: readonly number[] | undefined
}

/** The newest block of each of these indicators and chunks in each stream. */
export async function findNewestBlocks(
  db: Db,
  subjectIds: readonly number[],
): Promise<readonly LiveBlock[]> {
  const { rows } = await sql<{
    publication_id: number
    ordinal: number
    collection_id: number
    binding: number
    subject_id: number
    digest: string
    withdrawn: boolean
    members: number[] | null
  }>`
    select b.publication_id, b.ordinal, b.collection_id, b.binding, b.subject_id, b.members,
      encode(b.digest, 'hex') as digest, ${isWithdrawn} as withdrawn
    from blocks b
    where b.subject_id = any(${subjectIds}::bigint[]) and b.superseded_by is null`.execute(db)
  return rows.map((row) => ({
    publicationId: row.publication_id,
    ordinal: row.ordinal,
    subjectId: row.subject_id,
    stream: { collectionId: row.collection_id, binding: bindingOf(row.binding) },
    digest: row.digest,
    withdrawn: row.withdrawn,
    members: row.members ?? undefined,
  }))
}

/**
 * Takes `count` ids in a row, that no other row will have. Needs the intake lock: two writers at once could
 * be given the same.
 * @returns the first of them
 */
export async function reserveIds(
  db: Db,
  table: 'packages' | 'publications',
  count: number,
): Promise<number> {
  if (count === 0) return 0
  const sequence = sql.lit(`${table}_id_seq`)
  const { rows } = await sql<{ last: number }>`
    select setval(${sequence}, nextval(${sequence}) + ${count - 1}::integer) as last`.execute(db)
  return (rows[0] as { last: number }).last - count + 1
}

/**
 * Writes blocks of a publication that is not there yet: nobody sees them before it is.
 * The blocks that they replace must be superseded before, since a subject has one block a stream.
 */
export async function writeBlocks(db: Db, blocks: readonly NewBlock[]): Promise<void> {
  const records = blocks.map((block) => ({
    p: block.publicationId,
    o: block.ordinal,
    c: block.stream.collectionId,
    b: bindingNumber(block.stream.binding),
    i: block.subjectId,
    k: block.packageId,
    d: block.digest,
    m: block.members,
  }))
  await sql`
    insert into blocks (publication_id, ordinal, collection_id, binding, subject_id, package_id, digest,
      members)
    select p, o, c, b, i, k, decode(d, 'hex'), m from json_to_recordset(${recordset(records)}::json)
      as x(p bigint, o integer, c integer, b smallint, i bigint, k bigint, d text, m bigint[])`.execute(
    db,
  )
}

/** Ends blocks in favour of a publication's newer ones: polls that start after its commit get those. */
export async function supersedeBlocks(
  db: Db,
  blocks: readonly { readonly block: LiveBlock; readonly by: number }[],
): Promise<void> {
  if (blocks.length === 0) return
  const records = blocks.map(({ block, by }) => ({ p: block.publicationId, o: block.ordinal, by }))
  await sql`
    update blocks b set superseded_by = x.by
    from json_to_recordset(${recordset(records)}::json) as x(p bigint, o integer, by bigint)
    where b.publication_id = x.p and b.ordinal = x.o`.execute(db)
  await endInPublications(
    db,
    blocks.map(({ block, by }) => ({ block, ended: block.withdrawn ? 0 : 1, by })),
  )
}

/** Takes blocks out of their streams: no poll that starts after the commit returns them or older ones. */
export async function withdrawBlocks(db: Db, blocks: readonly LiveBlock[]): Promise<void> {
  if (blocks.length === 0) return
  const records = blocks.map(({ subjectId, stream, publicationId }) => ({
    i: subjectId,
    c: stream.collectionId,
    b: bindingNumber(stream.binding),
    p: publicationId,
  }))
  await sql`
    insert into withdrawals (subject_id, collection_id, binding, through_publication, withdrawn_at)
    select i, c, b, p, clock_timestamp()
    from json_to_recordset(${recordset(records)}::json) as x(i bigint, c integer, b smallint, p bigint)
    on conflict (subject_id, collection_id, binding) do update set
      through_publication = excluded.through_publication, withdrawn_at = excluded.withdrawn_at,
      number = excluded.number`.execute(db)
  await endInPublications(
    db,
    blocks.map((block) => ({ block, ended: 1, by: undefined })),
  )
}

/** Keeps each publication's count of live blocks, and by which publication one was last superseded. */
async function endInPublications(
  db: Db,
  blocks: readonly {
    readonly block: LiveBlock
    readonly ended: number
    readonly by: number | undefined
  }[],
): Promise<void> {
  const byPublication = Map.groupBy(blocks, ({ block }) => block.publicationId)
  if (byPublication.size === 0) return
  const records = [...byPublication].map(([p, ended]) => ({
    p,
    n: ended.reduce((sum, one) => sum + one.ended, 0),
    s: ended.reduce((latest, one) => Math.max(latest, one.by ?? 0), 0) || undefined,
  }))
  await sql`
    update publications set live_count = live_count - x.n,
      last_superseded_by = coalesce(x.s, last_superseded_by)
    from json_to_recordset(${recordset(records)}::json) as x(p bigint, n integer, s bigint)
    where id = x.p`.execute(db)
}

/**
 * Makes publications of blocks that were written, each with the label of its first block: later than the
 * database's clock, than every label of the collection and than every end that a poll was answered. Their
 * commit is when polls see the blocks; until then polls of these collections wait, so let nothing come between.
 * @returns the base labels, in the order given
 */
export async function writePublications(
  db: Db,
  publications: readonly {
    readonly id: number
    readonly stream: Stream
    readonly blockCount: number
    /** of its largest package, as far as is known */
    readonly largestBytes?: number
  }[],
): Promise<readonly Micros[]> {
  if (publications.length === 0) return []
  // All publishers lock in the same order, so that no two ever wait for each other.
  const sorted = [...publications].sort(
    (a, b) => a.stream.collectionId - b.stream.collectionId || a.id - b.id,
  )
  const { rows } = await sql<{ bases: Micros[] }>`
    select taxiway_publish(${sorted.map(({ id }) => id)}::bigint[],
      ${sorted.map(({ stream }) => stream.collectionId)}::integer[],
      ${sorted.map(({ stream }) => bindingNumber(stream.binding))}::smallint[],
      ${sorted.map(({ blockCount }) => blockCount)}::integer[],
      ${sorted.map(({ largestBytes = null }) => largestBytes)}::integer[]) as bases`.execute(db)
  const bases = new Map(sorted.map(({ id }, index) => [id, rows[0]?.bases[index] as Micros]))
  return publications.map(({ id }) => bases.get(id) as Micros)
}

/** Saves the database's clock, so that labels go on from it should that clock step back. */
export async function saveHighWaterMark(db: Db): Promise<void> {
  await sql`update feed_clock set high_water_mark = greatest(high_water_mark, taxiway_micros())`.execute(
    db,
  )
}

/**
 * Has the rest of a transaction find rows by index. For thousands of keys PostgreSQL prefers to read whole
 * tables. For those who do not take the intake lock, which does the same.
 */
export async function planByIndex(db: Db): Promise<void> {
  await sql`
    select set_config('enable_seqscan', 'off', true), set_config('random_page_cost', '1.1', true),
      set_config('jit', 'off', true)`.execute(db)
}

/**
 * One writer prepares blocks at a time, in the whole cluster; held until the transaction ends.
 * What follows in the transaction looks rows up by the thousand, by their keys. For that many PostgreSQL
 * prefers to read whole tables, so that each batch of a first load would cost more than the one before it.
 * JIT goes too: where a small table can only be read whole, the forbidding price would have it compiled.
 */
export async function lockIntake(db: Db): Promise<void> {
  await sql`
    select set_config('enable_seqscan', 'off', true), set_config('random_page_cost', '1.1', true),
      set_config('jit', 'off', true), pg_advisory_xact_lock(${0x7461_7869}, 0)`.execute(db)
}
