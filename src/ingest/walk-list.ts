import { UpstreamError } from '../model/errors.ts'
import type { Db } from '../store/db.ts'
import { sizeToGoOnWith, stepOver } from './step-over.ts'
import { readPulses, takeInPulses, type Walk } from './walk.ts'
import { changeCursor, type ListPlace, type WalkCursor } from './walk-cursor.ts'

/**
 * `whole`: every pulse was met. `shifting`: the list became shorter under each of several walks, so that a
 * pulse may have been passed over.
 */
type Ending = 'whole' | 'shifting'

/** Walks a list of pulses, saving each page with the place behind it. */
export interface ListWalk {
  readonly from: ListPlace
  readonly author?: string
  /** what becomes of the cursor when the walk has come to a place, or to its end */
  readonly at: (cursor: WalkCursor, place: ListPlace) => WalkCursor
  readonly ended: (cursor: WalkCursor, last: ListPlace, ending: Ending) => WalkCursor
}

const maxRepeats = 3

export async function walkList(walk: Walk, list: ListWalk): Promise<Ending> {
  for (let place = list.from; ; ) {
    const passed = await walkOnce(walk, list, place)
    if (typeof passed === 'string') return passed
    place = passed
  }
}

/** @returns where the list is to be walked again, or how the walk has ended */
async function walkOnce(walk: Walk, list: ListWalk, from: ListPlace): Promise<ListPlace | Ending> {
  const { client, signal } = walk.settings
  const { author } = list
  const pages = stepOver(
    (place) =>
      client.subscribedPages({
        modifiedSince: new Date(from.since),
        ...place,
        ...(author !== undefined && { author }),
        ...(signal && { signal }),
      }),
    from,
  )
  let place = from
  let next: ListPlace | Ending = 'whole'
  for await (const page of pages) {
    const read = readPulses(walk, page)
    const { count = place.count } = page
    const pageSize = sizeToGoOnWith(page, place.pageSize)
    const { shrunk: _, ...rest } = place
    // When the list has become shorter, a pulse may have moved to a page that lies behind us.
    const shrunk = place.shrunk || Number(count) < Math.max(place.count ?? 0, page.offset)
    const newest = laterOf(read.newest, place.newest)
    place = {
      ...rest,
      ...(count !== undefined && { count }),
      ...(newest !== undefined && { newest }),
      ...(shrunk && { shrunk }),
    }
    if (page.nextOffset !== undefined) next = { ...place, offset: page.nextOffset, pageSize }
    else next = shrunk ? repeat(place) : 'whole'
    walk.seen.pulses += page.results.length
    walk.seen.totalPulses = author === undefined ? count : walk.seen.totalPulses
    await takeInPulses(walk, read, savePlace(walk, list, place, next))
    signal?.throwIfAborted()
    if (typeof next !== 'string') place = next
  }
  return next
}

function repeat(place: ListPlace): ListPlace | Ending {
  const { repeats = 0, shrunk: _, pageSize: __, ...rest } = place
  return repeats < maxRepeats ? { ...rest, offset: 0, repeats: repeats + 1 } : 'shifting'
}

function savePlace(walk: Walk, list: ListWalk, place: ListPlace, next: ListPlace | Ending) {
  return (trx: Db) =>
    changeCursor(trx, walk.sourceId, (cursor) =>
      typeof next === 'string' ? list.ended(cursor, place, next) : list.at(cursor, next),
    )
}

function laterOf(one: string | undefined, other: string | undefined): string | undefined {
  return one && other ? (one > other ? one : other) : (one ?? other)
}

/** That a list cannot be walked to an end that leaves no doubt. */
export function shiftingList(): UpstreamError {
  const message = "OTX's list became shorter during each of several walks through it"
  return new UpstreamError('OTX_LIST_SHIFTS', message, true)
}
