import { writeInTurn } from '../intake/intake.ts'
import { removeReports } from '../intake/remove-reports.ts'
import { takeInPage } from '../intake/take-in-page.ts'
import { UpstreamError } from '../model/errors.ts'
import { indicatorsToAssertions } from '../sources/otx/pulse.ts'
import {
  findReportInPages,
  type ReportInPages,
  readUnfinishedIds,
  saveReading,
} from '../store/readings.ts'
import { sizeToGoOnWith, stepOver } from './step-over.ts'
import {
  beforeTakeIn,
  noteProblem,
  pulseOptions,
  tellProgress,
  tooLargeRecord,
  type Walk,
} from './walk.ts'
import { shiftingList } from './walk-list.ts'

// When so many fail one after the other, it is OTX and not they; the next walk tries them again.
const maxFailuresInARow = 3
const maxReadings = 4

/**
 * Reads the indicators of pulses that OTX sent in part, page by page in bounded memory, each page saved with
 * the place behind it. What fails is a problem; the next walk goes on there, after the others.
 */
export async function finishPulses(walk: Walk): Promise<void> {
  const { intake, settings, sourceId } = walk
  let failures = 0
  for (const id of await readUnfinishedIds(intake.db, sourceId)) {
    if (failures === maxFailuresInARow) return
    try {
      await finishPulse(walk, id)
      failures = 0
    } catch (error) {
      noteProblem(walk, `the indicators of pulse ${id}`, error)
      failures += 1
      await changeReading(walk, id, (reading) => ({ ...reading, failures: reading.failures + 1 }))
    }
    settings.signal?.throwIfAborted()
  }
}

async function finishPulse(walk: Walk, id: string): Promise<void> {
  const { intake, sourceId } = walk
  for (let reading = 1; reading <= maxReadings; reading += 1) {
    const stored = await findReportInPages(intake.db, sourceId, id)
    if (!stored) return
    const ending = await readIndicators(walk, stored)
    if (ending === 'whole') return
    if (ending === 'deleted') {
      walk.seen.gone += await removeReports(intake, sourceId, [id], ending, tellProgress(walk))
      return
    }
    await changeReading(walk, id, ({ digest, failures }) => ({
      digest,
      failures,
      begun: false,
      offset: 0,
    }))
  }
  throw shiftingList()
}

/** @returns `shrunk` when an indicator may have been passed over */
async function readIndicators(
  walk: Walk,
  { report, reading }: ReportInPages,
): Promise<'whole' | 'shrunk' | 'deleted'> {
  const { intake, settings, sourceId } = walk
  const { externalId } = report
  const place = `pulse ${externalId}`
  let { count, pageSize } = reading
  const pages = stepOver(
    (from) =>
      settings.client.indicatorPages(externalId, {
        ...from,
        ...(settings.signal && { signal: settings.signal }),
      }),
    { offset: reading.offset, ...(pageSize !== undefined && { pageSize }) },
  )
  try {
    for await (const page of pages) {
      if (count !== undefined && page.count !== undefined && page.count < count) return 'shrunk'
      count = page.count ?? count
      pageSize = sizeToGoOnWith(page, pageSize)
      const read = indicatorsToAssertions(page.results, report, {
        ...pulseOptions(walk, place),
        place,
      })
      const tooLarge = page.tooLarge
        ? [tooLargeRecord(`${place}, indicators[${page.offset}]`, page.tooLarge)]
        : []
      const awaited = await takeInPage(
        intake,
        {
          sourceId,
          externalId,
          assertions: read.assertions,
          rejections: [...read.rejections, ...tooLarge],
          next:
            page.nextOffset === undefined
              ? undefined
              : {
                  offset: page.nextOffset,
                  pageSize,
                  ...(count !== undefined && { count }),
                },
          before: beforeTakeIn(walk, [{ report }]),
        },
        tellProgress(walk),
      )
      if (!awaited) return 'whole'
      settings.signal?.throwIfAborted()
    }
    return 'whole'
  } catch (error) {
    if (!(error instanceof UpstreamError)) throw error
    if (error.code === 'OTX_NOT_FOUND') return 'deleted'
    if (error.code === 'OTX_NO_SUCH_PAGE') return 'shrunk'
    throw error
  }
}

async function changeReading(
  { intake, sourceId }: Walk,
  id: string,
  change: (reading: ReportInPages['reading']) => ReportInPages['reading'],
): Promise<void> {
  await writeInTurn(intake, async (trx) => {
    const stored = await findReportInPages(trx, sourceId, id)
    if (stored) await saveReading(trx, stored.id, change(stored.reading))
  })
}
