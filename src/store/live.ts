import { sql } from 'kysely'

/** Whether block `b` was taken out of its feed. */
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
