import type { FeedBlock, LabelRange, ResultSet, Snapshot } from '../model/feed.ts'
import { formatMicros } from '../model/micros.ts'
import { type Feed, getCollection, type Poller } from './feed.ts'
import { type Ledger, orBreakOff } from './ledger.ts'
import type { LedgerEntry, PollFulfillment, PollResponse } from './messages.ts'
import { invalidPart, resultSetGone } from './refusal.ts'

/**
 * @param readsPastTheEnd cabby does not look at `more` after the first part: it asks on until it
 * gets an empty part, and reports a refusal as the failure of the whole poll. For such a client the
 * part after the last is empty rather than invalid.
 * @throws TaxiiRefusal
 */
export async function fulfil(
  feed: Feed,
  poller: Poller,
  request: PollFulfillment,
  readsPastTheEnd: boolean,
  ledger: Ledger,
): Promise<PollResponse> {
  const { account } = poller
  const beganMs = performance.now()
  const { resultId, resultPartNumber } = request
  const collection = await getCollection(feed, account, request.collectionName)
  const set = await feed.findResultSet(account, resultId)
  if (set?.snapshot.collectionId !== collection.id || set.accountId !== account.id) {
    throw resultSetGone(resultId)
  }
  const response: PollResponse = {
    type: 'Poll_Response',
    inResponseTo: request.messageId,
    collectionName: collection.name,
    collectionType: collection.type,
    ...(set.subscriptionId !== undefined && { subscriptionId: set.subscriptionId }),
    range: set.range,
    recordCount: set.recordCount,
    contentBinding: set.snapshot.binding,
    ...(set.beginMoved && resultPartNumber === 1 && { message: movedBegin(set.range) }),
  }
  const parts = set.partEnds.length
  if (resultPartNumber > (readsPastTheEnd ? parts + 1 : parts)) {
    throw invalidPart(resultPartNumber, parts)
  }
  let entry: LedgerEntry | undefined
  const enter = async (range: LabelRange) => {
    const pollId = await feed.enterPart(poller, set, { resultPartNumber, range })
    entry = { pollId, beganMs }
  }
  const correct = async (range: LabelRange) => {
    if (entry) await feed.correctPart(entry.pollId, range)
  }
  const answer = async (): Promise<PollResponse> => {
    if (resultPartNumber <= parts) {
      return answerPart(feed, set, resultPartNumber, response, { enter, correct })
    }
    const range = { begin: set.range.end, end: set.range.end }
    await enter(range)
    return { ...response, range, part: { resultId, resultPartNumber, more: false } }
  }
  const answered = await orBreakOff(ledger, () => entry, answer)
  return { ...answered, ...(entry && { entry }) }
}

/** How a part gets into the ledger. */
interface PartEntry {
  /** Called while the part's first blocks are read. */
  enter(range: LabelRange): Promise<void>
  /** Called before the part is answered, should it have moved since. */
  correct(range: LabelRange): Promise<void>
}

/**
 * Answers one part. cabby takes an empty part for the end, so a part all of whose blocks have been
 * withdrawn takes over the first live block after it. That is written into the set before it is
 * answered: the later part then begins after that block, and whoever asks, in whatever order, gets
 * every block once.
 */
export async function answerPart(
  feed: Feed,
  asked: ResultSet,
  resultPartNumber: number,
  response: PollResponse,
  entry: PartEntry,
): Promise<PollResponse> {
  let set = asked
  let entered: LabelRange | undefined
  const settle = async (range: LabelRange) => {
    if (range.begin !== entered?.begin || range.end !== entered?.end) await entry.correct(range)
    return range
  }
  // Each round needs a withdrawal or another request since the round before.
  for (let round = 0; round < 100; round += 1) {
    const range = partRange(set, resultPartNumber)
    const more = resultPartNumber < set.partEnds.length
    const part = { resultId: set.id, resultPartNumber, more }
    const [entering, reading] = await Promise.allSettled([
      entered ? undefined : entry.enter(range),
      startReading(feed, set.snapshot, range),
    ])
    if (entering.status === 'rejected') throw entering.reason
    if (reading.status === 'rejected') throw reading.reason
    entered ??= range
    const blocks = reading.value
    if (blocks) return { ...response, range: await settle(range), part, blocks }

    const next = more
      ? await findFirst(feed, set.snapshot, { ...set.range, begin: range.end })
      : undefined
    if (!next) {
      const rest = { begin: range.begin, end: set.range.end }
      return { ...response, range: await settle(rest), part: { ...part, more: false } }
    }
    set = await feed.movePartEnds(
      set,
      set.partEnds.map((end, index) =>
        index >= resultPartNumber - 1 && end < next.label ? next.label : end,
      ),
    )
  }
  throw new Error(`the parts of result set ${asked.id} do not come to rest`)
}

function partRange(set: ResultSet, part: number): LabelRange {
  const end = part === set.partEnds.length ? undefined : set.partEnds[part - 1]
  return {
    begin: part === 1 ? set.range.begin : set.partEnds[part - 2],
    // The last part's range goes on to what the poll considered, beyond its last block.
    end: end ?? set.range.end,
  }
}

/** @returns undefined when there is nothing to read */
async function startReading(
  feed: Feed,
  snapshot: Snapshot,
  range: LabelRange,
): Promise<AsyncIterable<readonly FeedBlock[]> | undefined> {
  const batches = feed.readBlocks(snapshot, range)[Symbol.asyncIterator]()
  for (let next = await batches.next(); !next.done; next = await batches.next()) {
    if (next.value.length > 0) return resume(next.value, batches)
  }
  return undefined
}

async function* resume(
  first: readonly FeedBlock[],
  rest: AsyncIterator<readonly FeedBlock[]>,
): AsyncGenerator<readonly FeedBlock[]> {
  try {
    yield first
    for (let next = await rest.next(); !next.done; next = await rest.next()) yield next.value
  } finally {
    await rest.return?.()
  }
}

async function findFirst(
  feed: Feed,
  snapshot: Snapshot,
  range: LabelRange,
): Promise<FeedBlock | undefined> {
  for await (const batch of feed.readBlocks(snapshot, range)) {
    if (batch[0]) return batch[0]
  }
  return undefined
}

/** Tells a client that goes on from where we were not yet why it gets more than it asked for. */
export function movedBegin({ begin }: LabelRange): string {
  const from = begin === undefined ? 'the first block' : formatMicros(begin)
  return (
    'The Exclusive_Begin_Timestamp of the request lies ahead of what this server has answered so far; ' +
    `this response covers the time from ${from} on, so that nothing is missed. ` +
    'Go on from its Inclusive_End_Timestamp.'
  )
}
