import { messageBinding } from '../messages.ts'
import type { Asker } from './ask.ts'
import type { Device } from './device.ts'
import { PollFault } from './fault.ts'
import { collectionInformationRequest, discoveryRequest } from './requests.ts'
import type { AdvertisedCollection, AdvertisedInstance, AdvertisedService } from './response.ts'
import { cutText, nameSome } from './server-text.ts'
import type { Warn } from './warnings.ts'

export interface DiscoveryParts {
  readonly asker: Asker
  readonly device: Device
  /** a password or a certificate goes with each request */
  readonly hasCredentials: boolean
  readonly warn: Warn
}

/**
 * Finds where a collection is polled, as the device does: cabby takes the one poll service that is advertised,
 * the others ask for the collection and take the first of its own.
 * @throws PollFault where the device would get no further
 */
export async function discoverPollAddress(
  url: URL,
  collection: string,
  bindings: readonly string[],
  parts: DiscoveryParts,
): Promise<URL> {
  const { asker, device, warn } = parts
  const { instances } = await asker.ask(url, discoveryRequest(), 'Discovery_Response')
  for (const one of instances) checkAddress(one.address, url, one.serviceType, warn)
  if (!device.discovers) {
    const polls = instances.filter(({ serviceType }) => serviceType === 'POLL')
    if (polls.length > 1) {
      throw new PollFault(
        'not-advertised',
        `${polls.length} poll services are advertised, and ${device.title} cannot choose`,
        { advice: [`poll one of them without --discover: ${addresses(polls)}`] },
      )
    }
    return followAddress(getFirst(polls, 'POLL', instances).address, url, parts)
  }
  const managers = instances.filter(({ serviceType }) => serviceType === 'COLLECTION_MANAGEMENT')
  const manager = getFirst(managers, 'COLLECTION_MANAGEMENT', instances)
  if (!manager.available) {
    warn({
      rule: 'unavailable',
      text: 'a service is advertised as not available',
      where: manager.address,
    })
  }
  const managerUrl = followAddress(manager.address, url, parts)
  const { collections } = await asker.ask(
    managerUrl,
    collectionInformationRequest(),
    'Collection_Information_Response',
  )
  const found = collections.find(({ name }) => name === collection)
  if (!found) {
    throw new PollFault('not-advertised', `the server advertises no collection "${collection}"`, {
      advice: [
        collections.length > 0
          ? `it advertises: ${nameSome(collections.map((one) => one.name))}`
          : 'it advertises none to this account: check the account and what it may read',
      ],
    })
  }
  return followAddress(checkCollection(found, bindings, parts).address, url, parts)
}

/** What MineMeld, the Threat Intelligence Director and others were seen to stumble over. */
function checkCollection(
  collection: AdvertisedCollection,
  bindings: readonly string[],
  { device, warn }: DiscoveryParts,
): AdvertisedService {
  const { name, collectionType, available, contentBindings, pollingServices } = collection
  const isMinemeld = device.name === 'minemeld'
  const stumble = (rule: string, text: string, where: string) => {
    if (isMinemeld)
      throw new PollFault('not-advertised', `${device.title} stops here: ${text} (${where})`)
    warn({ rule, text, where })
  }
  if (collectionType !== 'DATA_FEED') {
    stumble(
      'data-set',
      'the collection is no DATA_FEED, which some clients do not know',
      collectionType,
    )
  }
  if (!available) {
    warn({
      rule: 'unavailable',
      text: 'the collection is advertised as not available',
      where: name,
    })
  }
  const [first] = pollingServices
  if (!first) {
    throw new PollFault(
      'not-advertised',
      `the collection "${name}" is advertised without a poll service`,
      {
        advice: ['the server has to name a Polling_Service for it'],
      },
    )
  }
  if (first.messageBindings[0] !== messageBinding) {
    stumble(
      'message-binding',
      `the first message binding of its poll service is not ${messageBinding}, and clients look at the first alone`,
      first.messageBindings[0] ?? 'none',
    )
  }
  const offered = contentBindings.length === 0 || bindings.length === 0
  if (!offered && !bindings.some((one) => contentBindings.includes(one))) {
    stumble(
      'content-binding',
      `the collection does not offer the content binding that is asked for, ${bindings.join(', ')}`,
      nameSome(contentBindings),
    )
  }
  return first
}

function getFirst(
  found: readonly AdvertisedInstance[],
  type: string,
  all: readonly AdvertisedInstance[],
): AdvertisedInstance {
  const [first] = found
  if (first) return first
  throw new PollFault('not-advertised', `the server advertises no ${type} service`, {
    advice: [
      all.length > 0
        ? `it advertises: ${nameSome(all.map((one) => `${one.serviceType} at ${one.address}`))}`
        : 'its Discovery_Response is empty',
    ],
  })
}

/** Characters; servers and proxies refuse requests to much longer ones. */
const maxAddressLength = 2_000

function checkAddress(address: string, url: URL, what: string, warn: Warn): void {
  if (address.length > maxAddressLength || !URL.canParse(address)) {
    warn({
      rule: 'address',
      text: 'an advertised address is not absolute, or longer than 2,000 characters: clients cannot use it',
      where: `${cutText(what, 50)}: ${cutText(address)}`,
    })
    return
  }
  const { protocol, host } = new URL(address)
  if (protocol !== url.protocol) {
    warn({
      rule: 'scheme',
      text: 'an advertised address has another scheme than the server was asked by, where clients fail (Taxiway: TAXIWAY_PUBLIC_URL)',
      where: `${cutText(what, 50)}: ${cutText(address)}`,
    })
  } else if (host !== url.host) {
    warn({
      rule: 'host',
      text: 'an advertised address has another host or port than the server was asked by',
      where: `${cutText(what, 50)}: ${cutText(address)}`,
    })
  }
}

/** @throws PollFault foreign-address, rather than send credentials to another server */
function followAddress(address: string, url: URL, { hasCredentials }: DiscoveryParts): URL {
  const isShort = address.length <= maxAddressLength
  const target = isShort && URL.canParse(address, url.href) ? new URL(address, url.href) : undefined
  if (!target || !/^https?:$/.test(target.protocol)) {
    throw new PollFault(
      'not-advertised',
      `the advertised address cannot be used: ${cutText(address)}`,
    )
  }
  target.username = ''
  target.password = ''
  if (hasCredentials && target.origin !== url.origin) {
    throw new PollFault(
      'foreign-address',
      `the advertised address ${cutText(target.href)} is on another server than ${url.origin}, to which no credentials are sent`,
      {
        advice: [
          'the server has to know how it is called from outside (Taxiway: TAXIWAY_PUBLIC_URL)',
          'if the address is right, begin with one on that server',
        ],
      },
    )
  }
  return target
}

function addresses(services: readonly AdvertisedService[]): string {
  return nameSome(services.map(({ address }) => address))
}
