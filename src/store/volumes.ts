import { sql } from 'kysely'
import type { ContentBinding } from '../model/collection.ts'
import { bindingOf } from './collections.ts'
import type { Db } from './db.ts'

/** Blocks that a stream publishes on a typical day, by collection and binding. */
export type Volumes = ReadonlyMap<number, ReadonlyMap<ContentBinding, number>>

const daysLookedAt = 7

/**
 * The median of the last seven spans of 24 hours: neither a collection's first filling nor an outage counts as
 * typical. Of a stream that has not published for a whole one, nothing is known.
 */
export async function readVolumes(db: Db): Promise<Volumes> {
  const { rows } = await sql<{ id: number; binding: number; volume: number }>`
    with streams as (
      select collection_id, binding, least(${daysLookedAt}::integer,
        (taxiway_micros() - min(base_label)) / 86400000000) as days
      from publications group by collection_id, binding),
    daily as (
      select collection_id, binding, (taxiway_micros() - base_label) / 86400000000 as day,
        sum(block_count) as blocks
      from publications
      where base_label > taxiway_micros() - ${daysLookedAt}::bigint * 86400000000
      group by 1, 2, 3)
    select s.collection_id as id, s.binding,
      percentile_disc(0.5) within group (order by coalesce(d.blocks, 0))::integer as volume
    from streams s
      cross join lateral generate_series(0, s.days - 1) as day
      left join daily d
        on d.collection_id = s.collection_id and d.binding = s.binding and d.day = day.day
    group by 1, 2`.execute(db)
  const volumes = new Map<number, Map<ContentBinding, number>>()
  for (const { id, binding, volume } of rows) {
    const ofCollection = volumes.get(id) ?? new Map<ContentBinding, number>()
    volumes.set(id, ofCollection.set(bindingOf(binding), volume))
  }
  return volumes
}

const freshMs = 600_000

/**
 * Reads all publications of a week, so it is done once in ten minutes, and nobody waits for it but whoever
 * asks first.
 * @param nowMs a clock that only goes forward
 */
export function createVolumeReader(db: Db, nowMs: () => number): () => Promise<Volumes> {
  let known: Promise<Volumes> | undefined
  let readAt = Number.NEGATIVE_INFINITY
  return () => {
    if (known && nowMs() - readAt < freshMs) return known
    readAt = nowMs()
    const before = known
    const reading = readVolumes(db)
    if (!before) {
      known = reading
      reading.catch(() => {
        known = undefined
      })
      return reading
    }
    reading.then(
      (volumes) => {
        known = Promise.resolve(volumes)
      },
      // What was known stays until the next time.
      () => {},
    )
    return before
  }
}
