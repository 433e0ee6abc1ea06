import { formatNetwork, isSingleAddress, parseNetwork } from './address.ts'
import { normalDomain } from './domain.ts'
import type { ObservableType } from './observable.ts'
import { hasWebScheme, refangEmail, refangHost } from './refang.ts'
import { maxUrlLength, normalUrl } from './url.ts'

/** `problem` completes the sentence "the value …". */
export type NormalForm =
  | { readonly ok: true; readonly type: ObservableType; readonly value: string }
  | { readonly ok: false; readonly problem: string }

const maxTextBytes = 65_536

/**
 * Brings an observable to the one spelling under which it is stored, merged and published.
 * Where the value plainly is of another type than the source said (an IPv6 address sent as IPv4, a
 * SHA-256 sent as MD5, a URL sent as a domain), the type is corrected, so `type` may differ from the one given.
 * Never throws; a normal form is its own normal form.
 */
export function normalForm(type: ObservableType, value: string): NormalForm {
  const text = value.trim()
  if (text === '') return refused('is empty')
  switch (type) {
    case 'ipv4':
      return network(text) ?? refused('is not an IPv4 address')
    case 'ipv6':
      return network(text) ?? refused('is not an IPv6 address')
    case 'cidr':
      return network(text) ?? refused('is not a network in CIDR notation')
    case 'domain':
      return domain(text)
    case 'url':
      return url(text)
    case 'uri':
      return hasWebScheme(text) ? url(text) : uri(text)
    case 'email':
      return email(text)
    case 'md5':
    case 'sha1':
    case 'sha256':
      return fileHash(text)
    case 'pehash':
      return hexOf(type, text, 40)
    case 'imphash':
    case 'ja3':
      return hexOf(type, text, 32)
    case 'ssl-cert-fingerprint':
      return hexOf(type, text.replaceAll(':', ''), 40, 64)
    case 'cve':
      return cve(text)
    case 'bitcoin-address':
      return bitcoinAddress(text)
    case 'file-path':
    case 'mutex':
    case 'yara':
    case 'osquery':
      return freeText(type, text)
  }
}

function accepted(type: ObservableType, value: string): NormalForm {
  return { ok: true, type, value }
}

function refused(problem: string): NormalForm {
  return { ok: false, problem }
}

function network(text: string): NormalForm | undefined {
  // The longest address is 45 characters, its prefix 4; defanging may triple the dots.
  if (text.length > 128) return undefined
  const live = refangHost(text)
  const bare = live.startsWith('[') && live.endsWith(']') ? live.slice(1, -1) : live
  const parsed = parseNetwork(bare)
  if (!parsed) return undefined
  const single = parsed.version === 4 ? 'ipv4' : 'ipv6'
  return accepted(isSingleAddress(parsed) ? single : 'cidr', formatNetwork(parsed))
}

const maybeAddress = /^[[\d]|:/

function domain(text: string): NormalForm {
  if (hasWebScheme(text)) return url(text)
  const address = maybeAddress.test(text) ? network(text) : undefined
  if (address) return address
  const name = normalDomain(refangHost(text))
  return name === undefined ? refused('is not a domain name') : accepted('domain', name)
}

function url(text: string): NormalForm {
  // A path alone is OTX's "URI"; it names no host that could be blocked.
  if (text.startsWith('/') && !text.startsWith('//')) return uri(text)
  const result = normalUrl(text)
  return result.ok ? accepted('url', result.value) : result
}

function uri(text: string): NormalForm {
  if (text.length > maxUrlLength) return refused(`is longer than ${maxUrlLength} characters`)
  if (/[\s\p{C}]/u.test(text)) return refused('holds a space or a control character')
  return accepted('uri', text)
}

// The characters of RFC 5322 atoms and of RFC 6531; quoted local parts exist in grammars only.
const localPart = /^[^\s\p{C}"(),:;<>@[\\\]{}]+$/u
const maxLocalPartLength = 64
const maxEmailLength = 254

function email(text: string): NormalForm {
  if (text.length > maxUrlLength) return refused('is not an e-mail address')
  const live = refangEmail(text.replace(/^mailto:/i, ''))
  const at = live.indexOf('@')
  if (at < 0 || at !== live.lastIndexOf('@')) return refused('is not an e-mail address')
  const local = live.slice(0, at)
  if (local.length > maxLocalPartLength || !localPart.test(local))
    return refused('is not an e-mail address')
  const name = normalDomain(live.slice(at + 1))
  if (name === undefined) return refused('has no valid domain behind the @')
  const value = `${local}@${name}`
  return value.length > maxEmailLength
    ? refused(`is longer than ${maxEmailLength} characters`)
    : accepted('email', value)
}

const hex = /^[0-9a-f]+$/
const hashTypes: Readonly<Record<number, ObservableType>> = { 32: 'md5', 40: 'sha1', 64: 'sha256' }

function fileHash(text: string): NormalForm {
  const type = hashTypes[text.length]
  const value = text.toLowerCase()
  if (!type || !hex.test(value)) return refused('is not an MD5, SHA-1 or SHA-256 in hexadecimal')
  return accepted(type, value)
}

function hexOf(type: ObservableType, text: string, ...lengths: readonly number[]): NormalForm {
  const value = text.toLowerCase()
  if (lengths.includes(text.length) && hex.test(value)) return accepted(type, value)
  return refused(`is not ${lengths.join(' or ')} hexadecimal digits`)
}

function cve(text: string): NormalForm {
  if (!/^CVE-\d{4}-\d{4,19}$/i.test(text)) return refused('is not CVE-YYYY-NNNN')
  return accepted('cve', text.toUpperCase())
}

const base58 = /^[13][1-9A-HJ-NP-Za-km-z]{25,34}$/
const bech32 = /^bc1[02-9ac-hj-np-z]{11,87}$/

function bitcoinAddress(text: string): NormalForm {
  if (base58.test(text)) return accepted('bitcoin-address', text)
  // BIP 173: all in one case, lower case preferred.
  const lower = text === text.toUpperCase() ? text.toLowerCase() : text
  if (bech32.test(lower)) return accepted('bitcoin-address', lower)
  return refused('has not the shape of a Bitcoin address')
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what XML 1.0 cannot write
const notXml = /[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/

function freeText(type: ObservableType, text: string): NormalForm {
  // A UTF-16 unit is three bytes of UTF-8 at most.
  const long = text.length * 3 > maxTextBytes && Buffer.byteLength(text) > maxTextBytes
  if (long) return refused(`is longer than ${maxTextBytes} bytes`)
  if (notXml.test(text) || !text.isWellFormed())
    return refused('holds characters that XML cannot carry')
  return accepted(type, text)
}
