import { domainToASCII } from 'node:url'
import { getDomain, getPublicSuffix } from 'tldts'

const maxDomainLength = 253
const maxLabelLength = 63
// Underscores and outer hyphens are no host names of RFC 952, but resolvers answer them and
// attackers use them (_dmarc look-alikes, blogspot names that end in a hyphen).
const labelsOnly = /^[a-z0-9_-]+(?:\.[a-z0-9_-]+)*$/
const topLevel = /\.(?:[a-z]{2,}|xn--[a-z0-9-]*[a-z0-9])$/
const plainAscii = /^[a-z0-9._-]*$/
// domainToASCII reads a URL's authority: without this it takes "a.com/b" for "a.com".
const unsafeAscii = /[\0-,/:-@[-^`{-\x7f]/

/**
 * Brings a domain name to the form that DNS carries: lower case, punycode, no trailing dot.
 * @returns undefined for what is no fully qualified domain name, wildcards and bare TLDs included
 */
export function normalDomain(text: string): string | undefined {
  const name = normalHostName(text)
  return name !== undefined && topLevel.test(name) ? name : undefined
}

/** Like normalDomain, but also takes names without a dot ("localhost"), as URLs may hold them. */
export function normalHostName(text: string): string | undefined {
  // Each character of the name may be several bytes, and decoding must not be paid for novels.
  if (text.length > 1024) return undefined
  let name = text.toLowerCase()
  if (!plainAscii.test(name)) {
    if (unsafeAscii.test(name)) return undefined
    name = domainToASCII(name)
  }
  if (name.endsWith('.')) name = name.slice(0, -1)
  if (name === '' || name.length > maxDomainLength || !labelsOnly.test(name)) return undefined
  return hasLongLabel(name) ? undefined : name
}

function hasLongLabel(name: string): boolean {
  if (name.length <= maxLabelLength) return false
  return name.split('.').some((label) => label.length > maxLabelLength)
}

const suffixOptions = {
  // github.io, duckdns.org and the like are as many people's as co.uk is.
  allowPrivateDomains: true,
  extractHostname: false,
  validateHostname: false,
  detectIp: false,
}

/** Whether a normal domain is one under which the public registers names, as the Public Suffix List knows them. */
export function isPublicSuffix(domain: string): boolean {
  return getPublicSuffix(domain, suffixOptions) === domain
}

/**
 * Finds the part of a normal domain that somebody has registered, such as bbc.co.uk or one customer's name
 * under github.io.
 * @returns undefined where the whole is one under which names are registered
 */
export function findRegistrableDomain(domain: string): string | undefined {
  return getDomain(domain, suffixOptions) ?? undefined
}
