import { sql } from 'kysely'
import type { FeedBlock, LabelRange, Snapshot, Stream } from '../model/feed.ts'
import type { Micros } from '../model/micros.ts'
import { bindingNumber } from './collections.ts'
import type { Db } from './db.ts'
import { isReadAt } from './live.ts'
import type { ReadHead } from './packages.ts'
import { recordset } from './recordset.ts'

// About 1 MB of packages: large enough that a round trip costs little beside its rows, small enough that
// many slow pollers hold little.
const batchBlocks = 500

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
    for (const slice of batch) {
      if (size + slice.most > batchBlocks && group.length > 0) {
        yield* readGroup(db, readHead, snapshot, group)
        group = []
        size = 0
      }
      group.push(slice)
      size += slice.most
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

/** The part of a publication that lies in a range. */
interface Slice {
  readonly publicationId: number
  readonly baseLabel: Micros
  /** ordinals from and to, both in */
  readonly from: number
  readonly to: number
  /** nothing of it was superseded or withdrawn: every ordinal is read */
  readonly dense: boolean
  /** how many blocks of it are read, where its publication's count tells that */
  readonly count: number | undefined
  /** how many blocks are read at most */
  readonly most: number
}

interface SliceRow {
  id: number
  base_label: Micros
  block_count: number
  live_count: number
  last_superseded_by: number | null
}

function toSlice(row: SliceRow, { asOf }: Snapshot, { begin = -1, end }: LabelRange): Slice {
  const from = Math.max(0, begin - row.base_label + 1)
  const to = Math.min(row.block_count - 1, end - row.base_label)
  const whole = from === 0 && to === row.block_count - 1
  const dense = row.live_count === row.block_count
  // Of a publication that has lost blocks to later ones the count is that of now, not of then.
  const settled = (row.last_superseded_by ?? 0) <= asOf
  return {
    publicationId: row.id,
    baseLabel: row.base_label,
    from,
    to,
    dense,
    count: dense ? to - from + 1 : whole && settled ? row.live_count : undefined,
    most: settled ? row.live_count : row.block_count,
  }
}

function inRange({ collectionId, binding, asOf }: Snapshot, { end }: LabelRange, from: Micros) {
  return sql<boolean>`collection_id = ${collectionId} and binding = ${bindingNumber(binding)}
    and (live_count > 0 or last_superseded_by > ${asOf}::bigint)
    and base_label between ${from}::bigint and ${end}::bigint`
}

async function* publicationBatches(
  db: Db,
  snapshot: Snapshot,
  range: LabelRange,
): AsyncGenerator<readonly Slice[]> {
  let from = await baseAt(db, snapshot, range.begin ?? -1)
  for (;;) {
    const { rows } = await sql<SliceRow>`
      select id, base_label, block_count, live_count, last_superseded_by from publications
      where ${inRange(snapshot, range, from)} order by base_label limit 1000`.execute(db)
    const last = rows.at(-1)
    if (!last) return
    yield rows.map((row) => toSlice(row, snapshot, range)).filter((slice) => slice.from <= slice.to)
    from = last.base_label + 1
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
    yield* readLarge(db, readHead, asOf, first)
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
