import type { Assertion } from '../model/assertion.ts'
import type { Rejection } from '../model/report.ts'
import { isSuppressedBy } from '../store/assertions.ts'
import type { Db } from '../store/db.ts'
import { readJudgingVersion } from '../store/judging.ts'
import {
  beginVersion,
  findReportInPages,
  type Reading,
  type ReportInPages,
  saveReading,
} from '../store/readings.ts'
import { writeRejections } from '../store/rejections.ts'
import { getSourceName } from '../store/sources.ts'
import { type Intake, writeInTurn } from './intake.ts'
import { judgeReport } from './judge-report.ts'
import { packPieces } from './pieces.ts'
import { publishTouched } from './publish-touched.ts'
import { storeJudged } from './store-judged.ts'
import { type EndingReport, endReports, nothingTakenIn, type TakenIn } from './take-in.ts'

/** A page of a report that `takeIn` was told comes in pages. */
export interface ReportPage {
  readonly sourceId: number
  readonly externalId: string
  readonly assertions: readonly Assertion[]
  readonly rejections: readonly Rejection[]
  /** where the reading goes on; undefined: this page is the last */
  readonly next: Pick<Reading, 'offset' | 'pageSize' | 'count'> | undefined
  /** behind the intake lock, in each transaction, before anything is written in it */
  readonly before?: (trx: Db) => Promise<void>
}

/**
 * Takes in one page of a report. Pages of one reading may speak of the same observable: the better claim
 * stays, whichever comes first. With the last page what older versions asserted is retracted, and the
 * report is whole. A page that comes a second time, after a crash in the middle too, changes only what is
 * missing.
 * @returns false when no page of this report is awaited any more
 */
export async function takeInPage(
  intake: Intake,
  page: ReportPage,
  onProgress: (done: TakenIn) => void = () => {},
): Promise<boolean> {
  for (;;) {
    const outcome = await takeInPageOnce(intake, page, onProgress)
    if (outcome !== 'judging changed') return outcome === 'done'
  }
}

async function takeInPageOnce(
  intake: Intake,
  page: ReportPage,
  onProgress: (done: TakenIn) => void,
): Promise<'done' | 'not awaited' | 'judging changed'> {
  const { db, clock } = intake
  const { sourceId, externalId } = page
  const judging = await intake.readJudging(db)
  const source = await getSourceName(db, sourceId)
  const awaiting = await findReportInPages(db, sourceId, externalId)
  if (!awaiting) return 'not awaited'
  const batches = packPieces([page], ({ assertions }) =>
    judgeReport({ ...awaiting.report, source }, assertions, clock(), judging.judge),
  )
  let rejections = page.rejections
  let begun = false
  let ending: readonly EndingReport[] = []
  for (let next = batches.next(), last = false; !last || ending.length > 0; ) {
    const judged = last || next.done ? [] : next.value.flatMap((piece) => piece.judged)
    if (!last) next = batches.next()
    last = next.done === true
    const done = await writeInTurn(intake, async (trx, now) => {
      if ((await readJudgingVersion(trx)) !== judging.version) return 'judging changed'
      await page.before?.(trx)
      const stored = await findReportInPages(trx, sourceId, externalId)
      if (!stored) return 'not awaited'
      const report = await beginReading(trx, stored)
      const touched = await storeJudged(
        trx,
        [{ sourceId, report, judged, meets: 'best of version' }],
        now,
      )
      await writeRejections(trx, sourceId, rejections, now)
      const whole = last && !page.next
      const ended = whole ? await endReports(trx, [report], now) : notYet
      if (last && page.next) {
        // It goes on: what has failed before does not count any more.
        await saveReading(trx, report.id, { ...report.reading, ...page.next, failures: 0 })
      }
      ending = ended.left
      return {
        ...nothingTakenIn,
        reports: ended.completed,
        assertions: judged.length,
        suppressed: judged.filter(({ columns }) => isSuppressedBy(columns.suppressions)).length,
        rejected: rejections.length,
        ...(await publishTouched(intake, trx, [...touched, ...ended.touched], now, [report.id])),
      }
    })
    if (typeof done === 'string') return begun ? 'judging changed' : done
    begun = true
    rejections = []
    onProgress(done)
  }
  return 'done'
}

const notYet = { touched: [], completed: 0, left: [] } as const

/** Each reading is a version of its own, so that what it does not hold is retracted in the end. */
async function beginReading(trx: Db, stored: ReportInPages) {
  const { id, reading } = stored
  if (reading.begun) return { id, version: stored.version, digest: reading.digest, reading }
  const begun: Reading = { ...reading, begun: true }
  await saveReading(trx, id, begun)
  return { id, version: await beginVersion(trx, id), digest: reading.digest, reading: begun }
}
