import { sql } from 'kysely'
import type { LabelRange, ResultSet, Snapshot, Stream } from '../model/feed.ts'
import type { PollOutcome } from '../model/ledger.ts'
import type { Micros } from '../model/micros.ts'
import { bindingNumber } from './collections.ts'
import type { Db } from './db.ts'
import { recordset } from './recordset.ts'

/** Who polls, as far as the ledger notes it. */
export interface Poller {
  readonly account: { readonly id: number }
  readonly address: string
  readonly userAgent: string
}

/** What a poll asks for: labels in microseconds, the begin exclusive, the end inclusive. */
export interface AskedRange {
  readonly begin?: Micros
  readonly end?: Micros
  readonly countsOnly: boolean
}

export interface PollToFix {
  readonly poller: Poller
  readonly stream: Stream
  readonly asked: AskedRange
}

export interface FixedPoll {
  /** the poll's entry in the ledger */
  readonly pollId: number
  /**
   * The end: never beyond what is settled. The begin: that of the request, or an earlier one for a client that goes
   * on from an end, or a clock, that was ahead of the feed when it was answered.
   */
  readonly range: LabelRange
  readonly snapshot: Snapshot
  /** true: nothing lies in the range; false: there may be something */
  readonly isEmpty: boolean
}

/**
 * Fixes what polls of one collection consider and enters them in the ledger, in one statement. Waits for a
 * publication of the collection that is being committed, a matter of milliseconds.
 * @returns in the order of the polls
 */
export async function fixRanges(
  db: Db,
  collectionId: number,
  polls: readonly PollToFix[],
): Promise<readonly FixedPoll[]> {
  const asked = polls.map(({ poller, stream, asked }) => ({
    account: poller.account.id,
    stream: bindingNumber(stream.binding),
    wanted_begin: asked.begin,
    wanted_end: asked.end,
    only_counts: asked.countsOnly,
    client_address: poller.address,
    client_agent: poller.userAgent,
  }))
  const { rows } = await sql<{
    poll_id: number
    fixed_begin: Micros | null
    fixed_end: Micros
    fixed_as_of: number
    last_label: Micros
  }>`select * from taxiway_fix_ranges(${collectionId}::integer, ${recordset(asked)}::json)`.execute(
    db,
  )
  return polls.map(({ stream }, at) => {
    const fixed = rows[at]
    if (!fixed) throw new Error('taxiway_fix_ranges returned too few rows')
    const begin = fixed.fixed_begin ?? undefined
    return {
      pollId: fixed.poll_id,
      range: { begin, end: fixed.fixed_end },
      snapshot: { ...stream, asOf: fixed.fixed_as_of },
      isEmpty: fixed.last_label <= (begin ?? 0),
    }
  })
}

/** Notes that a poll is answered by the first part of a result set, and where that part ends. */
export async function noteFirstPart(
  db: Db,
  pollId: number,
  resultId: string,
  { end }: LabelRange,
): Promise<void> {
  await sql`
    update polls set result_id = ${resultId}, result_part = 1,
      answered_end = nullif(${end}::bigint, end_label)
    where id = ${pollId}`.execute(db)
}

/**
 * Enters one part of a result set that is fetched by itself.
 * @returns the entry's id
 */
export async function enterPart(
  db: Db,
  poller: Poller,
  set: ResultSet,
  part: { readonly resultPartNumber: number; readonly range: LabelRange },
): Promise<number> {
  const { id } = await db
    .insertInto('polls')
    .values({
      account_id: poller.account.id,
      collection_id: set.snapshot.collectionId,
      binding: bindingNumber(set.snapshot.binding),
      address: poller.address,
      user_agent: poller.userAgent,
      counts_only: false,
      begin_label: part.range.begin ?? null,
      end_label: part.range.end,
      as_of: set.snapshot.asOf,
      // As they were when the set was read: those of now may come after the part's first blocks were.
      withdrawals_seen: set.lastWithdrawal,
      result_id: set.id,
      result_part: part.resultPartNumber,
    })
    .returning('id')
    .executeTakeFirstOrThrow()
  return id
}

/** Corrects the range of a part that was entered and has moved since. */
export async function correctPart(
  db: Db,
  pollId: number,
  { begin, end }: LabelRange,
): Promise<void> {
  await db
    .updateTable('polls')
    .set({ begin_label: begin ?? null, end_label: end })
    .where('id', '=', pollId)
    .execute()
}

/** Enters how polls ended. What was entered before stays, so that it can be tried again. */
export async function completePolls(db: Db, outcomes: readonly PollOutcome[]): Promise<void> {
  const records = outcomes.map((outcome) => ({
    i: outcome.pollId,
    s: outcome.status,
    // A client that reads for a month would be beyond what the column holds.
    d: Math.min(Math.ceil(outcome.durationMs), 2 ** 31 - 1),
    n: outcome.blocks,
    y: outcome.bytes,
    w: outcome.sentThrough,
    l: outcome.leftThrough,
  }))
  await sql`
    update polls set status = x.s, duration_ms = x.d, blocks = x.n, bytes = x.y, sent_through = x.w,
      left_through = x.l
    from json_to_recordset(${recordset(records)}::json)
      as x(i bigint, s text, d integer, n integer, y bigint, w bigint, l bigint)
    -- Leads to the index: how many rows a JSON text has, the planner does not know.
    where id = any(${outcomes.map(({ pollId }) => pollId)}::bigint[])
      and id = x.i and status = 'under way'`.execute(db)
}

// Some 50 ms of work, between which others get at the table's pages.
const batchPolls = 5_000

/**
 * Deletes entries of polls that began more than so many days ago. Of each collection the one that was
 * answered furthest stays however old it is: nothing may be published behind it, and where the clock has
 * stepped back since, it alone says so.
 * @returns how many were deleted
 */
export async function pruneLedger(db: Db, days: number): Promise<number> {
  let deleted = 0
  for (;;) {
    const { numAffectedRows = 0n } = await sql`
      delete from polls where id in (
        select p.id from polls p
        where p.started_at < now() - ${days} * interval '1 day' and p.id <> (
          select furthest.id from polls furthest where furthest.collection_id = p.collection_id
          order by furthest.end_label desc, furthest.id desc limit 1)
        order by p.started_at limit ${batchPolls})`.execute(db)
    deleted += Number(numAffectedRows)
    if (numAffectedRows < batchPolls) return deleted
  }
}
