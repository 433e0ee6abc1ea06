import type { Account } from '../model/account.ts'
import type { Collection, ContentBinding } from '../model/collection.ts'
import type { LabelRange } from '../model/feed.ts'
import type { Micros } from '../model/micros.ts'
import { type Feed, type FixedRange, getCollection, type Poller } from './feed.ts'
import { type Ledger, orBreakOff } from './ledger.ts'
import type { PollParameters, PollRequest, PollResponse, RequestedBinding } from './messages.ts'
import {
  failure,
  notFound,
  subscriptionEnded,
  unsupportedContent,
  unsupportedProtocol,
  unsupportedQuery,
} from './refusal.ts'
import { answerPart, movedBegin } from './result-set.ts'

/** @throws TaxiiRefusal */
export async function poll(
  feed: Feed,
  poller: Poller,
  request: PollRequest,
  ledger: Ledger,
): Promise<PollResponse> {
  const { account } = poller
  const collection = await getCollection(feed, account, request.collectionName)
  const asked = considerTimes(collection, request)
  const terms = await getTerms(feed, account, collection, request)
  if (terms.queryFormatId !== undefined) throw unsupportedQuery(terms.queryFormatId)
  const binding = chooseBinding(collection, terms.contentBindings)
  if (terms.deliveryParameters) throw unsupportedProtocol()
  const stream = { collectionId: collection.id, binding }

  const beganMs = performance.now()
  const countsOnly = terms.responseType === 'COUNT_ONLY'
  if (countsOnly && request.version === '1.0') throw cannotCount()
  const fixed = await feed.fixRange(poller, stream, { ...asked, countsOnly })
  const { pollId, range } = fixed
  const entry = { pollId, beganMs }
  const beginMoved = range.begin !== asked.begin
  const { subscriptionId } = terms
  const head: Omit<PollResponse, 'recordCount'> = {
    type: 'Poll_Response',
    entry,
    inResponseTo: request.messageId,
    collectionName: collection.name,
    collectionType: collection.type,
    ...(subscriptionId !== undefined && { subscriptionId }),
    range,
    contentBinding: binding,
    ...(beginMoved && { message: movedBegin(range) }),
  }
  return orBreakOff(
    ledger,
    () => entry,
    async () => {
      const recordCount = fixed.isEmpty ? 0 : await feed.countBlocks(fixed.snapshot, range)
      if (recordCount === 0 || countsOnly) return { ...head, recordCount }
      const response = { ...head, recordCount }
      if (request.version === '1.0')
        return { ...response, blocks: feed.readBlocks(fixed.snapshot, range) }
      return answerWithBlocks(feed, account, collection, { ...fixed, beginMoved }, response)
    },
  )
}

/**
 * What of a request's times counts: of a data set nothing (services specification 1.1, section 4.4.8). TAXII 1.0
 * knows no data sets, so that its clients read them as feeds.
 * @throws TaxiiRefusal FAILURE
 */
function considerTimes(
  { type }: Collection,
  { version, exclusiveBeginTimestamp: begin, inclusiveEndTimestamp: end }: PollRequest,
): { readonly begin?: Micros; readonly end?: Micros } {
  if (type === 'data-set' && version === '1.1') return {}
  if (begin !== undefined && end !== undefined && begin >= end) {
    throw failure('Exclusive_Begin_Timestamp must be before Inclusive_End_Timestamp')
  }
  return { ...(begin !== undefined && { begin }), ...(end !== undefined && { end }) }
}

/** Without its blocks an answer would pass for an empty one, and its client would go on behind it. */
function cannotCount() {
  return failure(
    'the subscription is for COUNT_ONLY, and TAXII 1.0 has no counts: poll it by TAXII 1.1',
  )
}

type Terms = Omit<PollParameters, 'allowAsynch'> & { readonly subscriptionId?: string }

/**
 * By a subscription's id the subscription alone says what is answered; one that is paused is polled as ever.
 * @throws TaxiiRefusal NOT_FOUND, with the same words for one that is unknown or somebody else's
 */
async function getTerms(
  feed: Feed,
  account: Account,
  collection: Collection,
  { by }: PollRequest,
): Promise<Terms> {
  if ('pollParameters' in by) return by.pollParameters
  const { subscriptionId } = by
  const found = await feed.findSubscription(account, collection, subscriptionId)
  if (!found) throw notFound('subscription', subscriptionId)
  if (found.status === 'UNSUBSCRIBED') throw subscriptionEnded(subscriptionId)
  return {
    responseType: found.responseType,
    contentBindings: found.contentBindings.map((bindingId) => ({ bindingId, subtypeIds: [] })),
    queryFormatId: undefined,
    deliveryParameters: undefined,
    subscriptionId,
  }
}

async function answerWithBlocks(
  feed: Feed,
  account: Account,
  { pageSize }: Collection,
  { pollId, snapshot, range, beginMoved }: FixedRange & { readonly beginMoved: boolean },
  response: PollResponse,
): Promise<PollResponse> {
  if (pageSize !== undefined && response.recordCount > pageSize) {
    const set = await feed.createResultSet(
      account,
      snapshot,
      range,
      pageSize,
      beginMoved,
      response.subscriptionId,
    )
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
  requested: readonly RequestedBinding[],
): ContentBinding {
  const [found] = findBindings(collection, requested)
  if (!found) throw unsupportedContent(collection.bindings)
  return found
}

/** @returns those of the collection's bindings that are requested, in its order */
export function findBindings(
  { bindings }: Collection,
  requested: readonly RequestedBinding[],
): readonly ContentBinding[] {
  if (requested.length === 0) return bindings
  // No subtypes are published, so that a request for certain ones finds nothing.
  return bindings.filter((binding) =>
    requested.some((one) => one.bindingId === binding && one.subtypeIds.length === 0),
  )
}
