import { TaxiwayError } from '../model/errors.ts'
import type { Hook } from './who-is-asking.ts'

class CrossSite extends TaxiwayError {
  constructor() {
    super(
      'NOT_PERMITTED',
      'a page of another site may not change anything here; ask from a page of this server, or without a browser',
    )
  }
}

const harmless = new Set(['GET', 'HEAD', 'OPTIONS'])

/**
 * A browser sends a client certificate along by itself, whatever page asks for it: what would change
 * something is refused when the browser says that a page of another site asks.
 * @param publicUrl what browsers call this server; undefined: the Host that each request names
 * @returns an onRequest hook that throws a TaxiwayError NOT_PERMITTED
 */
export function crossSiteHook(publicUrl: string | undefined): Hook {
  const publicHost = publicUrl === undefined ? undefined : new URL(publicUrl).host
  return async ({ method, headers, host }) => {
    if (harmless.has(method)) return
    if (headers['sec-fetch-site'] === 'cross-site') throw new CrossSite()
    const { origin } = headers
    if (origin === undefined) return
    // A proxy may speak another scheme to this server than the browser to the proxy.
    const from = URL.canParse(origin) ? new URL(origin).host : undefined
    if (from === undefined || (from !== publicHost && from !== withoutDefaultPort(origin, host))) {
      throw new CrossSite()
    }
  }
}

function withoutDefaultPort(origin: string, host: string): string | undefined {
  const url = `${origin.split(':', 1)[0]}://${host}`
  return URL.canParse(url) ? new URL(url).host : undefined
}
