import { upsertIndicators, writeAssertions } from '../store/assertions.ts'
import { readStoredClaims, type StoredClaim } from '../store/claims.ts'
import type { Db } from '../store/db.ts'
import { claimOf, isBetterClaim, type JudgedAssertion } from './judge-report.ts'

/** Assertions of one report, of which no two are of one observable. */
export interface JudgedPiece {
  readonly sourceId: number
  readonly report: { readonly id: number; readonly version: number }
  readonly judged: readonly JudgedAssertion[]
  /**
   * What becomes of claims that this version or an earlier one has made:
   * `replace`: this one replaces them;
   * `best of version`: of those of this version the better one stays;
   * `leave refuted`: what the source has called a false positive stays so, until it is heard again
   */
  readonly meets: 'replace' | 'best of version' | 'leave refuted'
}

/** @returns the ids of the indicators spoken of */
export async function storeJudged(
  db: Db,
  pieces: readonly JudgedPiece[],
  now: Date,
): Promise<readonly number[]> {
  const all = pieces.flatMap((piece) => piece.judged)
  if (all.length === 0) return []
  const ids = await upsertIndicators(db, all)
  const rows = []
  let from = 0
  for (const piece of pieces) {
    const own = ids.slice(from, from + piece.judged.length)
    from += piece.judged.length
    const stays = await findStaying(db, piece, own)
    for (const [index, one] of piece.judged.entries()) {
      const indicatorId = own[index] as number
      if (stays(indicatorId, one)) continue
      rows.push({
        ...one.columns,
        indicatorId,
        sourceId: piece.sourceId,
        reportId: piece.report.id,
        reportVersion: piece.report.version,
      })
    }
  }
  await writeAssertions(db, rows, now)
  return ids
}

/** @returns whether what is stored already stays as it is */
async function findStaying(
  db: Db,
  { report, meets }: JudgedPiece,
  indicatorIds: readonly number[],
): Promise<(indicatorId: number, one: JudgedAssertion) => boolean> {
  if (meets === 'replace') return () => false
  const claims = await readStoredClaims(db, report.id, indicatorIds)
  const stays = (claim: StoredClaim, one: JudgedAssertion) =>
    meets === 'leave refuted'
      ? claim.refuted
      : claim.reportVersion === report.version && !isBetterClaim(claimOf(one), claim)
  return (indicatorId, one) => {
    const claim = claims.get(indicatorId)
    return claim !== undefined && stays(claim, one)
  }
}
