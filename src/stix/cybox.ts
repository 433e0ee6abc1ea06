import type { CidrForm } from '../model/collection.ts'
import type { ObservableType } from '../model/observable.ts'
import { escapeText } from '../xml/write.ts'
import { type Namespaces, namespaces } from './namespaces.ts'

/** What an indicator says of its type. */
export interface Form {
  /** a word for people, for an indicator that no source has given a title */
  readonly label: string
  /** true where the value looks like what it is not, so that the label stands in front of any title */
  readonly labelAlways?: boolean
  /** of the vocabulary IndicatorTypeVocab-1.1 */
  readonly indicatorType: string
  /** what a package with this type uses beyond what every indicator uses */
  readonly namespaces: Namespaces
}

/** How one type of observable is spelled in CybOX 2.1. */
export interface Spelling extends Form {
  /** cybox:Properties up to the value, and from the value on */
  readonly before: string
  readonly after: string
}

const equals = 'condition="Equals"'

function address(label: string, indicatorType: string, category: string): Spelling {
  return {
    label,
    indicatorType,
    namespaces: namespaces('cybox', 'AddressObj'),
    before: `<cybox:Properties xsi:type="AddressObj:AddressObjectType" category="${category}"><AddressObj:Address_Value ${equals}>`,
    after: '</AddressObj:Address_Value></cybox:Properties>',
  }
}

/** The Type has a condition too: stix-validator asks for it, and python-cybox has always written it. */
function hashOf(type: string): Pick<Spelling, 'before' | 'after'> {
  return {
    before: `<cybox:Properties xsi:type="FileObj:FileObjectType"><FileObj:Hashes><cyboxCommon:Hash>${type}</cyboxCommon:Type><cyboxCommon:Simple_Hash_Value ${equals}>`,
    after:
      '</cyboxCommon:Simple_Hash_Value></cyboxCommon:Hash></FileObj:Hashes></cybox:Properties>',
  }
}

function fileHash(label: string, name: 'MD5' | 'SHA1' | 'SHA256'): Spelling {
  return {
    label,
    indicatorType: 'File Hash Watchlist',
    namespaces: namespaces('cybox', 'cyboxCommon', 'cyboxVocabs', 'FileObj'),
    ...hashOf(`<cyboxCommon:Type xsi:type="cyboxVocabs:HashNameVocab-1.0" ${equals}>${name}`),
  }
}

/** A hash of a part of a file. The vocabulary has no name for it, and its length is that of another's. */
function partialHash(label: string): Spelling {
  return {
    label,
    labelAlways: true,
    indicatorType: 'Malware Artifacts',
    namespaces: namespaces('cybox', 'cyboxCommon', 'FileObj'),
    ...hashOf(`<cyboxCommon:Type ${equals}>Other`),
  }
}

const spellings = {
  ipv4: address('IPv4 address', 'IP Watchlist', 'ipv4-addr'),
  ipv6: address('IPv6 address', 'IP Watchlist', 'ipv6-addr'),
  cidr: address('CIDR block', 'IP Watchlist', 'cidr'),
  domain: {
    label: 'Domain',
    indicatorType: 'Domain Watchlist',
    namespaces: namespaces('cybox', 'DomainNameObj'),
    before: `<cybox:Properties xsi:type="DomainNameObj:DomainNameObjectType" type="FQDN"><DomainNameObj:Value ${equals}>`,
    after: '</DomainNameObj:Value></cybox:Properties>',
  },
  url: {
    label: 'URL',
    indicatorType: 'URL Watchlist',
    namespaces: namespaces('cybox', 'URIObj'),
    before: `<cybox:Properties xsi:type="URIObj:URIObjectType" type="URL"><URIObj:Value ${equals}>`,
    after: '</URIObj:Value></cybox:Properties>',
  },
  email: address('E-mail address', 'Malicious E-mail', 'e-mail'),
  md5: fileHash('MD5', 'MD5'),
  sha1: fileHash('SHA-1', 'SHA1'),
  sha256: fileHash('SHA-256', 'SHA256'),
  pehash: partialHash('PE hash (pehash)'),
  imphash: partialHash('Import hash (imphash)'),
  'file-path': {
    label: 'File path',
    indicatorType: 'Malware Artifacts',
    namespaces: namespaces('cybox', 'FileObj'),
    before: `<cybox:Properties xsi:type="FileObj:FileObjectType"><FileObj:File_Path ${equals}>`,
    after: '</FileObj:File_Path></cybox:Properties>',
  },
  mutex: {
    label: 'Mutex',
    indicatorType: 'Malware Artifacts',
    namespaces: namespaces('cybox', 'MutexObj'),
    before: `<cybox:Properties xsi:type="MutexObj:MutexObjectType" named="true"><MutexObj:Name ${equals}>`,
    after: '</MutexObj:Name></cybox:Properties>',
  },
} as const satisfies Partial<Record<ObservableType, Spelling>>

/** The types of observable that can be written as one CybOX object with one value. */
export type RenderableType = keyof typeof spellings
export const renderableTypes = Object.keys(spellings) as readonly RenderableType[]

// Some clients refuse CybOX's own category, and read a block where an address may stand.
const blocksAsAddresses = {
  ipv4: address('CIDR block', 'IP Watchlist', 'ipv4-addr'),
  ipv6: address('CIDR block', 'IP Watchlist', 'ipv6-addr'),
}

export function getSpelling(type: RenderableType, value: string, cidr: CidrForm): Spelling {
  if (type === 'cidr' && cidr === 'address')
    return value.includes(':') ? blocksAsAddresses.ipv6 : blocksAsAddresses.ipv4
  return spellings[type]
}

/** What CybOX takes for the border between two values. */
export const listDelimiter = '##comma##'

/** The `cybox:Properties` of one value. */
export function renderProperties({ before, after }: Spelling, value: string): string {
  const text = escapeText(value)
  if (!value.includes(listDelimiter)) return before + text + after
  // Naming another delimiter keeps this a single value.
  let n = 0
  while (value.includes(`##${n}##`)) n++
  return `${before.slice(0, -1)} delimiter="##${n}##">${text}${after}`
}
