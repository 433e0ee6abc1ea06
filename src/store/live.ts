import { type RawBuilder, sql } from 'kysely'
import type { Db } from './db.ts'

/** Whether block `b` was taken out of its feed; the withdrawals of its subject say so. */
export const isWithdrawn = sql<boolean>`exists (
  select from withdrawals w
  where w.subject_id = b.subject_id and w.through_publication >= b.publication_id
    and (w.collection_id = 0 or (w.collection_id = b.collection_id and w.binding = b.binding)))`

/**
 * Whether block `b` is read by a poll that was fixed when its collection's newest publication was `asOf`:
 * what has superseded it since does not matter, a withdrawal does.
 */
export function isReadAt(asOf: number) {
  return sql<boolean>`((b.superseded_by is null or b.superseded_by > ${asOf}::bigint)
    and not ${isWithdrawn})`
}

/**
 * The blocks `b` that show an indicator, be it by itself or in a chunk of a report, as a table of their
 * `collection_id`, `binding`, `publication_id`, `ordinal`, `subject_id` and `superseded_by`.
 */
export function blocksShowing(indicatorId: RawBuilder<unknown>) {
  const columns = sql`b.collection_id, b.binding, b.publication_id, b.ordinal, b.subject_id, b.superseded_by`
  return sql`(
    select ${columns} from blocks b where b.subject_id = ${indicatorId}
    union all
    select ${columns} from chunk_members m join blocks b on b.subject_id = m.chunk_id
    where m.indicator_id = ${indicatorId} and m.indicator_id = any(b.members))`
}

/** Those of these indicators that polls are served now, in whatever collection. */
export async function findServed(
  db: Db,
  indicatorIds: readonly number[],
): Promise<ReadonlySet<number>> {
  if (indicatorIds.length === 0) return new Set()
  const { rows } = await sql<{ id: number }>`
    select b.subject_id as id from blocks b
    where b.subject_id = any(${indicatorIds}::bigint[]) and b.superseded_by is null
      and not ${isWithdrawn}
    union
    select m.indicator_id from chunk_members m join blocks b on b.subject_id = m.chunk_id
    where m.indicator_id = any(${indicatorIds}::bigint[]) and m.indicator_id = any(b.members)
      and b.superseded_by is null and not ${isWithdrawn}`.execute(db)
  return new Set(rows.map(({ id }) => id))
}
