import type { Collection, ContentBinding } from '../model/collection.ts'
import { formatMicros, type Micros } from '../model/micros.ts'
import { type Feed, getCollection, type Poller } from './feed.ts'
import type { PollParameters, PollRequest, PollResponse } from './messages.ts'
import { failure, notFound, unsupportedContent, unsupportedQuery } from './refusal.ts'
import { answerPart } from './result-set.ts'

/** @throws TaxiiRefusal */
export async function poll(
  feed: Feed,
  poller: Poller,
  request: PollRequest,
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

  const countsOnly = pollParameters.responseType === 'COUNT_ONLY'
  const { pollId, range, snapshot } = await feed.fixRange(poller, stream, {
    ...(begin === undefined ? {} : { begin }),
    ...(end === undefined ? {} : { end }),
    countsOnly,
  })
  const recordCount = await feed.countBlocks(snapshot, range)
  const response: PollResponse = {
    type: 'Poll_Response',
    pollId,
    inResponseTo: request.messageId,
    collectionName: collection.name,
    range,
    recordCount,
    contentBinding: binding,
    ...(range.begin === begin ? {} : { message: movedBegin(range.begin) }),
  }
  if (recordCount === 0 || countsOnly) return response

  const { pageSize } = collection
  if (pageSize !== undefined && recordCount > pageSize) {
    const set = await feed.createResultSet(account, snapshot, range, pageSize)
    // Withdrawals since the count can have brought it down to one part, which needs no set.
    if (set.partEnds.length > 1) {
      return answerPart(feed, set, 1, { ...response, recordCount: set.recordCount })
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

function movedBegin(begin: Micros | undefined): string {
  const from = begin === undefined ? 'the first block' : formatMicros(begin)
  return (
    `The Exclusive_Begin_Timestamp of the request lies ahead of what this server has answered so ` +
    `far; this response covers the time from ${from} on, so that nothing is missed. Go on from its Inclusive_End_Timestamp.`
  )
}
