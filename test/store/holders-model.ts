import { sql } from 'kysely'
import type { Account } from '../../src/model/account.ts'
import type { LabelRange, Stream } from '../../src/model/feed.ts'
import type { PollOutcome } from '../../src/model/ledger.ts'
import type { Micros } from '../../src/model/micros.ts'
import { createAccount } from '../../src/store/accounts.ts'
import {
  findNewestBlocks,
  reserveIds,
  supersedeBlocks,
  withdrawBlocks,
  writeBlocks,
  writePublications,
} from '../../src/store/blocks.ts'
import { readCollections, writeCollection } from '../../src/store/collections.ts'
import type { Db } from '../../src/store/db.ts'
import { completePolls, enterPart, noteFirstPart } from '../../src/store/polls.ts'
import { withdrawRecalled, writeRecall } from '../../src/store/recalls.ts'
import { findResultSet, writeResultSet } from '../../src/store/result-sets.ts'
import { aCollection, start } from '../intake/reports.ts'
import { fixRange } from './fix-range.ts'

const bindings = ['urn:stix.mitre.org:xml:1.2', 'urn:stix.mitre.org:xml:1.1.1'] as const
const hourMs = 3_600_000
const dayMs = 24 * hourMs

/** Indicators 1 to 12, of which each of three reports has six in its one chunk. */
const chunks: ReadonlyMap<number, readonly number[]> = new Map([
  [-1, [1, 2, 3, 4, 5, 6]],
  [-2, [5, 6, 7, 8, 9, 10]],
  [-3, [7, 8, 9, 10, 11, 12]],
])

interface ModelBlock {
  /** an indicator, or a chunk */
  readonly subject: number
  readonly shows: readonly number[]
  readonly stream: Stream
  readonly label: Micros
  superseded: boolean
  withdrawn: boolean
}

/** How an answer ended, after how many of its blocks, and how long ago it was begun. */
export interface Ending {
  readonly status: PollOutcome['status'] | 'under way'
  readonly sent: number
  readonly startedAgoMs: number
  readonly durationMs: number
}

interface Sending {
  readonly account: number
  readonly blocks: ReadonlySet<ModelBlock>
  /** undefined: now */
  readonly ended: number | undefined
}

interface KeptSet {
  readonly account: number
  readonly id: string
  readonly blocks: readonly ModelBlock[]
}

export type Model = Awaited<ReturnType<typeof createModel>>

/** A feed and its polls by the store's own functions, beside plain lists of what each poll sent. */
export async function createModel(db: Db, ageOutDays: readonly number[]) {
  await sql`truncate chunks, chunk_members, collections, publications, blocks, withdrawals, recalls, recalled_indicators, polls,
    result_sets, accounts restart identity cascade`.execute(db)
  for (const [id, members] of chunks) {
    await sql`insert into chunk_members select ${-id}, i, ${id} from unnest(${members}::bigint[]) i`.execute(
      db,
    )
  }
  await writeCollection(db, aCollection({ name: 'one', bindings }))
  await writeCollection(db, aCollection({ name: 'other', bindings: [bindings[0]] }))
  const streams: Stream[] = (await readCollections(db)).flatMap((collection) =>
    collection.bindings.map((binding) => ({ collectionId: collection.id, binding })),
  )
  const accounts: (Account & { readonly days: number })[] = []
  for (const [index, days] of ageOutDays.entries()) {
    const account = await createAccount(db, `account ${index}`, 'hash', 'reader', days)
    if (!account) throw new Error('the account is there already')
    accounts.push({ ...account, days })
  }
  const blocks: ModelBlock[] = []
  const sendings: Sending[] = []
  const sets: KeptSet[] = []
  const recalls: { readonly id: number; readonly blocks: ReadonlySet<ModelBlock> }[] = []
  const withdrawnOften = new Set<number>()

  const streamAt = (index: number) => streams[index % streams.length] as Stream
  const accountAt = (index: number) =>
    accounts[index % accounts.length] as (typeof accounts)[number]
  const readable = (stream: Stream) =>
    blocks.filter((one) => one.stream === stream && !one.superseded && !one.withdrawn)
  const within = (all: readonly ModelBlock[], { begin = -1, end }: LabelRange) =>
    all.filter(({ label }) => label > begin && label <= end).sort((a, b) => a.label - b.label)

  async function publish(streamIndex: number, indicators: readonly number[]) {
    await publishAll(
      streamAt(streamIndex),
      indicators.map((one) => ({ subject: one, shows: [one] })),
    )
  }

  /** Publishes a block of each chunk that shows those of its members that are among these. */
  async function publishChunks(streamIndex: number, indicators: readonly number[]) {
    const found = [...chunks].map(([subject, members]) => ({
      subject,
      shows: members.filter((one) => indicators.includes(one)),
    }))
    await publishAll(
      streamAt(streamIndex),
      found.filter(({ shows }) => shows.length > 0),
    )
  }

  async function publishAll(
    stream: Stream,
    published: readonly Pick<ModelBlock, 'subject' | 'shows'>[],
  ) {
    if (published.length === 0) return
    const subjects = published.map(({ subject }) => subject)
    await db.transaction().execute(async (trx) => {
      const publicationId = await reserveIds(trx, 'publications', 1)
      const newest = (await findNewestBlocks(trx, subjects)).filter(
        (one) =>
          one.stream.collectionId === stream.collectionId && one.stream.binding === stream.binding,
      )
      await supersedeBlocks(
        trx,
        newest.map((block) => ({ block, by: publicationId })),
      )
      await writeBlocks(
        trx,
        published.map(({ subject: subjectId, shows }, ordinal) => ({
          publicationId,
          ordinal,
          subjectId,
          stream,
          packageId: 1,
          digest: '00',
          members: subjectId < 0 ? shows : undefined,
        })),
      )
      const [base = 0] = await writePublications(trx, [
        { id: publicationId, stream, blockCount: published.length },
      ])
      for (const old of blocks) {
        if (old.stream === stream && subjects.includes(old.subject)) old.superseded = true
      }
      for (const [ordinal, one] of published.entries()) {
        const label = base + ordinal
        blocks.push({ ...one, stream, label, superseded: false, withdrawn: false })
      }
    })
  }

  function endBlocks(ended: readonly ModelBlock[]) {
    for (const block of ended) {
      // Of two withdrawals of one subject the store remembers the later.
      if (block.withdrawn) for (const one of block.shows) withdrawnOften.add(one)
      block.withdrawn = true
    }
  }

  async function withdraw(streamIndex: number, indicators: readonly number[]) {
    const stream = streamAt(streamIndex)
    const chunk = -1 - ((indicators[0] ?? 0) % chunks.size)
    const newest = (await findNewestBlocks(db, [...indicators, chunk])).filter(
      (one) =>
        !one.withdrawn &&
        one.stream.collectionId === stream.collectionId &&
        one.stream.binding === stream.binding,
    )
    await withdrawBlocks(db, newest)
    const ids = newest.map(({ subjectId }) => subjectId)
    endBlocks(blocks.filter((one) => one.stream === stream && ids.includes(one.subject)))
  }

  async function recall(indicators: readonly number[]) {
    await db.transaction().execute(async (trx) => {
      const subject = { indicatorIds: indicators }
      const id = await writeRecall(trx, { subject, reason: 'a test', by: 'us', now: start })
      await withdrawRecalled(trx, id)
      const about = blocks.filter(({ shows }) => shows.some((one) => indicators.includes(one)))
      recalls.push({ id, blocks: new Set(about) })
      // Those that are served nowhere are left as they are.
      const served = new Set(
        about
          .filter((one) => one.subject > 0 && !one.superseded && !one.withdrawn)
          .map((one) => one.subject),
      )
      // Of a chunk, in each stream what is as old as the last block that shows one.
      const through = new Map<string, number>()
      const keyOf = ({ subject, stream }: ModelBlock) => `${subject} ${streams.indexOf(stream)}`
      for (const one of about) {
        if (one.subject < 0 && !one.withdrawn) through.set(keyOf(one), one.label)
      }
      endBlocks(
        blocks.filter(
          (one) => served.has(one.subject) || one.label <= (through.get(keyOf(one)) ?? 0),
        ),
      )
    })
  }

  async function answer(
    account: number,
    pollId: number,
    inRange: readonly ModelBlock[],
    { status, sent, startedAgoMs, durationMs }: Ending,
  ) {
    const left = status === 'broken off' ? inRange.slice(0, sent) : inRange
    if (status !== 'under way') {
      const label = left.at(-1)?.label
      await completePolls(db, [
        {
          pollId,
          status,
          durationMs,
          blocks: left.length,
          bytes: 1,
          sentThrough: left.at(-2)?.label,
          leftThrough: label,
        },
      ])
    }
    const startedMs = Date.now() - startedAgoMs
    await sql`update polls set started_at = ${new Date(startedMs)} where id = ${pollId}`.execute(db)
    const ended =
      status !== 'under way'
        ? startedMs + durationMs
        : startedAgoMs > dayMs
          ? startedMs + dayMs
          : undefined
    sendings.push({ account, blocks: new Set(left), ended })
  }

  const pollerOf = (account: number) => ({
    account: accountAt(account),
    address: '127.0.0.1',
    userAgent: '',
  })

  async function poll(
    accountIndex: number,
    streamIndex: number,
    asked: { readonly begin?: Micros; readonly end?: Micros },
    kind: 'counts' | 'all' | 'parts',
    ending: Ending,
  ) {
    if (asked.begin !== undefined && asked.end !== undefined && asked.begin >= asked.end) return
    const stream = streamAt(streamIndex)
    const countsOnly = kind === 'counts'
    const poller = pollerOf(accountIndex)
    const { pollId, range, snapshot } = await fixRange(db, poller, stream, { ...asked, countsOnly })
    const account = poller.account.id
    const found = within(readable(stream), range)
    if (kind !== 'parts' || found.length < 2) {
      await answer(account, pollId, countsOnly ? [] : found, ending)
      return
    }
    const cut = found[Math.floor((found.length - 1) / 2)]?.label as Micros
    const partEnds = [cut, range.end]
    const set = { accountId: account, snapshot, range, partEnds, recordCount: found.length }
    const { id } = await writeResultSet(db, set, 3_600)
    sets.push({ account, id, blocks: found })
    const first = { begin: range.begin, end: cut }
    await noteFirstPart(db, pollId, id, first)
    await answer(account, pollId, within(found, first), ending)
  }

  async function fetchPart(setIndex: number, resultPartNumber: 1 | 2, ending: Ending) {
    const kept = sets[setIndex % sets.length]
    if (!kept) return
    const set = await findResultSet(db, kept.account, kept.id)
    if (!set) throw new Error('the set is gone')
    const [cut = 0, end = 0] = set.partEnds
    const range =
      resultPartNumber === 1 ? { begin: set.range.begin, end: cut } : { begin: cut, end }
    const account = accounts.find((one) => one.id === kept.account)
    if (!account) throw new Error('the account is gone')
    const poller = { account, address: '127.0.0.1', userAgent: '' }
    const pollId = await enterPart(db, poller, set, { resultPartNumber, range })
    const readable = kept.blocks.filter((one) => !one.withdrawn)
    await answer(kept.account, pollId, within(readable, range), ending)
  }

  /** Until when each account may hold one of these blocks; `now` where a poll is under way. */
  function holders(isMeant: (block: ModelBlock) => boolean, now: number) {
    const held = new Map<string, number>()
    for (const { account, blocks, ended = now } of sendings) {
      if (![...blocks].some(isMeant)) continue
      const { name, days } = accounts.find(({ id }) => id === account) as (typeof accounts)[number]
      held.set(name, Math.max(held.get(name) ?? 0, ended + days * dayMs))
    }
    return held
  }

  const labels = () => blocks.map(({ label }) => label)
  return {
    labels,
    recalls,
    withdrawnOften,
    publish,
    publishChunks,
    withdraw,
    recall,
    poll,
    fetchPart,
    holders,
  }
}
