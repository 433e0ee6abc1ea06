import { sql } from 'kysely'
import type { FeedBlock, LabelRange, Snapshot } from '../model/feed.ts'
import type { Micros } from '../model/micros.ts'
import type { Db } from './db.ts'
import { isReadAt } from './live.ts'
import type { ReadHead } from './packages.ts'
import { recordset } from './recordset.ts'
import {
  baseAt,
  inRange,
  publicationBatches,
  type Slice,
  type SliceRow,
  toSlice,
} from './slices.ts'

// About 1 MB of packages: large enough that a round trip costs little beside its rows, small enough that
// many slow pollers hold little.
const batchBlocks = 500
// Where blocks are larger, such as those of whole reports, their sizes are looked at.
const batchBytes = 2 ** 20
const largeBytes = 8 * 1024

/**
 * The label up to which a collection is settled, whatever is published later having a later one, and its
 * newest publication. Waits for one that is being committed, a matter of milliseconds.
 */
export async function readSafeLabel(
  db: Db,
  collectionId: number,
): Promise<{ readonly safe: Micros; readonly asOf: number }> {
  const { rows } = await sql<{ safe: number; as_of: number }>`
    select safe, as_of from taxiway_safe(${collectionId}::integer)`.execute(db)
  const { safe, as_of: asOf } = rows[0] as { safe: number; as_of: number }
  return { safe, asOf }
}

/** How many blocks a poll of the range reads. Costs by publications, hardly by blocks. */
export async function countBlocks(db: Db, snapshot: Snapshot, range: LabelRange): Promise<number> {
  const begin = range.begin ?? -1
  // Whole publications of which nothing was superseded since are counted by their counts alone.
  const counted = sql<boolean>`(coalesce(last_superseded_by, 0) <= ${snapshot.asOf}::bigint
    and base_label > ${begin}::bigint and base_label + block_count - 1 <= ${range.end}::bigint)`
  const { rows } = await sql<SliceRow & { total: number | null }>`
    with found as (
      select id, base_label, block_count, live_count, last_superseded_by, ${counted} as counted
      from publications
      where ${inRange(snapshot, range, await baseAt(db, snapshot, begin))})
    select null::bigint as id, 0::bigint as base_label, 0 as block_count, 0 as live_count,
      null::bigint as last_superseded_by, sum(live_count) as total
    from found where counted
    union all
    select id, base_label, block_count, live_count, last_superseded_by, null from found
    where not counted`.execute(db)
  let count = 0
  for (const row of rows) {
    if (row.id === null) count += Number(row.total)
    else count += await countIn(db, snapshot, toSlice(row as SliceRow, snapshot, range))
  }
  return count
}

/**
 * Reads a range's blocks in the order of their labels, a bounded batch at a time,
 * each batch in a query of its own: nothing is held while the caller sends bytes.
 */
export async function* readBlocks(
  db: Db,
  readHead: ReadHead,
  snapshot: Snapshot,
  range: LabelRange,
): AsyncGenerator<readonly FeedBlock[]> {
  for await (const batch of publicationBatches(db, snapshot, range)) {
    let group: Slice[] = []
    let size = 0
    let bytes = 0
    for (const slice of batch) {
      const most = slice.largestBytes > largeBytes ? slice.most * slice.largestBytes : 0
      const isFull = size + slice.most > batchBlocks || bytes + most > batchBytes
      if (isFull && group.length > 0) {
        yield* readGroup(db, readHead, snapshot, group)
        group = []
        size = 0
        bytes = 0
      }
      group.push(slice)
      size += slice.most
      bytes += most
    }
    yield* readGroup(db, readHead, snapshot, group)
  }
}

/**
 * Cuts a range into parts of at most `pageSize` blocks.
 * @returns the last label of each part, the last of all being the range's end; never empty
 */
export async function cutIntoParts(
  db: Db,
  snapshot: Snapshot,
  range: LabelRange,
  pageSize: number,
): Promise<{ partEnds: readonly Micros[]; recordCount: number }> {
  const partEnds: Micros[] = []
  let recordCount = 0
  let lastLabel: Micros | undefined
  for await (const batch of publicationBatches(db, snapshot, range)) {
    for (const slice of batch) {
      const { count, ends } = await cutSlice(db, snapshot, slice, pageSize, recordCount % pageSize)
      recordCount += count
      for (const label of ends) {
        partEnds.push(label)
        lastLabel = label
      }
    }
  }
  // The range's end closes the last part: what was cut exactly full is not followed by an empty one.
  if (lastLabel !== undefined && recordCount % pageSize === 0) partEnds.pop()
  partEnds.push(range.end)
  return { partEnds, recordCount }
}

async function countIn(db: Db, { asOf }: Snapshot, slice: Slice): Promise<number> {
  if (slice.from > slice.to) return 0
  if (slice.count !== undefined) return slice.count
  const { rows } = await sql<{ count: number }>`
    select count(*) as count from blocks b
    where b.publication_id = ${slice.publicationId}
      and b.ordinal between ${slice.from} and ${slice.to} and ${isReadAt(asOf)}`.execute(db)
  return Number(rows[0]?.count)
}

/**
 * Counts a slice's blocks and tells the labels of those with which a part becomes full, `begun` blocks being
 * in the current part already. Both in one look: what is withdrawn between two would make parts too large.
 */
async function cutSlice(
  db: Db,
  { asOf }: Snapshot,
  slice: Slice,
  pageSize: number,
  begun: number,
): Promise<{ readonly count: number; readonly ends: readonly Micros[] }> {
  if (slice.dense) {
    const ends: Micros[] = []
    for (let at = slice.from + pageSize - begun - 1; at <= slice.to; at += pageSize) {
      ends.push(slice.baseLabel + at)
    }
    return { count: slice.to - slice.from + 1, ends }
  }
  const { rows } = await sql<{ count: number; ordinals: number[] }>`
    select count(*) as count,
      coalesce(array_agg(ordinal order by ordinal) filter (where place % ${pageSize}::integer = 0),
        '{}') as ordinals
    from (
      select b.ordinal, row_number() over (order by b.ordinal) + ${begun}::integer as place from blocks b
      where b.publication_id = ${slice.publicationId}
        and b.ordinal between ${slice.from} and ${slice.to} and ${isReadAt(asOf)}) as placed`.execute(
    db,
  )
  const { count, ordinals } = rows[0] as { count: number; ordinals: number[] }
  return { count: Number(count), ends: ordinals.map((ordinal) => slice.baseLabel + ordinal) }
}

async function* readGroup(
  db: Db,
  readHead: ReadHead,
  { asOf }: Snapshot,
  group: readonly Slice[],
): AsyncGenerator<readonly FeedBlock[]> {
  const [first] = group
  if (!first) return
  if (group.length === 1) {
    yield* first.largestBytes > largeBytes
      ? readBySize(db, readHead, asOf, first)
      : readLarge(db, readHead, asOf, first)
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
      -- "offset 0" keeps the planner from reading whole tables for what it takes to be many slices.
      cross join lateral (select b.ordinal, b.package_id from blocks b
        where b.publication_id = x.p and b.ordinal between x.f and x.t and ${isReadAt(asOf)}
        offset 0) as b
      left join lateral (select head_id, tail from packages where id = b.package_id offset 0) as k on true
    order by label`.execute(db)
  if (rows.length > 0) yield await toBlocks(rows, readHead)
}

async function* readLarge(
  db: Db,
  readHead: ReadHead,
  asOf: number,
  slice: Slice,
): AsyncGenerator<readonly FeedBlock[]> {
  let from = slice.from
  for (;;) {
    const { rows } = await sql<BlockRow>`
      select ${slice.baseLabel}::bigint + b.ordinal as label, k.head_id, k.tail
      from (select b.ordinal, b.package_id from blocks b
        where b.publication_id = ${slice.publicationId} and b.ordinal between ${from} and ${slice.to}
          and ${isReadAt(asOf)} order by b.ordinal limit ${batchBlocks}) as b
        left join packages k on k.id = b.package_id
      order by b.ordinal`.execute(db)
    const last = rows.at(-1)
    if (!last) return
    yield await toBlocks(rows, readHead)
    if (rows.length < batchBlocks) return
    from = last.label - slice.baseLabel + 1
  }
}

/** Reads so many blocks at a time as are batchBytes together, and one at least. */
async function* readBySize(
  db: Db,
  readHead: ReadHead,
  asOf: number,
  slice: Slice,
): AsyncGenerator<readonly FeedBlock[]> {
  let from = slice.from
  for (;;) {
    const { rows } = await sql<BlockRow>`
      select ${slice.baseLabel}::bigint + sized.ordinal as label, k.head_id, k.tail
      from (
        -- The length of what is kept compressed or apart is known without reading it.
        select b.ordinal, b.package_id,
          sum(octet_length(k.tail)) over (order by b.ordinal) - octet_length(k.tail) as before
        from (select b.ordinal, b.package_id from blocks b
          where b.publication_id = ${slice.publicationId} and b.ordinal between ${from} and ${slice.to}
            and ${isReadAt(asOf)} order by b.ordinal limit ${batchBlocks}) as b
          left join packages k on k.id = b.package_id) as sized
        left join packages k on k.id = sized.package_id
      where coalesce(sized.before, 0) < ${batchBytes}
      order by sized.ordinal`.execute(db)
    const last = rows.at(-1)
    if (!last) return
    yield await toBlocks(rows, readHead)
    from = last.label - slice.baseLabel + 1
    if (from > slice.to) return
  }
}

interface BlockRow {
  label: Micros
  head_id: number | null
  tail: string | null
}

async function toBlocks(rows: readonly BlockRow[], readHead: ReadHead): Promise<FeedBlock[]> {
  const blocks: FeedBlock[] = []
  for (const { label, head_id, tail } of rows) {
    // Leaving it out would be a gap that nobody sees; broken off, the client asks again.
    if (head_id === null || tail === null) throw new Error(`the package of block ${label} is gone`)
    blocks.push({ label, content: (await readHead(head_id)) + tail })
  }
  return blocks
}
