import { sql } from 'kysely'
import type { Collection } from '../model/collection.ts'
import type { ReportView } from '../model/report-view.ts'
import type { Db } from './db.ts'
import { type Permit, readChosenPermits } from './permits.ts'
import type { ReportDetails } from './tables.ts'

/** A chunk of a report with those of its members of which a collection permits what the report says. */
export interface ChunkWithPermits {
  readonly chunkId: number
  /** what its packages begin with */
  readonly header: Omit<ReportView, 'indicators'>
  /** by type and value, whatever the order in which they came in */
  readonly permitted: readonly Permit[]
}

/** Reads what each of the collections may show of these chunks, in the order given; one with nothing is left out. */
export async function readChunks(
  db: Db,
  chunkIds: readonly number[],
  collections: readonly Collection[],
  now: Date,
): Promise<readonly ChunkWithPermits[]> {
  if (chunkIds.length === 0 || collections.length === 0) return []
  const chosen = {
    from: sql`chunk_members m join assertions a
      on a.report_id = m.report_id and a.indicator_id = m.indicator_id`,
    where: sql`m.chunk_id = any(${chunkIds}::bigint[])`,
    subject: sql<number>`m.chunk_id`,
  }
  const permits = await readChosenPermits(db, chosen, collections, now)
  const byChunk = Map.groupBy(permits, ({ subject }) => subject)
  const headers = await readHeaders(db, [...byChunk.keys()])
  return chunkIds.flatMap((chunkId) => {
    const permitted = byChunk.get(chunkId)?.sort(byObservable)
    const header = headers.get(chunkId)
    return permitted && header ? [{ chunkId, header, permitted }] : []
  })
}

async function readHeaders(db: Db, chunkIds: readonly number[]) {
  const { rows } = await sql<HeaderRow>`
    select c.id, c.number, s.name as source, r.external_id, r.name, r.description, r.author, r.refs, r.tags,
      r.details
    from chunks c join reports r on r.id = c.report_id join sources s on s.id = r.source_id
    where c.id = any(${chunkIds}::bigint[])`.execute(db)
  return new Map(
    rows.map(({ id, number, source, external_id, refs, details, ...report }) => [
      id,
      {
        source,
        externalId: external_id,
        name: report.name,
        description: report.description,
        author: report.author,
        references: refs,
        tags: report.tags,
        adversary: details.adversary,
        malwareFamilies: details.malwareFamilies,
        attackIds: details.attackIds,
        chunk: number,
      },
    ]),
  )
}

interface HeaderRow {
  id: number
  number: number
  source: string
  external_id: string
  name: string
  description: string
  author: string
  refs: string[]
  tags: string[]
  details: ReportDetails
}

function byObservable(a: Permit, b: Permit): number {
  return compare(a.type, b.type) || compare(a.value, b.value)
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
