import { setImmediate } from 'node:timers/promises'
import { accountSource } from '../model/selection.ts'
import type { Db } from '../store/db.ts'
import { findWritable, writeInboxBlocks } from '../store/inbox.ts'
import { noteSentAgain } from '../store/inbox-retention.ts'
import { readJudgingVersion } from '../store/judging.ts'
import { retractOlder, writeReports } from '../store/report-batches.ts'
import { getSourceId } from '../store/sources.ts'
import {
  findChanges,
  type InboxBlock,
  type InboxDelivery,
  newestOfEach,
  type Prepared,
  type PreparedBlock,
  toRows,
} from './inbox-changes.ts'
import { type BlockOutcomes, countJudged, countOutcomes, type InboxWork } from './inbox-work.ts'
import { type Intake, writeInTurn } from './intake.ts'
import { claimOf, isBetterClaim, type JudgedAssertion, judgeReport } from './judge-report.ts'
import type { Judging } from './judging.ts'
import { batchAssertions } from './pieces.ts'
import { publishTouched } from './publish-touched.ts'
import { storeJudged } from './store-judged.ts'

export type { InboxBlock, InboxDelivery } from './inbox-changes.ts'
export type { InboxWork } from './inbox-work.ts'

/** What became of a delivery. */
export interface Delivered {
  readonly blocks: number
  readonly observables: number
  /** how many things in the blocks */
  readonly notUnderstood: number
  /** how many blocks gave no value at all, these or when they came first */
  readonly empty: number
  readonly outcomes: BlockOutcomes
}

/** The account may not send there any more; nothing of the message was stored. */
export class DeliveryRefused extends Error {
  /** the collections that may no longer be sent to */
  readonly collections: readonly string[]
  constructor(collections: readonly string[]) {
    super(`this account may not send to ${collections.join(', ')} any more`)
    this.name = 'DeliveryRefused'
    this.collections = collections
  }
}

export interface InboxIntake {
  /**
   * Stores and publishes all of a message or nothing of it. What waits is taken in together; the promise
   * resolves when it is committed, so that the next poll has it.
   * @throws DeliveryRefused, and what the store throws
   */
  deliver(delivery: InboxDelivery): Promise<Delivered>
}

/** @param onStored told of each transaction that was committed */
export function createInboxIntake(
  intake: Intake,
  onStored: (work: InboxWork) => void = () => {},
): InboxIntake {
  const waiting: Waiting[] = []
  const sourceIds = new Map<string, number>()
  // The transaction looks whether it still counts.
  let judging: Judging | undefined
  let working = false

  async function work(): Promise<void> {
    working = true
    while (waiting.length > 0) {
      const group = takeGroup(waiting)
      try {
        await settle(group, await deliverTogether(group))
      } catch (error) {
        // One of them may be what the store refuses: each has its own turn, so that it alone fails.
        if (group.length === 1) group[0]?.reject(error)
        else await deliverEach(group)
      }
    }
    working = false
  }

  async function deliverEach(group: readonly Waiting[]): Promise<void> {
    for (const one of group) {
      try {
        await settle([one], await deliverTogether([one]))
      } catch (error) {
        one.reject(error)
      }
    }
  }

  async function deliverTogether(group: readonly Waiting[]): Promise<readonly Outcome[]> {
    for (;;) {
      judging ??= await intake.readJudging(intake.db)
      const { version } = judging
      const prepared = await prepare(intake, group, judging, sourceIds)
      const done = await writeInTurn(intake, async (trx, now) => {
        if ((await readJudgingVersion(trx)) !== version) return undefined
        return store(intake, trx, prepared, now)
      })
      if (!done) {
        judging = undefined
        continue
      }
      onStored(done.work)
      return done.outcomes
    }
  }

  return {
    deliver: (delivery) =>
      new Promise((resolve, reject) => {
        waiting.push({ delivery, resolve, reject })
        if (!working) void work()
      }),
  }
}

interface Waiting {
  readonly delivery: InboxDelivery
  readonly resolve: (delivered: Delivered) => void
  readonly reject: (error: unknown) => void
}

type Outcome = Delivered | DeliveryRefused

async function settle(group: readonly Waiting[], outcomes: readonly Outcome[]): Promise<void> {
  for (const [place, one] of group.entries()) {
    const outcome = outcomes[place] as Outcome
    if (outcome instanceof DeliveryRefused) one.reject(outcome)
    else one.resolve(outcome)
  }
}

/**
 * The next to be taken in together: as many as one transaction may hold, and at least one. A package that is sent
 * twice comes in two turns: the second message is to meet what the first has left, such as where it was sent to.
 */
function takeGroup(waiting: Waiting[]): readonly Waiting[] {
  let room = batchAssertions
  let count = 0
  const packages = new Set<string>()
  for (const { delivery } of waiting) {
    const { account, blocks } = delivery
    for (const { assertions } of blocks) room -= Math.max(1, assertions.length)
    const ids = blocks.map(({ report }) => `${account.id} ${report.externalId}`)
    if (count > 0 && (room < 0 || ids.some((id) => packages.has(id)))) break
    for (const id of ids) packages.add(id)
    count += 1
  }
  return waiting.splice(0, count)
}

/** What needs no transaction: it is done before one waits for its turn. */
async function prepare(
  { db, clock }: Intake,
  group: readonly Waiting[],
  { judge }: Judging,
  sourceIds: Map<string, number>,
): Promise<Prepared> {
  const deliveries = []
  const blocks: PreparedBlock[] = []
  for (const [of, { delivery }] of group.entries()) {
    const source = accountSource(delivery.account.name)
    const sourceId = sourceIds.get(source) ?? (await getSourceId(db, source))
    sourceIds.set(source, sourceId)
    deliveries.push({ ...delivery, sourceId })
    for (const block of delivery.blocks) {
      const report = { ...block.report, source }
      const judged = new Map<string, JudgedAssertion>()
      for (let from = 0; from < block.assertions.length; from += batchJudged) {
        const some = block.assertions.slice(from, from + batchJudged)
        for (const one of judgeReport(report, some, clock(), judge)) {
          const key = `${one.type} ${one.value}`
          const other = judged.get(key)
          if (!other || isBetterClaim(claimOf(one), claimOf(other))) judged.set(key, one)
        }
        if (some.length === batchJudged) await setImmediate()
      }
      blocks.push({ of, block, judged: [...judged.values()] })
    }
  }
  return { deliveries, blocks }
}

// Milliseconds of judging: a poll that comes in meanwhile waits no longer.
const batchJudged = 250

const retraction = {
  reason: 'retracted',
  detail: 'the newest version of the report does not hold it any more',
  rule: 'report:revision',
} as const

async function store(
  intake: Intake,
  trx: Db,
  { deliveries, blocks }: Prepared,
  now: Date,
): Promise<{ readonly outcomes: readonly Outcome[]; readonly work: InboxWork }> {
  const refused = await findRefused(trx, deliveries)
  const admitted = newestOfEach(
    blocks.filter(({ of }) => !refused.has(of)),
    deliveries,
  )
  const changes = await findChanges(trx, admitted, deliveries)
  const reports = await writeReports(
    trx,
    changes.flatMap(({ stored }) => stored ?? []),
  )
  const touched: number[] = []
  let next = 0
  const pieces = changes.flatMap(({ stored, judged }) => {
    if (!stored) return []
    const report = reports[next++] as (typeof reports)[number]
    return [{ sourceId: stored.sourceId, report, judged, meets: 'replace' as const }]
  })
  for (const batch of inBatches(pieces)) {
    for (const id of await storeJudged(trx, batch, now)) touched.push(id)
  }
  for (const id of await retractOlder(trx, reports, retraction, now)) touched.push(id)
  await writeInboxBlocks(trx, await toRows(trx, changes, deliveries), now)
  const written = new Set(changes.map(({ block }) => block))
  const again = admitted.filter(({ block }) => !written.has(block))
  await noteSentAgain(
    trx,
    again.map(({ of, block: { digest } }) => {
      const { account, messageId } = deliveries[of] as InboxDelivery
      return { accountId: account.id, digest, messageId }
    }),
    now,
  )
  const reportIds = reports.map(({ id }) => id)
  const published =
    touched.length > 0
      ? await publishTouched(intake, trx, touched, now, reportIds)
      : { published: 0, withdrawn: 0 }
  const changed = new Map(
    changes.flatMap(({ block, isKnown, outcome }) => (isKnown ? [] : [[block, outcome]])),
  )
  const outcomes = deliveries.map((delivery, of): Outcome => {
    const collections = refused.get(of)
    if (collections) return new DeliveryRefused(collections)
    const count = (what: (block: InboxBlock) => number) =>
      delivery.blocks.reduce((sum, block) => sum + what(block), 0)
    return {
      blocks: delivery.blocks.length,
      observables: count(({ assertions }) => assertions.length),
      notUnderstood: count(({ notUnderstood }) => notUnderstood),
      empty: count(({ assertions }) => (assertions.length === 0 ? 1 : 0)),
      outcomes: countOutcomes(delivery.blocks.map((block) => changed.get(block) ?? 'known')),
    }
  })
  return { outcomes, work: { ...countJudged(pieces), ...published } }
}

/** By the delivery's place the collections that it may not be sent to any more. */
async function findRefused(trx: Db, deliveries: Prepared['deliveries']) {
  const writable = await findWritable(
    trx,
    deliveries.map(({ account, sentTo }) => ({ account, names: sentTo })),
  )
  const refused = new Map<number, readonly string[]>()
  for (const [of, { sentTo }] of deliveries.entries()) {
    const missing = sentTo.filter((name) => !writable[of]?.has(name))
    if (missing.length > 0) refused.set(of, missing)
  }
  return refused
}

type JudgedPieces = Parameters<typeof storeJudged>[1]

/** What one statement may write at once. */
function* inBatches(pieces: JudgedPieces): Generator<JudgedPieces> {
  let batch: JudgedPieces[number][] = []
  let room = batchAssertions
  for (const piece of pieces) {
    for (let from = 0; from < piece.judged.length; ) {
      const judged = piece.judged.slice(from, from + room)
      batch.push({ ...piece, judged })
      from += judged.length
      room -= judged.length
      if (room > 0) continue
      yield batch
      batch = []
      room = batchAssertions
    }
  }
  if (batch.length > 0) yield batch
}
