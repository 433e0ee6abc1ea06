import { ConfigError, UpstreamError } from '../../model/errors.ts'
import { shorten, withoutKey } from './text.ts'

/**
 * Where OTX's API lives, ending in `/api/v1/`; OTX_URL may name the site alone or the API itself.
 * @throws ConfigError
 */
export function otxApiUrl(url: string): URL {
  const base = URL.parse(url)
  if (!base || !/^https?:$/.test(base.protocol)) {
    throw new ConfigError('TAXIWAY_OTX_URL must be an address like https://otx.alienvault.com')
  }
  if (base.username || base.password) {
    throw new ConfigError('TAXIWAY_OTX_URL must hold no user name or password')
  }
  base.search = ''
  base.hash = ''
  base.pathname = `${base.pathname.replace(/\/+$/, '').replace(/\/api\/v1$/, '')}/api/v1/`
  return base
}

/** OTX's own addresses are 200 characters long. */
const maxNextLength = 8192

/**
 * Says which record the page that `next` names begins with, counted from 0. Nothing is ever sent to `next`
 * itself, but one that lies elsewhere tells that the answer is not OTX's, or that OTX_URL is wrong.
 * @param limit the records a page of the request, where `next` names none
 * @throws UpstreamError, retryable: caches in front of OTX have mixed up answers before
 */
export function readNextOffset(next: string, current: URL, limit: number, apiKey: string): number {
  const url = next.length > maxNextLength ? null : URL.parse(next, current.href)
  if (!url) throw badNext()
  if (url.origin !== current.origin || url.pathname !== current.pathname) {
    const where = shorten(withoutKey(`${url.origin}${url.pathname}`, apiKey), 120)
    throw new UpstreamError(
      'OTX_FOREIGN_NEXT',
      `OTX named a next page elsewhere (${where}); the key is only sent to ${current.origin}`,
      true,
    )
  }
  // Without a number it is the first page, as for OTX itself.
  const page = numberOf(url.searchParams.get('page') ?? '1')
  const size = numberOf(url.searchParams.get('limit') ?? String(limit))
  return (page - 1) * size
}

function numberOf(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw badNext()
  return Number(text)
}

function badNext(): UpstreamError {
  return new UpstreamError('OTX_BAD_NEXT', 'OTX named a next page that is no address', true)
}

/** As OTX reads a moment: UTC without a zone. */
export function otxMoment(date: Date): string {
  return date.toISOString().slice(0, -1)
}
