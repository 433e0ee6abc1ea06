import type { Profile, Shape } from '../model/collection.ts'
import type { ObservableType } from '../model/observable.ts'
import { listDelimiter, type RenderableType } from './cybox.ts'

/** What a package can be about: an observable, or a rule or vulnerability, for which STIX has places of their own. */
export type PublishableType = RenderableType | 'yara' | 'cve'

/*
 * esa: the four families that Cisco Secure Email Gateway reads.
 * tid: what Threat Intelligence Director reads; of hashes SHA-256 alone.
 * full: all that STIX 1 has a place for, blocks of addresses where the collection asks for them.
 */
const typesByProfile = {
  esa: ['ipv4', 'ipv6', 'domain', 'url', 'md5', 'sha1', 'sha256'],
  tid: ['ipv4', 'ipv6', 'domain', 'url', 'sha256'],
  full: [
    ...([
      'ipv4',
      'ipv6',
      'cidr',
      'domain',
      'url',
      'email',
      'md5',
      'sha1',
      'sha256',
      'pehash',
    ] as const),
    ...(['imphash', 'file-path', 'mutex', 'cve', 'yara'] as const),
  ],
} as const satisfies Record<Profile, readonly PublishableType[]>

/** `cidr` is among those of `full`, whatever the collection's setting. */
export function publishableTypes(profile: Profile): readonly PublishableType[] {
  return typesByProfile[profile]
}

const plurals: Readonly<Record<ObservableType, string>> = {
  ipv4: 'IPv4 addresses',
  ipv6: 'IPv6 addresses',
  cidr: 'CIDR blocks',
  domain: 'domains',
  url: 'URLs',
  uri: 'URIs without a host',
  email: 'e-mail addresses',
  md5: 'MD5 hashes',
  sha1: 'SHA-1 hashes',
  sha256: 'SHA-256 hashes',
  pehash: 'PE hashes',
  imphash: 'import hashes',
  'file-path': 'file paths',
  mutex: 'mutexes',
  cve: 'CVEs',
  yara: 'YARA rules',
  ja3: 'JA3 fingerprints',
  osquery: 'osquery queries',
  'ssl-cert-fingerprint': 'certificate fingerprints',
  'bitcoin-address': 'Bitcoin addresses',
}

type Reasons = Readonly<Partial<Record<ObservableType, string>>>

const inEveryProfile: Reasons = {
  uri: 'a path alone does not say where it lies, and no client could block it',
  ja3: 'as hashes, which is all that CybOX could hold, they would be taken for MD5',
  'ssl-cert-fingerprint': 'as hashes they would be taken for those of files',
  osquery: 'no client of STIX 1 is known to run them',
  'bitcoin-address': 'CybOX has no object for them',
}

const byProfile: Readonly<Record<Profile, { readonly any: string; readonly of: Reasons }>> = {
  esa: {
    any: 'the ESA takes in file hashes, IP addresses, domains and URLs, and nothing else',
    of: {
      email: 'the ESA drops them',
      cidr: 'the ESA is not known to read them, and what it cannot read it drops in silence',
      pehash: 'they are no hashes of whole files, and would be taken for SHA-1',
      imphash: 'they are no hashes of whole files, and would be taken for MD5',
    },
  },
  tid: {
    any: 'TID takes in SHA-256 hashes, IP addresses, domains and URLs, and nothing else',
    of: {
      cidr: 'TID does not read them',
      md5: 'SHA-256 is the one hash that TID is known to take',
      sha1: 'SHA-256 is the one hash that TID is known to take',
      pehash: 'they are no hashes of whole files, and TID is known to take SHA-256 alone',
      imphash: 'they are no hashes of whole files, and TID is known to take SHA-256 alone',
    },
  },
  full: { any: 'STIX 1 has no place for them', of: {} },
}

/** Why a shape leaves an indicator out. */
export interface LeftOut {
  /** a stable word to count by: `type` where all of its type are left out, or else what is wrong with the value */
  readonly rule: 'type' | 'cidr' | 'list-delimiter' | 'scheme' | 'no-rule'
  /** the end of a sentence that begins with the indicator; the same for all of one type and rule */
  readonly text: string
}

/** @returns undefined where the shape publishes it */
export function findLeftOut(
  { profile, cidr }: Shape,
  type: ObservableType,
  value: string,
): LeftOut | undefined {
  if (!(typesByProfile[profile] as readonly ObservableType[]).includes(type)) {
    const { any, of } = byProfile[profile]
    const why = inEveryProfile[type] ?? of[type] ?? any
    return { rule: 'type', text: `its profile ${profile} has no ${plurals[type]}: ${why}` }
  }
  if (profile === 'full') return findLeftOutOfFull(cidr, type, value)
  if (value.includes(listDelimiter)) {
    return {
      rule: 'list-delimiter',
      text: `its profile ${profile} has no values that hold "${listDelimiter}": CybOX reads it as the border between two values`,
    }
  }
  if (profile === 'tid' && type === 'url' && !/^https?:/.test(value)) {
    return {
      rule: 'scheme',
      text: 'its profile tid has no URLs but those of http and https: TID is not known to take others',
    }
  }
  return undefined
}

function findLeftOutOfFull(
  cidr: Shape['cidr'],
  type: ObservableType,
  value: string,
): LeftOut | undefined {
  if (type === 'cidr' && cidr === 'omit') {
    return {
      rule: 'cidr',
      text: 'its setting "cidr" is "omit": "cidr" or "address" publishes CIDR blocks to clients that read them',
    }
  }
  // Where OTX leaves a rule's text out, its id is all that there is.
  if (type === 'yara' && !(/\brule\b/.test(value) && value.includes('{'))) {
    return {
      rule: 'no-rule',
      text: 'its profile full has no YARA rules whose text the source left out',
    }
  }
  return undefined
}

export function isPublishable(shape: Shape, type: ObservableType, value: string): boolean {
  return findLeftOut(shape, type, value) === undefined
}
