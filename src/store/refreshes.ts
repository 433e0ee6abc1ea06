import { sql } from 'kysely'
import type { Stream } from '../model/feed.ts'
import type { Micros } from '../model/micros.ts'
import { bindingOf } from './collections.ts'
import type { Db } from './db.ts'
import { isWithdrawn } from './live.ts'

/** How many steps the refresh of blocks that were published together is spread over, by their subjects' ids. */
export const refreshSteps = 64

export interface RefreshWindow {
  /** the age at which the first blocks of a publication are due */
  readonly earliest: Micros
  /** between one step and the next */
  readonly step: Micros
}

export interface DueBlock {
  readonly publicationId: number
  readonly ordinal: number
  readonly subjectId: number
  readonly stream: Stream
}

/** The database's clock, from which labels are made, and when the collection was last looked through. */
export async function readRefreshClock(
  db: Db,
  collectionId: number,
): Promise<{ readonly now: Micros; readonly refreshedAt: Micros }> {
  const { rows } = await sql<{ now: Micros; refreshed_at: Micros }>`
    select taxiway_micros() as now, refreshed_at from collections where id = ${collectionId}`.execute(
    db,
  )
  return { now: rows[0]?.now ?? 0, refreshedAt: rows[0]?.refreshed_at ?? 0 }
}

export async function saveRefreshedAt(db: Db, collectionId: number, now: Micros): Promise<void> {
  await db
    .updateTable('collections')
    .set({ refreshed_at: now })
    .where('id', '=', collectionId)
    .execute()
}

/**
 * Live blocks of a collection whose turn has come by `now`, after the given one, in the order of publications
 * and ordinals. Reads the blocks of publications that are old enough and nothing else.
 */
export async function findDueBlocks(
  db: Db,
  collectionId: number,
  now: Micros,
  { earliest, step }: RefreshWindow,
  after: Pick<DueBlock, 'publicationId' | 'ordinal'>,
  limit: number,
): Promise<readonly DueBlock[]> {
  const { rows } = await sql<{
    publication_id: number
    ordinal: number
    subject_id: number
    binding: number
  }>`
    select b.publication_id, b.ordinal, b.subject_id, b.binding
    from publications p join blocks b on b.publication_id = p.id
    where p.collection_id = ${collectionId} and p.live_count > 0
      and p.base_label <= ${now - earliest}::bigint and p.id >= ${after.publicationId}
      and (b.publication_id, b.ordinal) > (${after.publicationId}::bigint, ${after.ordinal}::integer)
      and b.superseded_by is null and not ${isWithdrawn}
      and abs(b.subject_id) % ${refreshSteps} <= (${now - earliest}::bigint - p.base_label) / ${step}::bigint
    order by b.publication_id, b.ordinal limit ${limit}`.execute(db)
  return rows.map((row) => ({
    publicationId: row.publication_id,
    ordinal: row.ordinal,
    subjectId: row.subject_id,
    stream: { collectionId, binding: bindingOf(row.binding) },
  }))
}
