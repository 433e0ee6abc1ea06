import { createHash } from 'node:crypto'
import { type ObservableType, observableTypes } from '../model/observable.ts'
import type { WarninglistContent } from './prepare-warninglist.ts'
import type { WarninglistEffect, WarninglistKind } from './warninglists.ts'

const addresses = ['ipv4', 'ipv6', 'cidr'] as const
const hosts = ['domain', ...addresses] as const

/** What MISP's attribute types are called here. One that is missing is nothing that Taxiway publishes. */
const typesByAttribute: Readonly<Record<string, readonly ObservableType[]>> = Object.freeze({
  'ip-src': addresses,
  'ip-dst': addresses,
  'ip-src|port': addresses,
  'ip-dst|port': addresses,
  domain: ['domain'],
  hostname: ['domain'],
  'hostname|port': ['domain'],
  'domain|ip': hosts,
  url: ['url'],
  link: ['url'],
  uri: ['url', 'uri'],
  email: ['email'],
  'email-src': ['email'],
  'email-dst': ['email'],
  'email-reply-to': ['email'],
  'target-email': ['email'],
  'whois-registrant-email': ['email'],
  'dns-soa-email': ['email'],
  md5: ['md5'],
  'filename|md5': ['md5'],
  sha1: ['sha1'],
  'filename|sha1': ['sha1'],
  sha256: ['sha256'],
  'filename|sha256': ['sha256'],
  'malware-sample': ['md5'],
  imphash: ['imphash'],
  'filename|imphash': ['imphash'],
  pehash: ['pehash'],
  'filename|pehash': ['pehash'],
  filename: ['file-path'],
  mutex: ['mutex'],
  vulnerability: ['cve'],
  yara: ['yara'],
  'ja3-fingerprint-md5': ['ja3'],
  'x509-fingerprint-sha1': ['ssl-cert-fingerprint'],
  'x509-fingerprint-sha256': ['ssl-cert-fingerprint'],
  btc: ['bitcoin-address'],
})

const typesByKind: Readonly<Record<WarninglistKind, readonly ObservableType[]>> = {
  string: observableTypes,
  substring: observableTypes,
  hostname: ['domain', ...addresses, 'url', 'email'],
  cidr: [...addresses, 'url'],
  regex: observableTypes,
}

/**
 * Of which types a list speaks, in the order of observableTypes.
 * @param attributes `matching_attributes`; none: all types of which its kind can speak
 */
export function typesOfAttributes(
  kind: WarninglistKind,
  attributes: readonly string[] = [],
): { readonly types: readonly ObservableType[]; readonly unknown: readonly string[] } {
  if (attributes.length === 0) return { types: typesByKind[kind], unknown: [] }
  const known = attributes.filter((name) => Object.hasOwn(typesByAttribute, name))
  const spoken = new Set(known.flatMap((name) => typesByAttribute[name] ?? []))
  return {
    types: observableTypes.filter((type) => spoken.has(type)),
    unknown: attributes.filter((name) => !Object.hasOwn(typesByAttribute, name)),
  }
}

/**
 * What a list does when nobody has said it. Ranges that are known for whose they are, are those of clouds and
 * networks in which good and bad live side by side; MISP's own lists of them name no category.
 */
export function defaultEffect(
  kind: WarninglistKind,
  category: string | undefined,
): WarninglistEffect {
  const known = category?.toLowerCase()
  if (known === 'false positive') return 'block'
  if (known === 'known identifier') return kind === 'cidr' ? 'lower' : 'inform'
  return kind === 'cidr' ? 'lower' : 'block'
}

/** The same for the same kind, types and entries. */
export function digestOfWarninglist({ kind, types, entries }: WarninglistContent): string {
  return createHash('sha256')
    .update(`${kind}\n${types.join(' ')}\n`)
    .update(entries.join('\n'))
    .digest('hex')
}
