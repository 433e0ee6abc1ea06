import { BlockList, isIP } from 'node:net'
import type { FastifyRequest } from 'fastify'

/**
 * An onRequest hook that warns, once, of a proxy that the settings do not name: all its clients count as one
 * address, so that who guesses passwords there keeps the others out.
 * @param trusted addresses and CIDR blocks
 */
export function forwardedHook(
  trusted: readonly string[],
  log: { warn(details: object, message: string): void },
): (request: FastifyRequest) => Promise<void> {
  const isTrusted = createTrust(trusted)
  let told = false
  return async (request) => {
    if (told || request.headers['x-forwarded-for'] === undefined) return
    const { remoteAddress: address } = request.raw.socket
    if (address === undefined || isTrusted(address)) return
    told = true
    log.warn(
      { address },
      `${address} sends X-Forwarded-For and is not believed: TAXIWAY_TRUSTED_PROXIES does not name it. If it is your proxy, name it there: until then all its clients count as one address, also where wrong passwords are counted`,
    )
  }
}

function createTrust(trusted: readonly string[]): (address: string) => boolean {
  const list = new BlockList()
  for (const one of trusted) {
    const [address = '', prefix] = one.split('/')
    const type = isIP(address) === 6 ? 'ipv6' : 'ipv4'
    if (prefix === undefined) list.addAddress(address, type)
    else list.addSubnet(address, Number(prefix), type)
  }
  return (address) => list.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4')
}
