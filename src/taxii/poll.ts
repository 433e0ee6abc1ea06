import type { Account } from '../model/account.ts'
import type { Collection, ContentBinding } from '../model/collection.ts'
import type { LabelRange } from '../model/feed.ts'
import { type Feed, type FixedRange, getCollection, type Poller } from './feed.ts'
import { type Ledger, orBreakOff } from './ledger.ts'
import type { PollParameters, PollRequest, PollResponse } from './messages.ts'
import { failure, notFound, unsupportedContent, unsupportedQuery } from './refusal.ts'
import { answerPart, movedBegin } from './result-set.ts'

/** @throws TaxiiRefusal */
export async function poll(
  feed: Feed,
  poller: Poller,
  request: PollRequest,
  ledger: Ledger,
): Promise<PollResponse> {
  const { exclusiveBeginTimestamp: begin, inclusiveEndTimestamp: end } = request
  if (begin !== undefined && end !== undefined && begin >= end) {
    throw failure('Exclusive_Begin_Timestamp must be before Inclusive_End_Timestamp')
  }
  const { account } = poller
  const collection = await getCollection(feed, account, request.collectionName)
  if ('subscriptionId' in request.by) {
    throw notFound('subscription', request.by.subscriptionId)
  }
  const { pollParameters } = request.by
  if (pollParameters.queryFormatId !== undefined) {
    throw unsupportedQuery(pollParameters.queryFormatId)
  }
  const binding = chooseBinding(collection, pollParameters)
  const stream = { collectionId: collection.id, binding }

  const beganMs = performance.now()
  const countsOnly = pollParameters.responseType === 'COUNT_ONLY'
  const fixed = await feed.fixRange(poller, stream, {
    ...(begin === undefined ? {} : { begin }),
    ...(end === undefined ? {} : { end }),
    countsOnly,
  })
  const { pollId, range } = fixed
  const entry = { pollId, beganMs }
  const beginMoved = range.begin !== begin
  const head: Omit<PollResponse, 'recordCount'> = {
    type: 'Poll_Response',
    entry,
    inResponseTo: request.messageId,
    collectionName: collection.name,
    range,
    contentBinding: binding,
    ...(beginMoved && { message: movedBegin(range) }),
  }
  return orBreakOff(
    ledger,
    () => entry,
    async () => {
      const recordCount = await feed.countBlocks(fixed.snapshot, range)
      if (recordCount === 0 || countsOnly) return { ...head, recordCount }
      const response = { ...head, recordCount }
      if (request.version === '1.0')
        return { ...response, blocks: feed.readBlocks(fixed.snapshot, range) }
      return answerWithBlocks(feed, account, collection, { ...fixed, beginMoved }, response)
    },
  )
}

async function answerWithBlocks(
  feed: Feed,
  account: Account,
  { pageSize }: Collection,
  { pollId, snapshot, range, beginMoved }: FixedRange & { readonly beginMoved: boolean },
  response: PollResponse,
): Promise<PollResponse> {
  if (pageSize !== undefined && response.recordCount > pageSize) {
    const set = await feed.createResultSet(account, snapshot, range, pageSize, beginMoved)
    // Withdrawals since the count can have brought it down to one part, which needs no set.
    if (set.partEnds.length > 1) {
      const note = (part: LabelRange) => feed.noteFirstPart(pollId, set.id, part)
      return answerPart(
        feed,
        set,
        1,
        { ...response, recordCount: set.recordCount },
        { enter: note, correct: note },
      )
    }
  }
  return { ...response, blocks: feed.readBlocks(snapshot, range) }
}

/**
 * A poll reads one stream, because blocks of several bindings would be the same indicators twice.
 * @returns the collection's favourite among the requested bindings
 */
function chooseBinding(
  collection: Collection,
  { contentBindings }: PollParameters,
): ContentBinding {
  const found = collection.bindings.find(
    (binding) =>
      contentBindings.length === 0 ||
      // No subtypes are published, so that a request for certain ones finds nothing.
      contentBindings.some((one) => one.bindingId === binding && one.subtypeIds.length === 0),
  )
  if (!found) throw unsupportedContent(collection.bindings)
  return found
}
