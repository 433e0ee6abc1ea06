import { sql } from 'kysely'
import { purgeMemberships } from './chunks.ts'
import type { Db } from './db.ts'
import { purgeAnswers } from './idempotency.ts'

export interface Purged {
  readonly packages: number
  readonly blocks: number
  readonly publications: number
}

/**
 * Deletes what no poll can read any more and nobody asks for: rendered packages once no result set can hold
 * them, the traces of blocks once every client has dropped what it was sent, and then the places in chunks of
 * reports; and answers kept under Idempotency-Keys. It touches nothing that a writer or a poll would still use;
 * the places alone need the writers' lock.
 * @param resultSetSeconds how long a poll or its parts may go on
 */
export async function purge(
  db: Db,
  { resultSetSeconds }: { readonly resultSetSeconds: number },
): Promise<Purged> {
  await sql`delete from result_sets where expires_at <= now()`.execute(db)
  const packages = await sql`
    with kept as (select ${readableSince(resultSetSeconds)} as since)
    delete from packages k where not exists (
      select from blocks b, kept
      where b.package_id = k.id and (b.superseded_by is null or b.superseded_by > kept.since)
        -- Their feeds never show these again: what comes back gets a package of its own.
        and not exists (${endedBefore(resultSetSeconds)}))`.execute(db)
  const { rows } = await sql<{ seconds: number }>`
    select 86400 * coalesce(max(client_age_out_days), 30) as seconds from accounts`.execute(db)
  const heldSeconds = Math.max(Number(rows[0]?.seconds), resultSetSeconds)
  const purged = await db.transaction().execute(async (trx) => {
    const blocks = await sql`
      with kept as (select ${publicationBefore(heldSeconds)} as since)
      delete from blocks b using kept
      where b.superseded_by <= kept.since or exists (${endedBefore(heldSeconds)})`.execute(trx)
    await sql`
      delete from withdrawals w where w.withdrawn_at < now() - ${heldSeconds} * interval '1 second'
        and not exists (select from blocks b
          where b.subject_id = w.subject_id and b.publication_id <= w.through_publication)`.execute(
      trx,
    )
    // The newest of a collection tells its last label.
    const publications = await sql`
      delete from publications p
      where live_count = 0 and not exists (select from blocks b where b.publication_id = p.id)
        and id <> taxiway_last_publication(p.collection_id)`.execute(trx)
    return {
      packages: Number(packages.numAffectedRows ?? 0n),
      blocks: Number(blocks.numAffectedRows ?? 0n),
      publications: Number(publications.numAffectedRows ?? 0n),
    }
  })
  await purgeMemberships(db)
  await purgeAnswers(db)
  return purged
}

/** The newest publication so old that what it superseded is in no poll under way and in no result set. */
function readableSince(resultSetSeconds: number) {
  return sql<number>`least(${publicationBefore(resultSetSeconds)},
    (select min(as_of) from result_sets))`
}

function publicationBefore(seconds: number) {
  return sql<number>`coalesce((select max(id) from publications
    where base_label < taxiway_micros() - ${seconds}::bigint * 1000000), 0)`
}

/** Finds the withdrawal of block `b`, when it is older than so many seconds. */
function endedBefore(seconds: number) {
  return sql`select from withdrawals w
    where w.subject_id = b.subject_id and w.through_publication >= b.publication_id
      and (w.collection_id = 0 or (w.collection_id = b.collection_id and w.binding = b.binding))
      and w.withdrawn_at < now() - ${seconds} * interval '1 second'`
}
