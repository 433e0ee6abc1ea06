import { createHash } from 'node:crypto'
import type { Rejection, ReportWithAssertions } from '../model/report.ts'
import { isSuppressedBy } from '../store/assertions.ts'
import type { Db } from '../store/db.ts'
import { readJudgingVersion } from '../store/judging.ts'
import { saveReading } from '../store/readings.ts'
import { writeRejections } from '../store/rejections.ts'
import {
  completeReport,
  getReportVersion,
  readKnownReports,
  writeReport,
} from '../store/reports.ts'
import { retractAssertions } from '../store/retractions.ts'
import { getSourceName, saveCursor } from '../store/sources.ts'
import { type Intake, writeInTurn } from './intake.ts'
import { judgeReport } from './judge-report.ts'
import { batchAssertions, type Piece, packPieces } from './pieces.ts'
import { publishTouched } from './publish-touched.ts'
import { storeJudged } from './store-judged.ts'

// Part of every report's digest: raise it when normal forms change, and what is already stored is taken in
// anew when its source sends it.
const normalFormVersion = 1

export interface IncomingReport extends ReportWithAssertions {
  /**
   * true: the source has more of it, or has to be asked for it all, page by page (`takeInPage`). Until the
   * last page nothing is retracted that an older version asserted.
   */
  readonly comesInPages?: boolean
}

export interface TakeInRequest {
  readonly sourceId: number
  readonly reports: readonly IncomingReport[]
  /** whole reports that could not be read; those of single assertions stand in their report */
  readonly rejections: readonly Rejection[]
  /** the source's cursor once all of this is stored; undefined: unchanged */
  readonly cursor?: unknown
  /** behind the intake lock, in each transaction, before anything is written in it */
  readonly before?: (trx: Db) => Promise<void>
  /** in the transaction that stores the last of it: saves what has been passed */
  readonly passed?: (trx: Db) => Promise<void>
}

export interface TakenIn {
  /** stored whole */
  readonly reports: number
  readonly unchangedReports: number
  readonly assertions: number
  readonly suppressed: number
  readonly rejected: number
  readonly published: number
  readonly withdrawn: number
}

/** What a transaction did of which no more is to be told. */
export const nothingTakenIn: TakenIn = Object.freeze({
  reports: 0,
  unchangedReports: 0,
  assertions: 0,
  suppressed: 0,
  rejected: 0,
  published: 0,
  withdrawn: 0,
})

/**
 * Takes reports in: judges them, stores them and publishes what survives. Each transaction leaves a store
 * that is right in itself, and taking the same reports in again, after a crash in the middle too, changes
 * only what is missing.
 * @param onProgress called after each commit with what was done in it
 */
export async function takeIn(
  intake: Intake,
  request: TakeInRequest,
  onProgress: (done: TakenIn) => void = () => {},
): Promise<void> {
  // What has been stored whole until then is passed over, so that each try has less to do.
  while ((await takeInOnce(intake, request, onProgress)) === 'judging changed');
}

async function takeInOnce(
  intake: Intake,
  request: TakeInRequest,
  onProgress: (done: TakenIn) => void,
): Promise<'done' | 'judging changed'> {
  const { db, clock } = intake
  const judging = await intake.readJudging(db)
  const { sourceId, reports } = request
  const source = await getSourceName(db, sourceId)
  const known = await readKnownReports(
    db,
    sourceId,
    reports.map(({ report }) => report.externalId),
  )
  const changed = newestOfEach(reports)
    .map((one) => ({ ...one, digest: reportDigest(one) }))
    .filter(({ report, digest }) => {
      const stored = known.get(report.externalId)
      return stored?.digest !== digest && stored?.readingDigest !== digest
    })
  // Each judged whole, when its turn comes: what a report says twice is to be one assertion, wherever its
  // pieces are cut.
  const batches = packPieces(changed, ({ report, assertions }) =>
    judgeReport({ ...report, source }, assertions, clock(), judging.judge),
  )
  let unchangedReports = reports.length - changed.length
  let rejections = request.rejections
  for (let next = batches.next(), last = false; !last; ) {
    const batch = next.done ? [] : next.value
    next = batches.next()
    last = next.done === true
    const outcome = await takeInBatch(
      intake,
      { request, batch, rejections, last, judgingVersion: judging.version },
      (done) => {
        onProgress({ ...done, unchangedReports })
        unchangedReports = 0
        rejections = []
      },
    )
    if (outcome === 'judging changed') return outcome
  }
  return 'done'
}

interface Batch {
  readonly request: TakeInRequest
  readonly batch: readonly Piece<IncomingReport & { readonly digest: string }>[]
  readonly rejections: readonly Rejection[]
  /** of its request */
  readonly last: boolean
  readonly judgingVersion: number
}

/** Stores the pieces in one transaction; a report that retracts very much takes further ones to its end. */
async function takeInBatch(
  intake: Intake,
  { request, batch, rejections, last, judgingVersion }: Batch,
  onProgress: (done: TakenIn) => void,
): Promise<'done' | 'judging changed'> {
  const { sourceId } = request
  let begun = false
  let ending: readonly EndingReport[] = []
  do {
    const outcome = await writeInTurn(intake, async (trx, now) => {
      // Those who judge anew what is stored may have passed these indicators already.
      if ((await readJudgingVersion(trx)) !== judgingVersion) return undefined
      await request.before?.(trx)
      const stored = begun ? nothingStored : await storePieces(trx, sourceId, batch, now)
      const rejected = begun
        ? []
        : [...rejections, ...batch.flatMap((piece) => (piece.first ? piece.of.rejections : []))]
      await writeRejections(trx, sourceId, rejected, now)
      const ended = await endReports(trx, begun ? ending : stored.ending, now)
      if (last && ended.left.length === 0) {
        if (request.cursor !== undefined) await saveCursor(trx, sourceId, request.cursor)
        await request.passed?.(trx)
      }
      const judged = begun ? [] : batch.flatMap((piece) => piece.judged)
      const done: TakenIn = {
        ...nothingTakenIn,
        reports: ended.completed,
        assertions: judged.length,
        suppressed: judged.filter(({ columns }) => isSuppressedBy(columns.suppressions)).length,
        rejected: rejected.length,
        ...(await publishTouched(intake, trx, [...stored.touched, ...ended.touched], now, [
          ...stored.reportIds,
          ...ending.map(({ id }) => id),
        ])),
      }
      return { done, left: ended.left }
    })
    if (!outcome) return 'judging changed'
    begun = true
    ending = outcome.left
    onProgress(outcome.done)
  } while (ending.length > 0)
  return 'done'
}

const nothingStored = { touched: [], reportIds: [], ending: [] } as const

async function storePieces(trx: Db, sourceId: number, batch: Batch['batch'], now: Date) {
  const pieces = []
  const ending: EndingReport[] = []
  for (const { of, judged, first, final } of batch) {
    const report = first
      ? await writeReport(trx, sourceId, of.report)
      : await getReportVersion(trx, sourceId, of.report.externalId)
    const meets = of.comesInPages ? ('leave refuted' as const) : ('replace' as const)
    pieces.push({ sourceId, report, judged, meets })
    if (!final) continue
    if (!of.comesInPages) ending.push({ ...report, digest: of.digest })
    else await saveReading(trx, report.id, { ...unread, digest: of.digest })
  }
  const reportIds = pieces.map(({ report }) => report.id)
  return { touched: await storeJudged(trx, pieces, now), reportIds, ending }
}

const unread = { begun: false, offset: 0, failures: 0 } as const

/** A report all of whose assertions are stored. */
export interface EndingReport {
  readonly id: number
  readonly version: number
  readonly digest: string
}

/** Retracts what older versions asserted, as much as a transaction may, and makes whole what is then done. */
export async function endReports(trx: Db, reports: readonly EndingReport[], now: Date) {
  const touched: number[] = []
  let completed = 0
  for (const [index, report] of reports.entries()) {
    const room = batchAssertions - touched.length
    const retracted =
      report.version > 1 ? await retractAssertions(trx, report, retraction, now, room) : []
    for (const id of retracted) touched.push(id)
    if (retracted.length === room) return { touched, completed, left: reports.slice(index) }
    await completeReport(trx, report.id, report.digest)
    completed += 1
  }
  return { touched, completed, left: [] }
}

const retraction = {
  reason: 'retracted',
  detail: 'the newest version of the report does not hold it any more',
  rule: 'report:revision',
} as const

/** A page may hold a report twice, but one statement cannot write a row twice. */
function newestOfEach(reports: readonly IncomingReport[]): readonly IncomingReport[] {
  const newest = new Map<string, IncomingReport>()
  for (const one of reports) {
    const other = newest.get(one.report.externalId)
    if (!other || other.report.modified <= one.report.modified) {
      newest.set(one.report.externalId, one)
    }
  }
  return [...newest.values()]
}

function reportDigest({ report, assertions, comesInPages = false }: IncomingReport): string {
  const contents = [normalFormVersion, report, assertions, ...(comesInPages ? ['in pages'] : [])]
  return createHash('sha256').update(JSON.stringify(contents)).digest('hex')
}
