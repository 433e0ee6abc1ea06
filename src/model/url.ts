import { URL } from 'node:url'
import { parseIpv4 } from './address.ts'
import { normalHostName } from './domain.ts'
import { hasWebScheme, refangUrl } from './refang.ts'

export const maxUrlLength = 4096

const spaceOrControl = /[\s\p{Cc}]/u
const anyScheme = /^[a-z][a-z0-9+.-]*:\/\//i

export type UrlResult =
  | { readonly ok: true; readonly value: string }
  | { readonly ok: false; readonly problem: string }

/**
 * Brings a URL to the form in which mail and web gateways compare it: what a browser requests.
 *
 * User info is dropped: it never reaches the server as part of the URL, gateways match host and
 * path, and a feed must not hand out credentials.
 *
 * A fragment is dropped, since the server never sees it and phishing mails put the recipient's
 * address there. It stays where it is all that tells the page: on the root path (mega.nz/#F!abc
 * must not become mega.nz) and for pages routed in the browser (#!… and #/…).
 */
export function normalUrl(text: string): UrlResult {
  if (text.length > maxUrlLength) return refused(`longer than ${maxUrlLength} characters`)
  if (spaceOrControl.test(text)) return refused('holds a space or a control character')
  const live = refangUrl(text)
  const scheme = hasWebScheme(live)
  if (!scheme && anyScheme.test(live)) return refused('is not http, https or ftp')
  const candidate = scheme ? live : schemed(live)
  const url = candidate === undefined ? null : URL.parse(candidate)
  if (!url) return refused('is not a URL with a host')
  const host = urlHostName(url.hostname)
  if (host === undefined) return refused('has a malformed host name')
  // A word alone is no URL; "http://word" is one, however useless.
  if (!scheme && !host.includes('.') && !host.startsWith('['))
    return refused('is not a URL with a host')
  const port = url.port === '' ? '' : `:${url.port}`
  const value = `${url.protocol}//${host}${port}${url.pathname}${url.search}${keptFragment(url)}`
  // Percent-encoding may have made it longer.
  if (value.length > maxUrlLength) return refused(`longer than ${maxUrlLength} characters`)
  return { ok: true, value }
}

/** The host of a URL in normal form, without the brackets of IPv6. */
export function hostOfNormalUrl(url: string): string {
  const start = url.indexOf('://') + 3
  const bracket = url.charCodeAt(start) === 91
  if (bracket) return url.slice(start + 1, url.indexOf(']', start))
  let end = start
  for (; end < url.length; end++) {
    const code = url.charCodeAt(end)
    if (code === 47 || code === 58) break
  }
  return url.slice(start, end)
}

function schemed(text: string): string | undefined {
  const authority = text.replace(/^\/\//, '').split(/[/?#\\]/, 1)[0] as string
  // "mailto:joe@example.com" would turn into a URL of example.com.
  if (authority === '' || authority.includes('@')) return undefined
  return text.startsWith('//') ? `http:${text}` : `http://${text}`
}

function urlHostName(hostname: string): string | undefined {
  if (hostname.startsWith('[') || parseIpv4(hostname) !== undefined) return hostname
  return normalHostName(hostname)
}

function keptFragment(url: URL): string {
  if (url.hash === '') return ''
  const onlyFragment = url.pathname === '/' && url.search === ''
  return onlyFragment || /^#[!/]/.test(url.hash) ? url.hash : ''
}

function refused(problem: string): UrlResult {
  return { ok: false, problem }
}
