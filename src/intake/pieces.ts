import type { JudgedAssertion } from './judge-report.ts'

/**
 * Of assertions a transaction: some 5 MB of packages and a quarter of a second of work, so that memory is
 * bounded and other writers wait shortly.
 */
export const batchAssertions = 2_500

// A report without indicators takes room too: each costs a few statements.
const leastRoom = 10

/** A run of one report's assertions that fits into a transaction. */
export interface Piece<Report> {
  readonly of: Report
  readonly judged: readonly JudgedAssertion[]
  readonly first: boolean
  readonly final: boolean
}

/** Cuts reports into transactions. Each is judged only when its turn has come, so that few are in memory. */
export function* packPieces<Report>(
  reports: readonly Report[],
  judge: (report: Report) => readonly JudgedAssertion[],
): Generator<readonly Piece<Report>[], undefined, undefined> {
  let batch: Piece<Report>[] = []
  let room = batchAssertions
  for (const report of reports) {
    const judged = judge(report)
    let from = 0
    do {
      const to = Math.min(judged.length, from + room)
      const piece = judged.slice(from, to)
      batch.push({ of: report, judged: piece, first: from === 0, final: to === judged.length })
      room -= Math.max(piece.length, leastRoom)
      from = to
      if (room > 0) continue
      yield batch
      batch = []
      room = batchAssertions
    } while (from < judged.length)
  }
  if (batch.length > 0) yield batch
  return undefined
}
