import { type Intake, writeInTurn } from '../intake/intake.ts'
import { type TakenIn, takeIn } from '../intake/take-in.ts'
import { UpstreamError } from '../model/errors.ts'
import type { Rejection } from '../model/report.ts'
import type { Tlp } from '../model/tlp.ts'
import type { OtxClient } from '../sources/otx/client.ts'
import { isRejection, type PulseReport, pulseToReport } from '../sources/otx/pulse.ts'
import { getSourceId, readCursor, saveCursor } from '../store/sources.ts'

export interface OtxWalkSettings {
  readonly client: OtxClient
  /** for pulses that name no level */
  readonly defaultTlp: Tlp
  readonly confidence: number
  readonly signal?: AbortSignal
  readonly onProgress?: (progress: OtxWalkProgress) => void
}

export interface OtxWalkProgress extends TakenIn {
  /** pulses that the walk has in all, where OTX says so */
  readonly totalPulses: number | undefined
  /** seen so far in this walk */
  readonly pulses: number
}

/** What is kept of walks between them, as it stands in the source's cursor. */
interface Cursor {
  /** the newest `modified` of the last whole walk */
  readonly watermark?: string
  /** of the walk under way: the newest `modified` met and the next page */
  readonly walk?: { readonly newest?: string; readonly nextPage: number }
}

// OTX's clock and its index lag behind each other; what is met twice costs a digest.
const overlapMs = 3_600_000

/**
 * Walks OTX's subscribed pulses from where the last whole walk ended and takes them in, each page with the
 * cursor that passes it. A walk that was cut short goes on at its saved page; the watermark moves only at
 * the end of a whole walk.
 * @throws UpstreamError when OTX does not answer; what came before it is kept
 * @throws what the intake's fence rejects with, when another process walks now
 */
export async function walkOtx(intake: Intake, settings: OtxWalkSettings): Promise<void> {
  // Read in turn: behind the intake lock no transaction of a former walker is under way any more, and the
  // fence lets none begin. So nobody but this walk moves what it reads from here on.
  const { sourceId, cursor } = await writeInTurn(intake, async (trx) => {
    const id = await getSourceId(trx, 'otx')
    return { sourceId: id, cursor: (await readCursor(trx, id)) as Cursor }
  })
  try {
    await walkFrom(intake, settings, sourceId, cursor)
  } catch (error) {
    // The saved page may be one that OTX has no more; the next walk begins at the first.
    if (cursor.walk && error instanceof UpstreamError && !error.retryable) {
      await writeInTurn(intake, async (trx) => {
        const { walk: _, ...start } = (await readCursor(trx, sourceId)) as Cursor
        await saveCursor(trx, sourceId, start)
      })
    }
    throw error
  }
}

async function walkFrom(
  intake: Intake,
  settings: OtxWalkSettings,
  sourceId: number,
  { watermark, walk }: Cursor,
): Promise<void> {
  const { client, defaultTlp, confidence, signal, onProgress = () => {} } = settings
  let newest = walk?.newest ?? watermark
  let pulses = 0
  const pages = client.subscribedPages({
    ...(watermark && { modifiedSince: new Date(Date.parse(watermark) - overlapMs) }),
    ...(walk && { page: walk.nextPage }),
    ...(signal && { signal }),
  })
  for await (const { page, results, count, next } of pages) {
    const reports: PulseReport[] = []
    const rejections: Rejection[] = []
    for (const [index, json] of results.entries()) {
      const place = `page ${page}, pulse ${index + 1}`
      const read = pulseToReport(json, { defaultTlp, confidence, now: intake.clock(), place })
      if (isRejection(read)) {
        rejections.push(read)
        continue
      }
      reports.push(read)
      if (read.moreIndicators) rejections.push(leftOut(read))
      const modified = read.report.modified.toISOString()
      if (!newest || modified > newest) newest = modified
    }
    pulses += results.length
    const whole: Cursor = { ...(newest && { watermark: newest }) }
    const halfway: Cursor = {
      ...(watermark && { watermark }),
      walk: { ...(newest && { newest }), nextPage: page + 1 },
    }
    const cursor = next === undefined ? whole : halfway
    await takeIn(intake, { sourceId, reports, rejections, cursor }, (done) =>
      onProgress({ ...done, totalPulses: count, pulses }),
    )
    signal?.throwIfAborted()
  }
}

/** What OTX left out of a pulse is not fetched, and must not be missed in silence. */
function leftOut({ report }: PulseReport): Rejection {
  return {
    place: `pulse ${report.externalId}`,
    reason: 'more-indicators',
    detail: 'OTX has more indicators of this pulse than it sends with it',
  }
}
