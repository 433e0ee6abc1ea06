import { ConfigError, UpstreamError } from '../../model/errors.ts'

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

/**
 * The address of the page after `current`. It may lie on the same path of the same origin only, because the
 * key travels with the request.
 * @throws UpstreamError, retryable: caches in front of OTX have mixed up answers before
 */
export function nextPageUrl(next: string, current: URL): URL {
  const url = URL.parse(next, current.href)
  if (!url)
    throw new UpstreamError('OTX_BAD_NEXT', 'OTX named a next page that is no address', true)
  if (url.origin !== current.origin || url.pathname !== current.pathname) {
    const where = `${url.origin}${url.pathname}`.slice(0, 120)
    throw new UpstreamError(
      'OTX_FOREIGN_NEXT',
      `OTX named a next page elsewhere (${where}); the key is only sent to ${current.origin}`,
      true,
    )
  }
  url.hash = ''
  url.username = ''
  url.password = ''
  // The order of parameters is the server's whim; one order makes repeated addresses comparable.
  url.searchParams.sort()
  return url
}
