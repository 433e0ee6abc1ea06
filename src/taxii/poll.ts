import type { Account } from '../model/account.ts'
import type { Collection, ContentBinding } from '../model/collection.ts'
import type { LabelRange } from '../model/feed.ts'
import { type Feed, getCollection } from './feed.ts'
import type { PollParameters, PollRequest, PollResponse } from './messages.ts'
import { failure, notFound, unsupportedContent, unsupportedQuery } from './refusal.ts'
import { answerPart } from './result-set.ts'

/** @throws TaxiiRefusal */
export async function poll(
  feed: Feed,
  account: Account,
  request: PollRequest,
): Promise<PollResponse> {
  const { exclusiveBeginTimestamp: begin, inclusiveEndTimestamp: end } = request
  if (begin !== undefined && end !== undefined && begin >= end) {
    throw failure('Exclusive_Begin_Timestamp must be before Inclusive_End_Timestamp')
  }
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

  const fixed = await feed.fixRange(account, collection, {
    ...(begin === undefined ? {} : { begin }),
    ...(end === undefined ? {} : { end }),
  })
  const range = startAtEndAtLatest(fixed.range)
  const recordCount = await feed.countBlocks(stream, range)
  const response: PollResponse = {
    type: 'Poll_Response',
    inResponseTo: request.messageId,
    collectionName: collection.name,
    range,
    recordCount,
    contentBinding: binding,
  }
  if (recordCount === 0 || pollParameters.responseType === 'COUNT_ONLY') return response

  const { pageSize } = collection
  if (pageSize !== undefined && recordCount > pageSize) {
    const set = await feed.createResultSet(account, stream, range, pageSize)
    // Withdrawals since the count can have brought it down to one part, which needs no set.
    if (set.partEnds.length > 1) {
      return answerPart(feed, set, 1, { ...response, recordCount: set.recordCount })
    }
  }
  return { ...response, blocks: feed.readBlocks(stream, range) }
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

/**
 * A begin that lies ahead of the end is moved back to it. Answered as asked, the range would either
 * run backwards or end beyond what was considered, and a client going on from there would miss what
 * is published in between.
 */
function startAtEndAtLatest(range: LabelRange): LabelRange {
  const { begin, end } = range
  return begin !== undefined && begin > end ? { begin: end, end } : range
}
