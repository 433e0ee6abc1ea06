import { type DiscoveryParts, inboxBindings, serviceContact } from './discovery.ts'
import type { CollectionInformationRequest, CollectionInformationResponse } from './messages.ts'

/** Each collection with what the account may do with it: poll it, subscribe to it, send to it. */
export async function listCollections(
  request: CollectionInformationRequest,
  { feed, account, permissions, address }: DiscoveryParts,
): Promise<CollectionInformationResponse> {
  const mayRead = permissions.has('feed:read')
  const maySend = permissions.has('feed:write')
  const polling = [serviceContact('POLL', address)]
  const subscription = [serviceContact('COLLECTION_MANAGEMENT', address)]
  const inbox = [{ ...serviceContact('INBOX', address), contentBindings: inboxBindings }]
  // A token that may do neither learns of none.
  const accessible = mayRead || maySend ? await feed.listCollections(account) : []
  return {
    type: 'Collection_Information_Response',
    inResponseTo: request.messageId,
    collections: accessible.flatMap(({ name, type, description, volume, bindings, access }) => {
      const reads = mayRead && access.read
      const sends = maySend && access.send
      if (!reads && !sends) return []
      return {
        collectionName: name,
        collectionType: type,
        description,
        volume: reads ? volume : undefined,
        contentBindings: bindings,
        pollingServices: reads ? polling : [],
        subscriptionServices: reads ? subscription : [],
        receivingInboxServices: sends ? inbox : [],
      }
    }),
  }
}
