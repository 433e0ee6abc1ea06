import { sql } from 'kysely'
import type { Account } from '../model/account.ts'
import { inBatches } from './batches.ts'
import type { Db } from './db.ts'
import { recordset } from './recordset.ts'

/**
 * What became of a block: all of it was understood, some of it or nothing; `outdated`: a newer revision of the
 * same package was there already.
 */
export const inboxOutcomes = ['taken-in', 'partly', 'not-understood', 'outdated'] as const
export type InboxOutcome = (typeof inboxOutcomes)[number]

/** A collection as one who sends sees it. */
export interface InboxDestination {
  readonly name: string
  /** whether it takes Inbox_Messages at all */
  readonly inbox: boolean
  readonly readable: boolean
  readonly writable: boolean
}

/** Those of these collections of which the account may know. */
export async function findDestinations(
  db: Db,
  account: Account,
  names: readonly string[],
): Promise<readonly InboxDestination[]> {
  // No text in PostgreSQL holds a NUL, so nothing is called so.
  const named = names.filter((name) => !name.includes('\0'))
  return readDestinations(db, account, sql<boolean>`c.name = any(${named}::text[])`)
}

/** The collections that the account may send to, by name. */
export async function readOwnDestinations(db: Db, account: Account): Promise<readonly string[]> {
  const found = await readDestinations(db, account, sql<boolean>`c.inbox`)
  return found.filter(({ writable }) => writable).map(({ name }) => name)
}

async function readDestinations(
  db: Db,
  { id, role }: Account,
  where: ReturnType<typeof sql<boolean>>,
): Promise<readonly InboxDestination[]> {
  const isAdministrator = role === 'administrator'
  const { rows } = await sql<InboxDestination>`
    select * from (
      select c.name, c.inbox, (${isAdministrator} or coalesce(g.can_read, false)) as readable,
        (${isAdministrator} or coalesce(g.can_write, false)) as writable
      from collections c left join grants g on g.collection_id = c.id and g.account_id = ${id}
      where ${where}) as found
    where readable or writable order by name collate "C"`.execute(db)
  return rows
}

/**
 * Which of these (account, collection) pairs may still be sent to: the account is enabled and of its role
 * still, the collection has an inbox, and there is a grant.
 * @returns the names of each one's collections, in the order given
 */
export async function findWritable(
  db: Db,
  wanted: readonly { readonly account: Account; readonly names: readonly string[] }[],
): Promise<readonly ReadonlySet<string>[]> {
  const records = wanted.flatMap(({ account, names }, n) =>
    names.length === 0 ? [] : [{ n, a: account.id, r: account.role, c: names }],
  )
  if (records.length === 0) return wanted.map(() => new Set<string>())
  const { rows } = await sql<{ n: number; name: string }>`
    select x.n, c.name from json_to_recordset(${recordset(records)}::json)
        as x(n integer, a integer, r text, c text[])
      join accounts a on a.id = x.a and a.role = x.r and a.disabled_at is null
      join collections c on c.name = any(x.c) and c.inbox
    where x.r = 'administrator' or exists (select from grants g
      where g.account_id = x.a and g.collection_id = c.id and g.can_write)`.execute(db)
  const found = wanted.map(() => new Set<string>())
  for (const { n, name } of rows) found[n]?.add(name)
  return found
}

/** A block as it is recorded. */
export interface InboxBlockRow {
  readonly accountId: number
  readonly digest: Buffer
  readonly messageId: string
  readonly contentBinding: string
  readonly bytes: number
  readonly sentTo: readonly string[]
  readonly outcome: InboxOutcome
  readonly detail: string
  readonly packageId: string | undefined
  readonly observables: number
  readonly notUnderstood: number
  /** of what nothing was understood: gzip */
  readonly content: Buffer | undefined
}

/**
 * Records blocks. One that is known already, by account and digest, goes to the other collections too.
 * No two may be of one account and digest.
 */
export async function writeInboxBlocks(
  trx: Db,
  blocks: readonly InboxBlockRow[],
  now: Date,
): Promise<void> {
  await inBatches(blocks, (some) => writeBatch(trx, some, now))
}

async function writeBatch(
  trx: Db,
  blocks: readonly InboxBlockRow[],
  now: Date,
): Promise<readonly never[]> {
  if (blocks.length === 0) return []
  const records = blocks.map((block) => ({
    a: block.accountId,
    h: block.digest.toString('hex'),
    m: block.messageId,
    b: block.contentBinding,
    n: block.bytes,
    s: block.sentTo,
    o: block.outcome,
    d: block.detail,
    p: block.packageId,
    c: block.observables,
    u: block.notUnderstood,
    k: block.content?.toString('base64'),
  }))
  await sql`
    insert into inbox_blocks as old (account_id, digest, message_id, content_binding, bytes, sent_to,
      received_at, outcome, detail, package_id, observables, not_understood, content)
    select a, decode(h, 'hex'), m, b, n, s, ${now}::timestamptz, o, d, p, c, u, decode(k, 'base64')
    from json_to_recordset(${recordset(records)}::json) as x(a integer, h text, m text, b text, n bigint,
      s text[], o text, d text, p text, c integer, u integer, k text)
    on conflict (account_id, digest) do update set message_id = excluded.message_id,
      received_at = excluded.received_at, outcome = excluded.outcome, detail = excluded.detail,
      observables = excluded.observables, not_understood = excluded.not_understood,
      content = coalesce(excluded.content, old.content),
      sent_to = array(select distinct unnest(old.sent_to || excluded.sent_to) order by 1)`.execute(
    trx,
  )
  return []
}

/** What is recorded of a block: to which collections it was sent; undefined: it is new. In the order given. */
export async function findSentTo(
  db: Db,
  blocks: readonly { readonly accountId: number; readonly digest: Buffer }[],
): Promise<readonly (readonly string[] | undefined)[]> {
  if (blocks.length === 0) return []
  const keys = blocks.map(({ digest }) => digest.toString('hex'))
  const { rows } = await sql<{ account_id: number; key: string; sent_to: string[] }>`
    select b.account_id, encode(b.digest, 'hex') as key, b.sent_to
    from unnest(${blocks.map(({ accountId }) => accountId)}::integer[], ${keys}::text[]) as x(a, k)
      join inbox_blocks b on b.account_id = x.a and b.digest = decode(x.k, 'hex')`.execute(db)
  const found = new Map(rows.map((row) => [`${row.account_id} ${row.key}`, row.sent_to]))
  return blocks.map(({ accountId }, place) => found.get(`${accountId} ${keys[place]}`))
}

/** How many bytes are kept of what was not understood, by account. */
export async function readKeptBytes(
  db: Db,
  accountIds: readonly number[],
): Promise<ReadonlyMap<number, number>> {
  const { rows } = await sql<{ account_id: number; bytes: number }>`
    select account_id, sum(octet_length(content))::bigint as bytes from inbox_blocks
    where account_id = any(${accountIds}::integer[]) and content is not null
    group by account_id`.execute(db)
  return new Map(rows.map((row) => [row.account_id, Number(row.bytes)]))
}
