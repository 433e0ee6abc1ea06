import type { Account } from '../model/account.ts'
import { type Collection, contentBindings } from '../model/collection.ts'
import type { Subscription } from '../model/subscription.ts'
import { type PublicAddress, serviceContact } from './discovery.ts'
import { type Feed, getCollection } from './feed.ts'
import type {
  SubscriptionInstance,
  SubscriptionManagementRequest,
  SubscriptionManagementResponse,
  SubscriptionParameters,
} from './messages.ts'
import { findBindings } from './poll.ts'
import {
  notFound,
  subscriptionEnded,
  unsupportedContent,
  unsupportedProtocol,
  unsupportedQuery,
} from './refusal.ts'

/**
 * Subscribes, ends, pauses, resumes or tells of subscriptions, which are their account's own. All are polled;
 * nothing is pushed.
 * @throws TaxiiRefusal
 */
export async function manageSubscriptions(
  feed: Feed,
  account: Account,
  request: SubscriptionManagementRequest,
  address: PublicAddress,
): Promise<SubscriptionManagementResponse> {
  const collection = await getCollection(feed, account, request.collectionName)
  const { by } = request
  const respond = (
    subscriptions: readonly SubscriptionInstance[],
    message?: string,
  ): SubscriptionManagementResponse => ({
    type: 'Subscription_Management_Response',
    action: by.action,
    inResponseTo: request.messageId,
    collectionName: collection.name,
    ...(message !== undefined && { message }),
    subscriptions,
  })
  const tell = (one: Subscription) => toInstance(one, address)

  switch (by.action) {
    case 'SUBSCRIBE': {
      const terms = readTerms(collection, by.parameters)
      if (by.pushParameters) throw unsupportedProtocol()
      const accountId = account.id
      return respond([tell(await feed.subscribe({ ...terms, accountId }))])
    }
    case 'UNSUBSCRIBE': {
      const { subscriptionId } = by
      const ended = await feed.changeSubscription(
        account,
        collection,
        subscriptionId,
        'UNSUBSCRIBED',
      )
      if (ended) return respond([tell(ended)])
      // It succeeds, and tells no more of somebody else's subscription than of one that never was.
      return respond(
        [{ subscriptionId, status: 'UNSUBSCRIBED', parameters: undefined, pollInstances: [] }],
        `there is no subscription "${subscriptionId}" of yours to this collection, so nothing was ended`,
      )
    }
    case 'PAUSE':
    case 'RESUME': {
      const { subscriptionId } = by
      const status = by.action === 'PAUSE' ? 'PAUSED' : 'ACTIVE'
      const changed = await feed.changeSubscription(account, collection, subscriptionId, status)
      if (!changed) throw notFound('subscription', subscriptionId)
      if (changed.status === 'UNSUBSCRIBED') throw subscriptionEnded(subscriptionId)
      return respond([tell(changed)])
    }
    case 'STATUS': {
      const { subscriptionId } = by
      if (subscriptionId === undefined) {
        return respond((await feed.listSubscriptions(account, collection)).map(tell))
      }
      const found = await feed.findSubscription(account, collection, subscriptionId)
      if (!found) throw notFound('subscription', subscriptionId)
      return respond([tell(found)])
    }
  }
}

/**
 * Bindings that the collection does not have are left out where it has others of those that are named, and so the
 * same asked for in another order is the same.
 * @throws TaxiiRefusal UNSUPPORTED_CONTENT, UNSUPPORTED_QUERY
 */
function readTerms(
  collection: Collection,
  { responseType, contentBindings: requested, queryFormatId }: SubscriptionParameters,
) {
  const found = findBindings(collection, requested)
  if (found.length === 0) throw unsupportedContent(collection.bindings)
  if (queryFormatId !== undefined) throw unsupportedQuery(queryFormatId)
  return {
    collectionId: collection.id,
    responseType,
    contentBindings:
      requested.length === 0 ? [] : contentBindings.filter((one) => found.includes(one)),
  }
}

function toInstance(
  { id, status, responseType, contentBindings: bindings }: Subscription,
  address: PublicAddress,
): SubscriptionInstance {
  return {
    subscriptionId: id,
    status,
    parameters: { responseType, contentBindings: bindings },
    pollInstances: status === 'UNSUBSCRIBED' ? [] : [serviceContact('POLL', address)],
  }
}
