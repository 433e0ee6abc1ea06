import { createHash } from 'node:crypto'
import { writeInTurn } from '../intake/intake.ts'
import { removeReports } from '../intake/remove-reports.ts'
import { UpstreamError } from '../model/errors.ts'
import type { OtxEvent } from '../sources/otx/client.ts'
import { noteProblem, tellProgress, type Walk } from './walk.ts'
import { changeCursor, readWalkCursor, type WalkCursor } from './walk-cursor.ts'

// An event may be listed later than another that it came before.
const overlapMs = 3_600_000

/**
 * Does what OTX's events ask for: pulses that were deleted or unsubscribed go at once, and what was
 * subscribed is noted in the cursor, to be fetched whatever its age. Of several events about one thing the
 * last decides; each is followed once.
 */
export async function followEvents(walk: Walk): Promise<void> {
  const { intake, sourceId, firstSync } = walk
  const { events: known } = await readWalkCursor(intake.db, sourceId)
  const since = known ? new Date(Date.parse(known.last) - overlapMs) : firstSync
  const events = await readEvents(walk, since)
  if (!events) return
  const seen = new Set(known?.seen)
  const fresh = lastOfEach(events).filter((event) => !seen.has(keyOf(event)))
  const chosen = (objectType: string, ...actions: readonly string[]) =>
    fresh
      .filter((event) => event.objectType === objectType && actions.includes(event.action))
      .map((event) => event.objectId)
  for (const [action, why] of [
    ['delete', 'deleted'],
    ['unsubscribe', 'unsubscribed'],
  ] as const) {
    const ids = chosen('pulse', action)
    walk.seen.gone += await removeReports(intake, sourceId, ids, why, tellProgress(walk))
  }
  const wishes = {
    fetch: chosen('pulse', 'subscribe'),
    leave: chosen('pulse', 'delete', 'unsubscribe'),
    authors: chosen('user', 'subscribe'),
    leaveAuthors: chosen('user', 'delete', 'unsubscribe'),
  }
  const reconcile = fresh.some((event) => event.objectType === 'user')
  const passed = passEvents(known, events)
  if (fresh.length === 0 && passed === known) return
  await writeInTurn(intake, (trx) =>
    changeCursor(trx, sourceId, (cursor) => ({
      ...addWishes(cursor, wishes, { since: firstSync, begun: intake.clock() }),
      ...(passed && { events: passed }),
      ...(reconcile && { reconcile }),
    })),
  )
}

async function readEvents(walk: Walk, since: Date): Promise<readonly OtxEvent[] | undefined> {
  const { intake, settings, sourceId } = walk
  try {
    return await settings.client.events(since, settings.signal)
  } catch (error) {
    noteProblem(walk, 'the events', error)
    if (!(error instanceof UpstreamError) || error.code !== 'OTX_TOO_MANY_EVENTS') return undefined
    // They become no fewer: the ids tell what is gone.
    const events = { last: intake.clock().toISOString(), seen: [] }
    await writeInTurn(intake, (trx) =>
      changeCursor(trx, sourceId, (cursor) => ({ ...cursor, events, reconcile: true })),
    )
    return undefined
  }
}

interface Wishes {
  readonly fetch: readonly string[]
  readonly leave: readonly string[]
  readonly authors: readonly string[]
  readonly leaveAuthors: readonly string[]
}

function addWishes(
  { fetch = [], authors = [], ...rest }: WalkCursor,
  wishes: Wishes,
  { since, begun }: { readonly since: Date; readonly begun: Date },
): WalkCursor {
  const ids = new Set([...fetch, ...wishes.fetch])
  for (const id of wishes.leave) ids.delete(id)
  const named = new Set([...wishes.authors, ...wishes.leaveAuthors])
  const walks = [
    ...authors.filter(({ author }) => !named.has(author)),
    ...wishes.authors.map((author) => ({
      author,
      since: since.toISOString(),
      begun: begun.toISOString(),
      offset: 0,
    })),
  ]
  return {
    ...rest,
    ...(ids.size > 0 && { fetch: [...ids] }),
    ...(walks.length > 0 && { authors: walks }),
  }
}

function lastOfEach(events: readonly OtxEvent[]): readonly OtxEvent[] {
  const last = new Map<string, OtxEvent>()
  for (const event of events) {
    const key = `${event.objectType} ${event.objectId}`
    const other = last.get(key)
    if (!other || other.created <= event.created) last.set(key, event)
  }
  return [...last.values()]
}

function passEvents(
  known: WalkCursor['events'],
  events: readonly OtxEvent[],
): WalkCursor['events'] {
  const last = events.reduce(
    (latest, { created }) => Math.max(latest, created.getTime()),
    known ? Date.parse(known.last) : Number.NEGATIVE_INFINITY,
  )
  if (!Number.isFinite(last)) return known
  const near = events.filter(({ created }) => created.getTime() >= last - overlapMs)
  const seen = [...new Set(near.map(keyOf))].sort()
  const same = known?.last === new Date(last).toISOString() && `${known.seen}` === `${seen}`
  return same ? known : { last: new Date(last).toISOString(), seen }
}

/** Short, because a cursor may hold thousands. */
function keyOf({ action, objectType, objectId, created }: OtxEvent): string {
  return createHash('sha256')
    .update(`${created.toISOString()} ${action} ${objectType} ${objectId}`)
    .digest('base64url')
    .slice(0, 12)
}
