import { writeInTurn } from '../intake/intake.ts'
import { UpstreamError } from '../model/errors.ts'
import { noteProblem, type Walk } from './walk.ts'
import { changeCursor, type ListPlace, readWalkCursor, type WalkCursor } from './walk-cursor.ts'
import { shiftingList, walkList } from './walk-list.ts'

// OTX's clock and its index lag behind each other; what is met twice costs a digest.
const overlapMs = 3_600_000

/**
 * Walks the subscribed pulses from where the last whole walk ended, or goes on where it was broken off. The
 * watermark moves only at the end of a whole walk, and never back.
 * @throws UpstreamError when OTX does not answer; what came before it is kept
 */
export async function walkPulses(walk: Walk): Promise<void> {
  const { intake, sourceId } = walk
  const cursor = await readWalkCursor(intake.db, sourceId)
  const from = placeToBegin(walk, cursor)
  try {
    const ending = await walkList(walk, {
      from,
      at: (now, place) => ({ ...now, walk: place }),
      ended: (now, last, how) => (how === 'whole' ? whole(now, last) : withoutWalk(now)),
    })
    if (ending === 'shifting') noteProblem(walk, 'the list of pulses', shiftingList())
  } catch (error) {
    // OTX has the saved page no more, or nothing leads on from it; the next walk begins at the first.
    if (isPlaceLost(error)) {
      await writeInTurn(intake, (trx) => changeCursor(trx, sourceId, withoutWalk))
    }
    throw error
  }
}

function placeToBegin({ firstSync, intake }: Walk, cursor: WalkCursor): ListPlace {
  const { walk, since, watermark } = cursor
  if (walk && walk.asked === since) return walk
  const begun = intake.clock().toISOString()
  const place = { begun, offset: 0 }
  if (since !== undefined) return { ...place, since, asked: since }
  if (watermark === undefined) return { ...place, since: firstSync.toISOString() }
  return { ...place, since: new Date(Date.parse(watermark) - overlapMs).toISOString() }
}

function whole(cursor: WalkCursor, { newest, begun, asked }: ListPlace): WalkCursor {
  const { since, watermark = '', ...rest } = withoutWalk(cursor)
  // A pulse dated ahead would hide those that are changed until then.
  const reached = newest !== undefined && newest > begun ? begun : (newest ?? '')
  const moved = reached > watermark ? reached : watermark
  return {
    ...rest,
    ...(moved !== '' && { watermark: moved }),
    ...(since !== undefined && since !== asked && { since }),
  }
}

function withoutWalk({ walk: _, ...rest }: WalkCursor): WalkCursor {
  return rest
}

const lostPlaces: readonly string[] = ['OTX_NOT_FOUND', 'OTX_NO_SUCH_PAGE', 'OTX_ENDLESS_WALK']

function isPlaceLost(error: unknown): boolean {
  return error instanceof UpstreamError && lostPlaces.includes(error.code)
}
