import { createHash } from 'node:crypto'
import type { Rejection, ReportWithAssertions } from '../model/report.ts'
import { prepareBlocks } from '../publish/prepare.ts'
import { publish } from '../publish/publish.ts'
import {
  isSuppressedBy,
  retractAssertions,
  upsertIndicators,
  writeAssertions,
} from '../store/assertions.ts'
import { readCollections } from '../store/collections.ts'
import type { Db } from '../store/db.ts'
import { readJudgingVersion } from '../store/judging.ts'
import { applyOverrides } from '../store/overrides.ts'
import { writeRejections } from '../store/rejections.ts'
import {
  completeReport,
  getReportVersion,
  readReportDigests,
  writeReport,
} from '../store/reports.ts'
import { getSourceName, saveCursor } from '../store/sources.ts'
import { type Intake, writeInTurn } from './intake.ts'
import { type JudgedAssertion, judgeReport } from './judge-report.ts'

// Of assertions a transaction: some 5 MB of packages and a quarter of a second of work, so that memory is
// bounded and other writers wait shortly.
const batchAssertions = 2_500

// Part of every report's digest: raise it when normal forms change, and what is already stored is taken in
// anew when its source sends it.
const normalFormVersion = 1

export interface TakeInRequest {
  readonly sourceId: number
  readonly reports: readonly ReportWithAssertions[]
  /** whole reports that could not be read; those of single assertions stand in their report */
  readonly rejections: readonly Rejection[]
  /** the source's cursor once all of this is stored; undefined: unchanged */
  readonly cursor?: unknown
}

export interface TakenIn {
  readonly reports: number
  readonly unchangedReports: number
  readonly assertions: number
  readonly suppressed: number
  readonly rejected: number
  readonly published: number
  readonly withdrawn: number
}

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
  const { db, producer, clock } = intake
  const judging = await intake.readJudging(db)
  const { sourceId, reports } = request
  const source = await getSourceName(db, sourceId)
  const known = await readReportDigests(
    db,
    sourceId,
    reports.map(({ report }) => report.externalId),
  )
  // Judged whole: what a report says twice is to be one assertion, wherever its pieces are cut.
  const changed = newestOfEach(reports)
    .map((one) => ({ ...one, digest: reportDigest(one) }))
    .filter(({ report, digest }) => known.get(report.externalId) !== digest)
    .map(({ report, assertions, rejections, digest }) => {
      const judged = judgeReport({ ...report, source }, assertions, clock(), judging.judge)
      return { report, judged, rejections, digest }
    })
  const batches = packPieces(changed)
  const last = batches.at(-1) ?? []
  let unchangedReports = reports.length - changed.length
  let rejections = request.rejections
  for (const batch of batches.length > 0 ? batches : [last]) {
    const done = await writeInTurn(intake, async (trx, now) => {
      // Those who judge anew what is stored may have passed these indicators already.
      if ((await readJudgingVersion(trx)) !== judging.version) return undefined
      const pieces: StoredPiece[] = []
      const rejected = [...rejections]
      for (const piece of batch) {
        const { report, first } = piece
        const stored = first
          ? await writeReport(trx, sourceId, report)
          : await getReportVersion(trx, sourceId, report.externalId)
        pieces.push({ piece, stored })
        if (first) rejected.push(...piece.rejections)
      }
      const touched = new Set(await storeJudged(trx, sourceId, pieces, now))
      for (const { piece, stored } of pieces) {
        if (!piece.final) continue
        if (stored.version > 1) {
          const retracted = await retractAssertions(trx, stored, retraction, now)
          for (const id of retracted) touched.add(id)
        }
        await completeReport(trx, stored.id, piece.digest)
      }
      await applyOverrides(trx, [...touched], now)
      const judged = batch.flatMap((piece) => piece.judged)
      await writeRejections(trx, sourceId, rejected, now)
      if (batch === last && request.cursor !== undefined) {
        await saveCursor(trx, sourceId, request.cursor)
      }
      const collections = await readCollections(trx)
      const prepared = await prepareBlocks(trx, [...touched], collections, producer, now)
      return {
        reports: batch.filter((piece) => piece.final).length,
        unchangedReports,
        assertions: judged.length,
        suppressed: judged.filter(({ columns }) => isSuppressedBy(columns.suppressions)).length,
        rejected: rejected.length,
        published: await publish(trx, prepared),
        withdrawn: prepared.withdrawn,
      }
    })
    if (!done) return 'judging changed'
    unchangedReports = 0
    rejections = []
    onProgress(done)
  }
  return 'done'
}

const retraction = {
  reason: 'retracted',
  detail: 'the newest version of the report does not hold it any more',
  rule: 'report:revision',
} as const

/** A page may hold a report twice, but one statement cannot write a row twice. */
function newestOfEach(reports: readonly ReportWithAssertions[]): readonly ReportWithAssertions[] {
  const newest = new Map<string, ReportWithAssertions>()
  for (const one of reports) {
    const other = newest.get(one.report.externalId)
    if (!other || other.report.modified <= one.report.modified) {
      newest.set(one.report.externalId, one)
    }
  }
  return [...newest.values()]
}

interface JudgedReport extends Pick<ReportWithAssertions, 'report' | 'rejections'> {
  readonly judged: readonly JudgedAssertion[]
  readonly digest: string
}

/** A run of one report's assertions that fits into a transaction. */
interface Piece extends JudgedReport {
  readonly first: boolean
  readonly final: boolean
}

function packPieces(reports: readonly JudgedReport[]): Piece[][] {
  const batches: Piece[][] = []
  let room = 0
  for (const report of reports) {
    const total = report.judged.length
    let from = 0
    do {
      if (room === 0) {
        batches.push([])
        room = batchAssertions
      }
      const to = Math.min(total, from + room)
      batches.at(-1)?.push({
        ...report,
        judged: report.judged.slice(from, to),
        first: from === 0,
        final: to === total,
      })
      // A report without indicators takes room too: each costs a few statements.
      room = Math.max(0, room - Math.max(to - from, 10))
      from = to
    } while (from < total)
  }
  return batches
}

interface StoredPiece {
  readonly piece: Piece
  readonly stored: { readonly id: number; readonly version: number }
}

/** @returns the ids of the indicators spoken of */
async function storeJudged(
  db: Db,
  sourceId: number,
  pieces: readonly StoredPiece[],
  now: Date,
): Promise<readonly number[]> {
  const all = pieces.flatMap(({ stored, piece }) => piece.judged.map((one) => ({ stored, one })))
  if (all.length === 0) return []
  const ids = await upsertIndicators(
    db,
    all.map(({ one }) => one),
  )
  const rows = all.map(({ stored, one }, index) => ({
    ...one.columns,
    indicatorId: ids[index] as number,
    sourceId,
    reportId: stored.id,
    reportVersion: stored.version,
  }))
  await writeAssertions(db, rows, now)
  return ids
}

function reportDigest({ report, assertions }: ReportWithAssertions): string {
  return createHash('sha256')
    .update(JSON.stringify([normalFormVersion, report, assertions]))
    .digest('hex')
}
