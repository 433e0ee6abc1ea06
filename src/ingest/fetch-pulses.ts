import { writeInTurn } from '../intake/intake.ts'
import { UpstreamError } from '../model/errors.ts'
import { noteProblem, readPulses, takeInPulses, tooLargeRecord, type Walk } from './walk.ts'
import { changeCursor, readWalkCursor, type WalkCursor } from './walk-cursor.ts'

// When so many fail one after the other, it is OTX and not they; the next walk tries them again.
const maxFailuresInARow = 3

/**
 * Fetches the pulses that the cursor asks for, one by one and whatever their age. What fails is a problem and
 * stays in the cursor, behind the others.
 */
export async function fetchPulses(walk: Walk): Promise<void> {
  const { intake, settings, sourceId } = walk
  const { fetch = [] } = await readWalkCursor(intake.db, sourceId)
  const change = (to: (cursor: WalkCursor) => WalkCursor) =>
    writeInTurn(intake, (trx) => changeCursor(trx, sourceId, to))
  let failures = 0
  for (const id of fetch) {
    if (failures === maxFailuresInARow) return
    try {
      const json = await settings.client.findPulse(id, settings.signal)
      if (json === undefined) {
        await change((cursor) => without(cursor, id))
        continue
      }
      const read = readPulses(walk, { results: [json], offset: 0 })
      await takeInPulses(walk, read, (trx) =>
        changeCursor(trx, sourceId, (cursor) => without(cursor, id)),
      )
      failures = 0
    } catch (error) {
      if (error instanceof UpstreamError && error.code === 'OTX_BODY_TOO_LARGE') {
        const rejections = [tooLargeRecord(`pulse ${id}`, error)]
        await takeInPulses(walk, { reports: [], rejections, newest: undefined }, (trx) =>
          changeCursor(trx, sourceId, (cursor) => without(cursor, id)),
        )
        continue
      }
      noteProblem(walk, `pulse ${id}`, error)
      failures += 1
      await change((cursor) => ({ ...cursor, fetch: [...(without(cursor, id).fetch ?? []), id] }))
    }
    settings.signal?.throwIfAborted()
  }
}

function without({ fetch = [], ...rest }: WalkCursor, id: string): WalkCursor {
  const others = fetch.filter((other) => other !== id)
  return others.length > 0 ? { ...rest, fetch: others } : rest
}
