import { sql } from 'kysely'
import type { FeedBlock, LabelRange, Stream } from '../model/feed.ts'
import type { Micros } from '../model/micros.ts'
import { bindingNumber } from './collections.ts'
import type { Db } from './db.ts'
import type { ReadHead } from './packages.ts'
import { recordset } from './recordset.ts'

// About 1 MB of packages: large enough that a round trip costs little beside its rows, small enough that
// many slow pollers hold little.
const batchBlocks = 500

/**
 * The label up to which the feed is settled: whatever is published later has a later one.
 * Waits for a publication of this collection that is being committed, a matter of milliseconds.
 */
export async function readSafeLabel(db: Db, collectionId: number): Promise<Micros> {
  const { rows } = await sql<{ safe: number }>`
    select taxiway_safe_label(${collectionId}::integer) as safe`.execute(db)
  return (rows[0] as { safe: number }).safe
}

/** How many live blocks the range has now. Costs by publications, not by blocks. */
export async function countBlocks(db: Db, stream: Stream, range: LabelRange): Promise<number> {
  let count = 0
  for await (const batch of publicationBatches(db, stream, range)) {
    for (const publication of batch) count += await countIn(db, publication)
  }
  return count
}

/**
 * Reads the live blocks of a range in the order of their labels, a bounded batch at a time,
 * each batch in a query of its own: nothing is held while the caller sends bytes.
 */
export async function* readBlocks(
  db: Db,
  readHead: ReadHead,
  stream: Stream,
  range: LabelRange,
): AsyncGenerator<readonly FeedBlock[]> {
  for await (const batch of publicationBatches(db, stream, range)) {
    let group: Slice[] = []
    let size = 0
    for (const slice of batch) {
      if (size + slice.liveCount > batchBlocks && group.length > 0) {
        yield* readGroup(db, readHead, group)
        group = []
        size = 0
      }
      group.push(slice)
      size += slice.liveCount
    }
    yield* readGroup(db, readHead, group)
  }
}

/**
 * Cuts a range into parts of at most `pageSize` blocks that are live now.
 * @returns the last label of each part, the last of all being the range's end; never empty
 */
export async function cutIntoParts(
  db: Db,
  stream: Stream,
  range: LabelRange,
  pageSize: number,
): Promise<{ partEnds: readonly Micros[]; recordCount: number }> {
  const partEnds: Micros[] = []
  let recordCount = 0
  let lastLabel: Micros | undefined
  for await (const batch of publicationBatches(db, stream, range)) {
    for (const slice of batch) {
      for await (const label of labelsThatFill(db, slice, pageSize, recordCount % pageSize)) {
        partEnds.push(label)
        lastLabel = label
      }
      const count = await countIn(db, slice)
      recordCount += count
    }
  }
  // The range's end closes the last part: what was cut exactly full is not followed by an empty one.
  if (lastLabel !== undefined && recordCount % pageSize === 0) partEnds.pop()
  partEnds.push(range.end)
  return { partEnds, recordCount }
}

/** The part of a publication that lies in a range. */
interface Slice {
  readonly publicationId: number
  readonly baseLabel: Micros
  /** ordinals from and to, both in */
  readonly from: number
  readonly to: number
  readonly whole: boolean
  /** nothing of it was superseded or withdrawn */
  readonly dense: boolean
  /** of the whole publication */
  readonly liveCount: number
}

async function* publicationBatches(
  db: Db,
  stream: Stream,
  range: LabelRange,
): AsyncGenerator<readonly Slice[]> {
  const begin = range.begin ?? -1
  let after = await baseAt(db, stream, begin)
  for (;;) {
    const rows = await db
      .selectFrom('publications')
      .select(['id', 'base_label', 'block_count', 'live_count'])
      .where('collection_id', '=', stream.collectionId)
      .where('binding', '=', bindingNumber(stream.binding))
      .where('live_count', '>', 0)
      .where('base_label', '>=', after)
      .where('base_label', '<=', range.end)
      .orderBy('base_label')
      .limit(1000)
      .execute()
    const last = rows.at(-1)
    if (!last) return
    yield rows
      .map((row): Slice => {
        const from = Math.max(0, begin - row.base_label + 1)
        const to = Math.min(row.block_count - 1, range.end - row.base_label)
        return {
          publicationId: row.id,
          baseLabel: row.base_label,
          from,
          to,
          whole: from === 0 && to === row.block_count - 1,
          dense: row.live_count === row.block_count,
          liveCount: row.live_count,
        }
      })
      .filter((slice) => slice.from <= slice.to)
    after = last.base_label + 1
  }
}

/** Where the publication begins that holds `label`, or `label` itself: publications do not overlap. */
async function baseAt(db: Db, stream: Stream, label: Micros): Promise<Micros> {
  const row = await db
    .selectFrom('publications')
    .select('base_label')
    .where('collection_id', '=', stream.collectionId)
    .where('binding', '=', bindingNumber(stream.binding))
    .where('base_label', '<=', label)
    .orderBy('base_label', 'desc')
    .limit(1)
    .executeTakeFirst()
  return row?.base_label ?? label
}

const live = sql<boolean>`b.superseded_by is null and not exists (
  select from withdrawals w where w.publication_id = b.publication_id and w.ordinal = b.ordinal)`

async function countIn(db: Db, slice: Slice): Promise<number> {
  if (slice.whole) return slice.liveCount
  if (slice.dense) return slice.to - slice.from + 1
  const { rows } = await sql<{ count: number }>`
    select count(*) as count from blocks b
    where b.publication_id = ${slice.publicationId}
      and b.ordinal between ${slice.from} and ${slice.to} and ${live}`.execute(db)
  return Number(rows[0]?.count)
}

/** Labels of the blocks with which a part becomes full, `begun` blocks being in the current part already. */
async function* labelsThatFill(db: Db, slice: Slice, pageSize: number, begun: number) {
  if (slice.dense) {
    for (let at = slice.from + pageSize - begun - 1; at <= slice.to; at += pageSize) {
      yield slice.baseLabel + at
    }
    return
  }
  const { rows } = await sql<{ ordinal: number }>`
    select ordinal from (
      select b.ordinal, row_number() over (order by b.ordinal) + ${begun}::integer as place from blocks b
      where b.publication_id = ${slice.publicationId}
        and b.ordinal between ${slice.from} and ${slice.to} and ${live}) as placed
    where place % ${pageSize}::integer = 0 order by ordinal`.execute(db)
  for (const row of rows) yield slice.baseLabel + row.ordinal
}

async function* readGroup(
  db: Db,
  readHead: ReadHead,
  group: readonly Slice[],
): AsyncGenerator<readonly FeedBlock[]> {
  const [first] = group
  if (!first) return
  if (group.length === 1) {
    yield* readLarge(db, readHead, first)
    return
  }
  const slices = group.map((slice) => ({
    p: slice.publicationId,
    l: slice.baseLabel,
    f: slice.from,
    t: slice.to,
  }))
  const { rows } = await sql<BlockRow>`
    select x.l + b.ordinal as label, k.head_id, k.tail
    from json_to_recordset(${recordset(slices)}::json) as x(p bigint, l bigint, f integer, t integer)
      join blocks b on b.publication_id = x.p and b.ordinal between x.f and x.t
      join packages k on k.id = b.package_id
    where ${live} order by label`.execute(db)
  if (rows.length > 0) yield await toBlocks(rows, readHead)
}

async function* readLarge(
  db: Db,
  readHead: ReadHead,
  slice: Slice,
): AsyncGenerator<readonly FeedBlock[]> {
  let from = slice.from
  for (;;) {
    const { rows } = await sql<BlockRow>`
      select ${slice.baseLabel}::bigint + b.ordinal as label, k.head_id, k.tail
      from (select b.ordinal, b.package_id from blocks b
        where b.publication_id = ${slice.publicationId} and b.ordinal between ${from} and ${slice.to}
          and ${live} order by b.ordinal limit ${batchBlocks}) as b
        join packages k on k.id = b.package_id
      order by b.ordinal`.execute(db)
    const last = rows.at(-1)
    if (!last) return
    yield await toBlocks(rows, readHead)
    if (rows.length < batchBlocks) return
    from = last.label - slice.baseLabel + 1
  }
}

interface BlockRow {
  label: Micros
  head_id: number
  tail: string
}

async function toBlocks(rows: readonly BlockRow[], readHead: ReadHead): Promise<FeedBlock[]> {
  const blocks: FeedBlock[] = []
  for (const { label, head_id, tail } of rows) {
    blocks.push({ label, content: (await readHead(head_id)) + tail })
  }
  return blocks
}
