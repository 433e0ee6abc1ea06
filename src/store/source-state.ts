import { sql } from 'kysely'
import { SourceNotFound } from '../model/errors.ts'
import type { SourceState } from '../model/source-state.ts'
import type { Db } from './db.ts'

export interface StoredSource {
  readonly id: number
  readonly name: string
  readonly state: SourceState
  /** what the source had changed up to then has been taken in */
  readonly watermark: Date | undefined
  /** how far the walk under way, or that was broken off, has come in the source's list */
  readonly place: SourcePlace | undefined
  /** reports that are in the store without all that they hold */
  readonly unfinished: number
  /** the process that walks it now */
  readonly walker: string | undefined
}

export interface SourcePlace {
  /** records passed */
  readonly passed: number
  /** of how many, where the source says so */
  readonly total: number | undefined
}

/** All sources, by name. */
export async function readSources(db: Db): Promise<readonly StoredSource[]> {
  // Whoever walks a source has the lease of the source's name.
  const { rows } = await sql<SourceRow>`
    select s.id, s.name, s.state, s.cursor->>'watermark' as watermark,
      s.cursor->'walk'->'offset' as passed, s.cursor->'walk'->'count' as total, l.holder as walker,
      (select count(*) from reports r
        where r.source_id = s.id and r.reading is not null)::integer as unfinished
    from sources s left join leases l
      on l.name = s.name and l.holder is not null and l.expires_at > clock_timestamp()
    order by s.name`.execute(db)
  return rows.map(({ id, name, state, watermark, passed, total, unfinished, walker }) => ({
    id,
    name,
    state: stateOf(state, walker !== null),
    watermark: dateOf(watermark ?? undefined),
    place: passed === null ? undefined : { passed, total: total ?? undefined },
    unfinished,
    walker: walker ?? undefined,
  }))
}

/** @throws SourceNotFound */
export async function getSource(db: Db, name: string): Promise<StoredSource> {
  const sources = await readSources(db)
  const found = sources.find((source) => source.name === name)
  if (found) return found
  throw new SourceNotFound(
    name,
    sources.map((source) => source.name),
  )
}

/**
 * Writes how the source is. The intake lock is not taken: a state that waits its turn behind seconds of other
 * writing is no news, and it is one row that stands for itself. The state has the writer's fencing token in
 * it instead, and none is ever written over that of a later holder, however long the statement was on its way.
 * @returns false when a later holder of the lease has written already
 */
export async function writeSourceState(
  db: Db,
  sourceId: number,
  token: number,
  state: SourceState,
): Promise<boolean> {
  const { rows } = await sql`
    update sources set state = ${JSON.stringify({ ...state, token })}::jsonb
    where id = ${sourceId} and coalesce((state->>'token')::bigint, 0) <= ${token}::bigint
    returning id`.execute(db)
  return rows.length > 0
}

interface SourceRow {
  id: number
  name: string
  state: unknown
  watermark: string | null
  passed: number | null
  total: number | null
  unfinished: number
  walker: string | null
}

/** As JSON.stringify leaves it: dates are texts, what is undefined is not there. */
interface WrittenState {
  readonly problems?: readonly { readonly code: string; readonly message: string; at: string }[]
  readonly degradedSince?: string
  readonly lastWholeWalkAt?: string
  readonly lastTriedAt?: string
  readonly nextTryAt?: string
  readonly notBefore?: string
  readonly walk?: { readonly since: string; readonly underWay: boolean }
}

/** @param isWalked of a walk whose process was killed nothing else is known */
function stateOf(json: unknown, isWalked: boolean): SourceState {
  const { problems = [], walk, ...written } = json as WrittenState
  return {
    problems: problems.map((one) => ({ ...one, at: new Date(one.at) })),
    degradedSince: dateOf(written.degradedSince),
    lastWholeWalkAt: dateOf(written.lastWholeWalkAt),
    lastTriedAt: dateOf(written.lastTriedAt),
    nextTryAt: dateOf(written.nextTryAt),
    notBefore: dateOf(written.notBefore),
    walk: walk && { since: new Date(walk.since), underWay: walk.underWay && isWalked },
  }
}

function dateOf(text: string | undefined): Date | undefined {
  return text === undefined ? undefined : new Date(text)
}
