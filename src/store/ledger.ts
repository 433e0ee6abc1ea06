import { type RawBuilder, sql } from 'kysely'
import type { Account } from '../model/account.ts'
import type { ContentBinding } from '../model/collection.ts'
import type { PollStatus } from '../model/ledger.ts'
import type { Micros } from '../model/micros.ts'
import { readReadableIds } from './collection-access.ts'
import { bindingOf } from './collections.ts'
import type { Db } from './db.ts'

/** A poll, or a part of one that was fetched by itself, as the ledger has it. */
export interface LedgerPoll {
  readonly id: number
  /** `startedAt` to the microsecond, by which polls are ordered */
  readonly startedMicros: Micros
  readonly startedAt: Date
  /** undefined: an account that is gone */
  readonly account: string | undefined
  readonly address: string
  readonly userAgent: string
  readonly collection: string | undefined
  readonly binding: ContentBinding
  readonly countsOnly: boolean
  readonly askedBegin: Micros | undefined
  readonly askedEnd: Micros | undefined
  /** what was considered; of a result set's first part what the whole set was */
  readonly begin: Micros | undefined
  readonly end: Micros
  readonly resultId: string | undefined
  readonly part: number | undefined
  readonly status: PollStatus
  /** these only once it has ended */
  readonly blocks: number | undefined
  readonly bytes: number | undefined
  readonly durationMs: number | undefined
}

export interface LedgerFilter {
  readonly accountId?: number | undefined
  readonly collectionId?: number | undefined
  /** began at or after */
  readonly since?: Date | undefined
  /** only polls of collections that this account may read */
  readonly reader?: Account | undefined
  /** only those that come after this one, which are older */
  readonly after?: { readonly startedAt: Micros; readonly id: number } | undefined
  readonly limit: number
}

/** The newest first. */
export async function readLedger(db: Db, filter: LedgerFilter): Promise<readonly LedgerPoll[]> {
  const { accountId, collectionId, since, reader, after, limit } = filter
  const conditions: RawBuilder<unknown>[] = [sql`true`]
  if (accountId !== undefined) conditions.push(sql`p.account_id = ${accountId}`)
  if (collectionId !== undefined) conditions.push(sql`p.collection_id = ${collectionId}`)
  if (since !== undefined) conditions.push(sql`p.started_at >= ${since}`)
  // Asked before: the planner then sees how few polls there may be, and does not walk through all of them.
  const readable = reader && (await readReadableIds(db, reader))
  if (readable?.length === 0) return []
  if (readable) conditions.push(sql`p.collection_id = any(${readable}::integer[])`)
  if (after) {
    const startedAt = sql`timestamptz 'epoch' + ${after.startedAt}::bigint * interval '1 microsecond'`
    conditions.push(sql`(p.started_at, p.id) < (${startedAt}, ${after.id}::bigint)`)
  }
  const { rows } = await sql<LedgerRow>`
    select p.*, (extract(epoch from p.started_at) * 1000000)::bigint as started_micros,
      a.name as account, c.name as collection
    from polls p left join accounts a on a.id = p.account_id
      left join collections c on c.id = p.collection_id
    where ${sql.join(conditions, sql` and `)}
    order by p.started_at desc, p.id desc limit ${limit}`.execute(db)
  return rows.map((row) => ({
    id: row.id,
    startedMicros: row.started_micros,
    startedAt: row.started_at,
    account: row.account ?? undefined,
    address: row.address,
    userAgent: row.user_agent,
    collection: row.collection ?? undefined,
    binding: bindingOf(row.binding),
    countsOnly: row.counts_only,
    askedBegin: row.asked_begin ?? undefined,
    askedEnd: row.asked_end ?? undefined,
    begin: row.begin_label ?? undefined,
    end: row.end_label,
    resultId: row.result_id ?? undefined,
    part: row.result_part ?? undefined,
    status: row.status,
    blocks: row.blocks ?? undefined,
    bytes: row.bytes ?? undefined,
    durationMs: row.duration_ms ?? undefined,
  }))
}

/**
 * Finds an account by name for whoever reads the ledger: administrators any, others themselves and those who
 * have polled what they may read.
 */
export async function findPoller(
  db: Db,
  reader: Account,
  name: string,
): Promise<number | undefined> {
  if (name.includes('\0')) return undefined
  const readable = await readReadableIds(db, reader)
  const isKnown = readable
    ? sql`exists (select from polls p
        where p.account_id = a.id and p.collection_id = any(${readable}::integer[]))`
    : sql`true`
  const { rows } = await sql<{ id: number }>`
    select a.id from accounts a
    where a.name = ${name} and (a.id = ${reader.id} or ${isKnown})`.execute(db)
  return rows[0]?.id
}

interface LedgerRow {
  id: number
  started_micros: Micros
  started_at: Date
  account: string | null
  address: string
  user_agent: string
  collection: string | null
  binding: number
  counts_only: boolean
  asked_begin: Micros | null
  asked_end: Micros | null
  begin_label: Micros | null
  end_label: Micros
  result_id: string | null
  result_part: number | null
  status: PollStatus
  blocks: number | null
  bytes: number | null
  duration_ms: number | null
}
