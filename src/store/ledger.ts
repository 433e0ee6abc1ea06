import { type RawBuilder, sql } from 'kysely'
import type { ContentBinding } from '../model/collection.ts'
import type { PollStatus } from '../model/ledger.ts'
import type { Micros } from '../model/micros.ts'
import { bindingOf } from './collections.ts'
import type { Db } from './db.ts'

/** A poll, or a part of one that was fetched by itself, as the ledger has it. */
export interface LedgerPoll {
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
  readonly limit: number
}

/** The newest first. */
export async function readLedger(
  db: Db,
  { accountId, collectionId, since, limit }: LedgerFilter,
): Promise<readonly LedgerPoll[]> {
  const conditions: RawBuilder<unknown>[] = [sql`true`]
  if (accountId !== undefined) conditions.push(sql`p.account_id = ${accountId}`)
  if (collectionId !== undefined) conditions.push(sql`p.collection_id = ${collectionId}`)
  if (since !== undefined) conditions.push(sql`p.started_at >= ${since}`)
  const { rows } = await sql<LedgerRow>`
    select p.*, a.name as account, c.name as collection
    from polls p left join accounts a on a.id = p.account_id
      left join collections c on c.id = p.collection_id
    where ${sql.join(conditions, sql` and `)}
    order by p.started_at desc, p.id desc limit ${limit}`.execute(db)
  return rows.map((row) => ({
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

interface LedgerRow {
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
