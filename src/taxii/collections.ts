import type { Account } from '../model/account.ts'
import { type PublicAddress, serviceContact } from './discovery.ts'
import type { Feed } from './feed.ts'
import type { CollectionInformationRequest, CollectionInformationResponse } from './messages.ts'

/** @param feed undefined: nothing of it may be read this way */
export async function listCollections(
  feed: Feed | undefined,
  account: Account,
  request: CollectionInformationRequest,
  address: PublicAddress,
): Promise<CollectionInformationResponse> {
  const readable = feed ? await feed.listCollections(account) : []
  const pollingServices = [serviceContact('POLL', address)]
  return {
    type: 'Collection_Information_Response',
    inResponseTo: request.messageId,
    collections: readable.map(({ name, description, bindings }) => ({
      collectionName: name,
      description,
      contentBindings: bindings,
      pollingServices,
    })),
  }
}
