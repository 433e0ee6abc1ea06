import {
  type DiscoveryRequest,
  type DiscoveryResponse,
  messageBindings,
  protocolBindings,
  type Scheme,
  type ServiceContact,
  type ServiceInstance,
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

/** One instance for each service: given two of a type, cabby refuses to choose. */
export function discover(request: DiscoveryRequest, address: PublicAddress): DiscoveryResponse {
  const offered = [
    ['DISCOVERY', 'lists the services of this server'],
    ['COLLECTION_MANAGEMENT', 'lists the collections that may be polled'],
    ['POLL', 'serves the content of collections'],
  ] as const
  const serviceInstances = offered.map(
    ([serviceType, message]): ServiceInstance => ({
      ...serviceContact(serviceType, address),
      serviceType,
      message,
    }),
  )
  return { type: 'Discovery_Response', inResponseTo: request.messageId, serviceInstances }
}
