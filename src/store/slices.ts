import { sql } from 'kysely'
import type { LabelRange, Snapshot, Stream } from '../model/feed.ts'
import type { Micros } from '../model/micros.ts'
import { bindingNumber } from './collections.ts'
import type { Db } from './db.ts'

/** The part of a publication that lies in a range. */
export interface Slice {
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
  /** of the largest of its publication's packages; 0: it is a small one */
  readonly largestBytes: number
}

export interface SliceRow {
  id: number
  base_label: Micros
  block_count: number
  live_count: number
  last_superseded_by: number | null
  largest_bytes?: number | null
}

/** Of a publication that lies in the range at least in part. */
export function toSlice(row: SliceRow, { asOf }: Snapshot, { begin = -1, end }: LabelRange): Slice {
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
    largestBytes: row.largest_bytes ?? 0,
  }
}

/** Whether a publication may have blocks that a poll of the range reads, from a base label on. */
export function inRange(
  { collectionId, binding, asOf }: Snapshot,
  { end }: LabelRange,
  from: Micros,
) {
  return sql<boolean>`collection_id = ${collectionId} and binding = ${bindingNumber(binding)}
    and (live_count > 0 or last_superseded_by > ${asOf}::bigint)
    and base_label between ${from}::bigint and ${end}::bigint`
}

/** The range's publications in the order of their labels, at most 1,000 a query. */
export async function* publicationBatches(
  db: Db,
  snapshot: Snapshot,
  range: LabelRange,
): AsyncGenerator<readonly Slice[]> {
  let from = await baseAt(db, snapshot, range.begin ?? -1)
  for (;;) {
    const { rows } = await sql<SliceRow>`
      select id, base_label, block_count, live_count, last_superseded_by, largest_bytes
      from publications
      where ${inRange(snapshot, range, from)} order by base_label limit 1000`.execute(db)
    const last = rows.at(-1)
    if (!last) return
    yield rows.map((row) => toSlice(row, snapshot, range)).filter((slice) => slice.from <= slice.to)
    from = last.base_label + 1
  }
}

/** Where the publication begins that holds `label`, or `label` itself: publications do not overlap. */
export async function baseAt(db: Db, stream: Stream, label: Micros): Promise<Micros> {
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
