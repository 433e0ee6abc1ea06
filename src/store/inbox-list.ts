import { type RawBuilder, sql } from 'kysely'
import type { Account } from '../model/account.ts'
import { readReadableIds } from './collection-access.ts'
import type { Db } from './db.ts'
import type { InboxOutcome } from './inbox.ts'

/** A content block as it is recorded. */
export interface InboxEntry {
  readonly id: number
  /** SHA-256 of what it holds, in hexadecimal */
  readonly digest: string
  readonly account: string
  readonly messageId: string
  readonly contentBinding: string
  /** about its size */
  readonly bytes: number
  /** collections; of those that the reader may know */
  readonly sentTo: readonly string[]
  /** when it came last */
  readonly receivedAt: Date
  readonly outcome: InboxOutcome
  readonly detail: string
  readonly packageId: string | undefined
  readonly observables: number
  readonly notUnderstood: number
  /** of what is kept of it, as gzip; undefined: nothing is */
  readonly keptBytes: number | undefined
}

export interface InboxFilter {
  /** who asks: others than administrators are told of what they sent themselves, or to what they may read */
  readonly reader: Account
  /** the sender's name */
  readonly account?: string | undefined
  readonly collection?: string | undefined
  readonly outcome?: InboxOutcome | undefined
  /** came at or after */
  readonly since?: Date | undefined
  /** only those of lower ids, which are older */
  readonly before?: number | undefined
  readonly limit: number
}

/** What was sent, by when it came first: the newest first. */
export async function readInboxEntries(
  db: Db,
  filter: InboxFilter,
): Promise<readonly InboxEntry[]> {
  const { account, collection, outcome, since, before } = filter
  const conditions: RawBuilder<unknown>[] = []
  if (account !== undefined) conditions.push(sql`a.name = ${account}`)
  if (outcome !== undefined) conditions.push(sql`b.outcome = ${outcome}`)
  if (since !== undefined) conditions.push(sql`b.received_at >= ${since}`)
  if (before !== undefined) conditions.push(sql`b.id < ${before}::bigint`)
  return select(db, filter.reader, conditions, filter.limit, collection)
}

/** One of them, where the reader may know of it. */
export async function findInboxEntry(
  db: Db,
  reader: Account,
  id: number,
): Promise<InboxEntry | undefined> {
  const [found] = await select(db, reader, [sql`b.id = ${id}::bigint`], 1)
  return found
}

/** @returns gzip; undefined where nothing is kept */
export async function findKeptContent(db: Db, id: number): Promise<Uint8Array | undefined> {
  const row = await db
    .selectFrom('inbox_blocks')
    .select('content')
    .where('id', '=', id)
    .executeTakeFirst()
  return row?.content ?? undefined
}

async function select(
  db: Db,
  reader: Account,
  conditions: readonly RawBuilder<unknown>[],
  limit: number,
  collection?: string,
): Promise<readonly InboxEntry[]> {
  const ids = await readReadableIds(db, reader)
  const readable = ids
    ? sql`array(select name from collections where id = any(${ids}::integer[]))`
    : undefined
  const own = sql`b.account_id = ${reader.id}`
  const mayKnow = readable ? sql`(${own} or b.sent_to && ${readable})` : sql`true`
  const shown = readable
    ? sql`case when ${own} then b.sent_to
        else array(select unnest(b.sent_to) intersect select unnest(${readable}) order by 1) end`
    : sql`b.sent_to`
  // Of what is shown alone: nobody is to find out by asking where else something was sent.
  const to = collection === undefined ? [] : [sql`${collection} = any(${shown})`]
  const where = sql.join([mayKnow, ...conditions, ...to], sql` and `)
  const { rows } = await sql<InboxRow>`
    select b.id, encode(b.digest, 'hex') as digest, a.name as account, b.message_id, b.content_binding,
      b.bytes, ${shown} as sent_to, b.received_at, b.outcome, b.detail, b.package_id, b.observables,
      b.not_understood, octet_length(b.content) as kept_bytes
    from inbox_blocks b join accounts a on a.id = b.account_id
    where ${where} order by b.id desc limit ${limit}`.execute(db)
  return rows.map((row) => ({
    id: row.id,
    digest: row.digest,
    account: row.account,
    messageId: row.message_id,
    contentBinding: row.content_binding,
    bytes: row.bytes,
    sentTo: row.sent_to,
    receivedAt: row.received_at,
    outcome: row.outcome,
    detail: row.detail,
    packageId: row.package_id ?? undefined,
    observables: row.observables,
    notUnderstood: row.not_understood,
    keptBytes: row.kept_bytes ?? undefined,
  }))
}

interface InboxRow {
  id: number
  digest: string
  account: string
  message_id: string
  content_binding: string
  bytes: number
  sent_to: string[]
  received_at: Date
  outcome: InboxOutcome
  detail: string
  package_id: string | null
  observables: number
  not_understood: number
  kept_bytes: number | null
}
