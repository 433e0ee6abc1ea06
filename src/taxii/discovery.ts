import type { Account } from '../model/account.ts'
import { contentBindings } from '../model/collection.ts'
import type { Permission } from '../model/permission.ts'
import type { Feed } from './feed.ts'
import {
  type DiscoveryRequest,
  type DiscoveryResponse,
  messageBindings,
  protocolBindings,
  type Scheme,
  type ServiceContact,
  type ServiceInstance,
  type ServiceType,
} from './messages.ts'

/** Where this server is reached, as its clients see it. */
export interface PublicAddress {
  readonly scheme: Scheme
  /** without a slash at the end */
  readonly url: string
}

export const servicePaths = {
  DISCOVERY: '/taxii/discovery',
  COLLECTION_MANAGEMENT: '/taxii/collections',
  POLL: '/taxii/poll',
  INBOX: '/taxii/inbox',
} as const

export function serviceContact(
  service: keyof typeof servicePaths,
  { scheme, url }: PublicAddress,
): ServiceContact {
  return {
    protocolBinding: protocolBindings[scheme],
    address: `${url}${servicePaths[service]}`,
    messageBindings,
  }
}

/** The content bindings that an Inbox_Message may bring, those first that are published too. */
export const inboxBindings: readonly string[] = [
  ...contentBindings,
  'urn:stix.mitre.org:xml:1.1',
  'urn:stix.mitre.org:xml:1.0.1',
  'urn:stix.mitre.org:xml:1.0',
]

export interface DiscoveryParts {
  readonly feed: Feed
  readonly account: Account
  readonly permissions: ReadonlySet<Permission>
  readonly address: PublicAddress
}

/** One instance for each service: given two of a type, cabby refuses to choose. */
export async function discover(
  request: DiscoveryRequest,
  { feed, account, permissions, address }: DiscoveryParts,
): Promise<DiscoveryResponse> {
  const mayRead = permissions.has('feed:read')
  const maySend = permissions.has('feed:write') && (await feed.maySend(account))
  const instance = (
    serviceType: ServiceType,
    available: boolean,
    message: string,
  ): ServiceInstance => ({
    ...serviceContact(serviceType, address),
    serviceType,
    available,
    message,
  })
  return {
    type: 'Discovery_Response',
    inResponseTo: request.messageId,
    serviceInstances: [
      instance('DISCOVERY', true, 'lists the services of this server'),
      instance(
        'COLLECTION_MANAGEMENT',
        true,
        'lists the collections that may be polled or sent to, and manages subscriptions to them',
      ),
      instance('POLL', mayRead, 'serves the content of collections'),
      {
        ...instance('INBOX', maySend, 'takes content for the collections that allow it'),
        contentBindings: inboxBindings,
      },
    ],
  }
}
