import { type RawBuilder, sql } from 'kysely'
import type { Micros } from '../model/micros.ts'
import type { Db } from './db.ts'

export interface Holder {
  readonly account: string
  /** when the last poll ended that sent this account any of it */
  readonly lastSent: Date
  /** when its client will have dropped it, if it drops things after the account's age-out */
  readonly mayHoldUntil: Date
}

/** What a recall is about is meant as it was served until then: not what others' assertions show later. */
export type HeldSubject =
  | { readonly indicatorIds: readonly number[] }
  | { readonly recallId: number }

/**
 * Tells until when the clients of each account may hold any of these indicators, by the ledger: whoever
 * was sent a block that shows one and was readable then, as far as it left. A poll that is under way counts as sent
 * whole, for a day at most, after which its process must be dead. What the ledger no longer has is not told.
 * @returns the longest first; accounts that were sent none of it are left out
 */
export async function findHolders(db: Db, subject: HeldSubject): Promise<readonly Holder[]> {
  const { rows } = await sql<{ now: Micros }>`select taxiway_micros() as now`.execute(db)
  const { now } = rows[0] as { now: Micros }
  const lastSent = new Map<number, Micros>()
  for (const stream of await readSentLabels(db, subject)) {
    for (const [account, ended] of await findLastSent(db, now, stream)) {
      lastSent.set(account, Math.max(ended, lastSent.get(account) ?? 0))
    }
  }
  if (lastSent.size === 0) return []
  const accounts = await db
    .selectFrom('accounts')
    .select(['id', 'name', 'client_age_out_days'])
    .where('id', 'in', [...lastSent.keys()])
    .execute()
  return accounts
    .map(({ id, name, client_age_out_days: days }) => {
      // Whole milliseconds, not before what is meant.
      const sent = Math.ceil((lastSent.get(id) as Micros) / 1000)
      return {
        account: name,
        lastSent: new Date(sent),
        mayHoldUntil: new Date(sent + days * 86_400_000),
      }
    })
    .sort(
      (a, b) =>
        b.mayHoldUntil.getTime() - a.mayHoldUntil.getTime() || (a.account < b.account ? -1 : 1),
    )
}

/**
 * The blocks in one stream that show the subject. Publications and withdrawals are numbered together in the order of
 * their commits.
 */
interface StreamBlocks {
  readonly collectionId: number
  readonly binding: number
  /** ascending */
  readonly labels: Float64Array
  /** the publication that superseded each; Infinity: none */
  readonly superseded: Float64Array
  /** the withdrawal of each; Infinity: none */
  readonly withdrawn: Float64Array
}

async function readSentLabels(db: Db, subject: HeldSubject): Promise<readonly StreamBlocks[]> {
  // As text: a driver takes a second to make a million rows of it.
  const { rows } = await sql<{
    collection_id: number
    binding: number
    labels: string
    superseded: string
    withdrawn: string
  }>`
    select collection_id, binding, string_agg(label::text, ',' order by label) as labels,
      string_agg(coalesce(superseded_by::text, 'Infinity'), ',' order by label) as superseded,
      string_agg(coalesce(withdrawn::text, 'Infinity'), ',' order by label) as withdrawn
    from (
      select b.collection_id, b.binding, p.base_label + b.ordinal as label, b.superseded_by,
        least(
          case when everywhere.through_publication >= b.publication_id then everywhere.number end,
          case when here.through_publication >= b.publication_id then here.number end) as withdrawn
      from blocks b join publications p on p.id = b.publication_id
        left join withdrawals everywhere on everywhere.subject_id = b.subject_id
          and everywhere.collection_id = 0 and everywhere.binding = 0
        left join withdrawals here on here.subject_id = b.subject_id
          and here.collection_id = b.collection_id and here.binding = b.binding
      where ${isOf(subject)}) as block
    group by 1, 2`.execute(db)
  return rows.map((row) => ({
    collectionId: row.collection_id,
    binding: row.binding,
    labels: Float64Array.from(row.labels.split(','), Number),
    superseded: Float64Array.from(row.superseded.split(','), Number),
    withdrawn: Float64Array.from(row.withdrawn.split(','), Number),
  }))
}

function isOf(subject: HeldSubject): RawBuilder<unknown> {
  if ('indicatorIds' in subject) {
    const ids = sql`${subject.indicatorIds}::bigint[]`
    return sql`b.subject_id in (select unnest(${ids})
        union all select chunk_id from chunk_members where indicator_id = any(${ids}))
      and (b.members is null or b.members && ${ids})`
  }
  const { recallId } = subject
  const source = sql`(select source_id from recalls where id = ${recallId})`
  const report = sql`(select report_id from recalls where id = ${recallId})`
  // Suppressed ones too: what has expired since was served before.
  const indicators = sql`
    select indicator_id from assertions where source_id = ${source}
    union select indicator_id from assertions where report_id = ${report}
    union select indicator_id from recalled_indicators where recall_id = ${recallId}`
  return sql`b.publication_id <= (select through_publication from recalls where id = ${recallId})
    and b.subject_id in (${indicators}
      union select m.chunk_id from chunk_members m where m.indicator_id in (${indicators}))
    and (b.members is null or exists (
      select from unnest(b.members) as shown
      where exists (select from recalled_indicators x
          where x.indicator_id = shown and x.recall_id = ${recallId})
        or exists (select from assertions a where a.indicator_id = shown
          and (a.source_id = ${source} or a.report_id = ${report}))))`
}

// Of most accounts the newest poll that comes into question is one that sent something, so that the first
// page mostly does.
const firstPagePolls = 250
const mostPagePolls = 4_000
const fewBlocks = 64

/** @returns by account when the last poll ended that sent one of these blocks */
async function findLastSent(
  db: Db,
  now: Micros,
  blocks: StreamBlocks,
): Promise<ReadonlyMap<number, Micros>> {
  const found = new Map<number, Micros>()
  const wasSentAny = createWasSentAny(blocks)
  const first = blocks.labels[0] as Micros
  const last = blocks.labels.at(-1) as Micros
  const latestSuperseded = greatestOf(blocks.superseded)
  const latestWithdrawn = greatestOf(blocks.withdrawn)
  // Of a few blocks, which may lie weeks apart, polls that cover none are not even sent.
  const coversOne =
    blocks.labels.length <= fewBlocks
      ? sql`width_bucket(through, ${[...blocks.labels]}::bigint[])
          > width_bucket(coalesce(begin_label, -1), ${[...blocks.labels]}::bigint[])`
      : sql`true`
  let after: PollRow | undefined
  let pagePolls = firstPagePolls
  for (;;) {
    // Polls that may have sent something, by the outermost of what there is alone.
    const { rows } = await sql<PollRow>`
      select id, account_id, begin_label, through, as_of, withdrawals_seen, of_set,
        (extract(epoch from ended) * 1000000)::bigint as ended
      from (
        select id, account_id, begin_label, through, as_of, withdrawals_seen, of_set, ended
        from (
          select id, account_id, begin_label, as_of, withdrawals_seen,
            result_id is not null as of_set,
            case when status = 'under way' then coalesce(answered_end, end_label)
              else left_through end as through,
            case when status = 'under way' then least(${moment(now)}, started_at + interval '1 day')
              else started_at + duration_ms * interval '1 millisecond' end as ended
          from polls
          where collection_id = ${blocks.collectionId} and binding = ${blocks.binding}
            and not counts_only and end_label >= ${first}::bigint
            and (begin_label is null or begin_label < ${last}::bigint)
            and not (account_id = any(${[...found.keys()]}::integer[]))) as poll
        where through >= ${first}::bigint and ${coversOne} and (as_of < ${latestSuperseded}::bigint) is not false
          and (withdrawals_seen < ${latestWithdrawn}::bigint) is not false
          and ${after ? sql`(ended, id) < (${moment(after.ended)}, ${after.id}::bigint)` : sql`true`}
        order by ended desc, id desc limit ${pagePolls}) as page
      order by ended desc, id desc`.execute(db)
    for (const poll of rows) {
      if (found.has(poll.account_id)) continue
      if (wasSentAny(poll)) found.set(poll.account_id, poll.ended)
    }
    if (rows.length < pagePolls) return found
    after = rows.at(-1)
    pagePolls = mostPagePolls
  }
}

function moment(micros: Micros): RawBuilder<Date> {
  return sql<Date>`(timestamptz 'epoch' + ${micros}::bigint * interval '1 microsecond')`
}

interface PollRow {
  id: number
  account_id: number
  begin_label: Micros | null
  /** up to where something may have been sent */
  through: Micros
  as_of: number
  withdrawals_seen: number
  of_set: boolean
  ended: Micros
}

/** null: Infinity, which bigint has not. */
function greatestOf(numbers: Float64Array): number | null {
  let greatest = 0
  for (const number of numbers) if (number > greatest) greatest = number
  return greatest === Number.POSITIVE_INFINITY ? null : greatest
}

/**
 * Prepares for asking whether a poll sent any of these blocks. A recall has hundreds of thousands of blocks,
 * of which thousands of polls, the later ones, sent none: each is answered from a tree over the blocks.
 */
function createWasSentAny({ labels, superseded, withdrawn }: StreamBlocks) {
  const count = labels.length
  // Element n is the greatest of elements 2n and 2n + 1; the second half is when each block ended.
  const tree = new Float64Array(2 * count)
  for (let n = 0; n < count; n += 1) {
    tree[count + n] = Math.min(superseded[n] as number, withdrawn[n] as number)
  }
  for (let n = count - 1; n > 0; n -= 1) {
    tree[n] = Math.max(tree[2 * n] as number, tree[2 * n + 1] as number)
  }
  const latestEnd = (begin: number, end: number) => {
    let latest = 0
    let [from, to] = [count + begin, count + end]
    for (; from < to; from >>= 1, to >>= 1) {
      if (from & 1) latest = Math.max(latest, tree[from++] as number)
      if (to & 1) latest = Math.max(latest, tree[--to] as number)
    }
    return latest
  }
  return (poll: PollRow): boolean => {
    const { begin_label: begin, through, as_of: asOf, withdrawals_seen: seen, of_set: ofSet } = poll
    const from = begin === null ? 0 : countUpTo(labels, begin)
    const to = countUpTo(labels, through)
    // What ends later than the newer of the two that the poll knew of had ended by neither: whoever sees a
    // number sees all smaller ones.
    if (!ofSet) return latestEnd(from, to) > Math.max(asOf, seen)
    // A part knows of withdrawals, but not of what was published since its set was made.
    for (let n = from; n < to; n += 1) {
      if ((superseded[n] as number) > asOf && (withdrawn[n] as number) > seen) return true
    }
    return false
  }
}

/** How many of these, which ascend, are not greater than `most`. */
function countUpTo(numbers: Float64Array, most: number): number {
  let from = 0
  let to = numbers.length
  while (from < to) {
    const middle = (from + to) >> 1
    if ((numbers[middle] as number) <= most) from = middle + 1
    else to = middle
  }
  return from
}
