import { sql } from 'kysely'
import type { Db } from './db.ts'

/** What is stored of an assertion, as far as it decides which of two claims of one report stays. */
export interface StoredClaim {
  readonly reportVersion: number
  readonly survives: boolean
  readonly endsAt: Date | undefined
  readonly refuted: boolean
}

/** What a report already asserts of these indicators, by their ids. */
export async function readStoredClaims(
  db: Db,
  reportId: number,
  indicatorIds: readonly number[],
): Promise<ReadonlyMap<number, StoredClaim>> {
  const { rows } = await sql<{
    indicator_id: number
    report_version: number
    survives: boolean
    ends_at: Date | null
    refuted: boolean
  }>`
    select indicator_id, report_version, ends_at, refuted,
      not exists (select from suppressions x where x.assertion_id = a.id and x.counts) as survives
    from assertions a
    where report_id = ${reportId} and indicator_id = any(${indicatorIds}::bigint[])`.execute(db)
  return new Map(
    rows.map((row) => [
      row.indicator_id,
      {
        reportVersion: row.report_version,
        survives: row.survives,
        endsAt: row.ends_at ?? undefined,
        refuted: row.refuted,
      },
    ]),
  )
}
