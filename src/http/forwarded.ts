import type { FastifyRequest } from 'fastify'

/**
 * An onRequest hook that warns, once, of a proxy that the settings do not name: all its clients count as one
 * address, so that who guesses passwords there keeps the others out.
 */
export function forwardedHook(log: {
  warn(details: object, message: string): void
}): (request: FastifyRequest) => Promise<void> {
  let told = false
  return async (request) => {
    if (told || request.headers['x-forwarded-for'] === undefined) return
    // Beside the peer there is another address only where the peer is believed.
    if ((request.ips ?? []).length > 1) return
    told = true
    const { remoteAddress: address } = request.raw.socket
    log.warn(
      { address },
      `${address} sends X-Forwarded-For and is not believed: TAXIWAY_TRUSTED_PROXIES does not name it. If it is your proxy, name it there: until then all its clients count as one address, also where wrong passwords are counted`,
    )
  }
}
