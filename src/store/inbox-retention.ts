import { setImmediate } from 'node:timers/promises'
import { sql } from 'kysely'
import { inBatches } from './batches.ts'
import type { Db } from './db.ts'
import type { InboxBlockRow } from './inbox.ts'

// The embedded database answers nobody else while a statement runs.
const batchRows = 1_000

/**
 * Notes that these blocks came again, where that was noted last more than a day ago: a sensor that sends the same
 * each minute is to cost no write each time. Those that are not on record are passed over.
 */
export async function noteSentAgain(
  trx: Db,
  blocks: readonly Pick<InboxBlockRow, 'accountId' | 'digest' | 'messageId'>[],
  now: Date,
): Promise<void> {
  await inBatches(blocks, async (some) => {
    if (some.length === 0) return []
    await sql`
      update inbox_blocks b set received_at = ${now}::timestamptz, message_id = x.m
      from unnest(${some.map(({ accountId }) => accountId)}::integer[],
          ${some.map(({ digest }) => digest.toString('hex'))}::text[],
          ${some.map(({ messageId }) => messageId)}::text[]) as x(a, h, m)
      where b.account_id = x.a and b.digest = decode(x.h, 'hex')
        and b.received_at < ${now}::timestamptz - interval '1 day'`.execute(trx)
    return []
  })
}

/**
 * Deletes what is on record of blocks that came last more than so many days before `now`, with what is kept of
 * them. What was published of them stays: the reports that they became decide which revision is the newer one.
 * @returns how many were deleted
 */
export async function pruneInbox(db: Db, days: number, now: Date): Promise<number> {
  // Looked at again by the delete: a block may come again while it waits for the row.
  const isOld = sql`received_at < ${now}::timestamptz - ${days} * interval '1 day'`
  let deleted = 0
  for (;;) {
    const { numAffectedRows = 0n } = await sql`
      delete from inbox_blocks where ${isOld} and id in (
        select id from inbox_blocks where ${isOld} order by received_at limit ${batchRows})`.execute(
      db,
    )
    deleted += Number(numAffectedRows)
    if (numAffectedRows === 0n) return deleted
    await setImmediate()
  }
}

/** How many bytes are kept of what was not understood, of all accounts. */
export async function readAllKeptBytes(db: Db): Promise<number> {
  const { rows } = await sql<{ bytes: string | number | null }>`
    select sum(octet_length(content))::bigint as bytes from inbox_blocks
    where content is not null`.execute(db)
  return Number(rows[0]?.bytes ?? 0)
}
