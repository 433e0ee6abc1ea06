import { createAsker } from './ask.ts'
import { PollFault } from './fault.ts'
import { collectionInformationRequest, discoveryRequest } from './requests.ts'
import type { SessionParts } from './session.ts'

export interface Surroundings {
  /** where the server says that collections are polled */
  readonly pollAddresses: readonly string[]
  /** undefined where the server does not tell */
  readonly collections: readonly string[] | undefined
}

/**
 * Asks a server that gave nothing what it has, once each: no device does, but whoever looks for the reason would.
 * @returns undefined where it tells nothing
 */
export async function lookAround(url: URL, parts: SessionParts): Promise<Surroundings | undefined> {
  const silent = { ...parts, warn: () => {}, onRequest: () => {} }
  const asker = createAsker(silent)
  const handlers = { attempts: 1 }
  // Many servers have their discovery beside their poll service.
  for (const place of [url, new URL('discovery', url)]) {
    try {
      const { instances } = await asker.ask(
        place,
        discoveryRequest(),
        'Discovery_Response',
        handlers,
      )
      const of = (type: string) =>
        instances.filter((one) => one.serviceType === type).map(({ address }) => address)
      const [manager = ''] = of('COLLECTION_MANAGEMENT')
      return { pollAddresses: of('POLL'), collections: await findCollections(manager) }
    } catch (error) {
      if (!(error instanceof PollFault)) throw error
    }
  }
  return undefined

  async function findCollections(address: string): Promise<readonly string[] | undefined> {
    const target = URL.canParse(address, url.href) ? new URL(address, url.href) : undefined
    // The password stays with its server.
    if (target?.origin !== url.origin) return undefined
    try {
      const message = collectionInformationRequest()
      const answer = await asker.ask(target, message, 'Collection_Information_Response', handlers)
      return answer.collections.map(({ name }) => name)
    } catch (error) {
      if (error instanceof PollFault) return undefined
      throw error
    }
  }
}
