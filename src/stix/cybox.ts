import type { ObservableType } from '../model/observable.ts'
import { escapeText } from '../xml/write.ts'
import { type Namespaces, namespaces } from './namespaces.ts'

/** How one type of observable is spelled in CybOX 2.1, and what its indicator is called. */
interface Spelling {
  /** a word for people, for an indicator that no source has given a title */
  readonly label: string
  /** of the vocabulary IndicatorTypeVocab-1.1 */
  readonly indicatorType: string
  /** what a package with this object uses beyond what every indicator uses */
  readonly namespaces: Namespaces
  /** cybox:Properties up to the value, and from the value on */
  readonly before: string
  readonly after: string
}

const equals = 'condition="Equals"'

function address(label: string, indicatorType: string, category: string): Spelling {
  return {
    label,
    indicatorType,
    namespaces: namespaces('AddressObj'),
    before: `<cybox:Properties xsi:type="AddressObj:AddressObjectType" category="${category}"><AddressObj:Address_Value ${equals}>`,
    after: '</AddressObj:Address_Value></cybox:Properties>',
  }
}

/** The Type has a condition too: stix-validator asks for it, and python-cybox has always written it. */
function fileHash(label: string, name: 'MD5' | 'SHA1' | 'SHA256'): Spelling {
  return {
    label,
    indicatorType: 'File Hash Watchlist',
    namespaces: namespaces('cyboxCommon', 'cyboxVocabs', 'FileObj'),
    before: `<cybox:Properties xsi:type="FileObj:FileObjectType"><FileObj:Hashes><cyboxCommon:Hash><cyboxCommon:Type xsi:type="cyboxVocabs:HashNameVocab-1.0" ${equals}>${name}</cyboxCommon:Type><cyboxCommon:Simple_Hash_Value ${equals}>`,
    after:
      '</cyboxCommon:Simple_Hash_Value></cyboxCommon:Hash></FileObj:Hashes></cybox:Properties>',
  }
}

const spellings = {
  ipv4: address('IPv4 address', 'IP Watchlist', 'ipv4-addr'),
  ipv6: address('IPv6 address', 'IP Watchlist', 'ipv6-addr'),
  domain: {
    label: 'Domain',
    indicatorType: 'Domain Watchlist',
    namespaces: namespaces('DomainNameObj'),
    before: `<cybox:Properties xsi:type="DomainNameObj:DomainNameObjectType" type="FQDN"><DomainNameObj:Value ${equals}>`,
    after: '</DomainNameObj:Value></cybox:Properties>',
  },
  url: {
    label: 'URL',
    indicatorType: 'URL Watchlist',
    namespaces: namespaces('URIObj'),
    before: `<cybox:Properties xsi:type="URIObj:URIObjectType" type="URL"><URIObj:Value ${equals}>`,
    after: '</URIObj:Value></cybox:Properties>',
  },
  email: address('E-mail address', 'Malicious E-mail', 'e-mail'),
  md5: fileHash('MD5', 'MD5'),
  sha1: fileHash('SHA-1', 'SHA1'),
  sha256: fileHash('SHA-256', 'SHA256'),
  'file-path': {
    label: 'File path',
    indicatorType: 'Malware Artifacts',
    namespaces: namespaces('FileObj'),
    before: `<cybox:Properties xsi:type="FileObj:FileObjectType"><FileObj:File_Path ${equals}>`,
    after: '</FileObj:File_Path></cybox:Properties>',
  },
  mutex: {
    label: 'Mutex',
    indicatorType: 'Malware Artifacts',
    namespaces: namespaces('MutexObj'),
    before: `<cybox:Properties xsi:type="MutexObj:MutexObjectType" named="true"><MutexObj:Name ${equals}>`,
    after: '</MutexObj:Name></cybox:Properties>',
  },
} as const satisfies Partial<Record<ObservableType, Spelling>>

/** The types of observable that can be written as one CybOX object with one value. */
export type RenderableType = keyof typeof spellings
export const renderableTypes = Object.keys(spellings) as readonly RenderableType[]

export function getSpelling(type: RenderableType): Spelling {
  return spellings[type]
}

const listDelimiter = '##comma##'

/** The `cybox:Properties` of one value. */
export function renderProperties(type: RenderableType, value: string): string {
  const { before, after } = spellings[type]
  const text = escapeText(value)
  if (!value.includes(listDelimiter)) return before + text + after
  // CybOX reads the default delimiter as a list of values; naming another one keeps this a single value.
  let n = 0
  while (value.includes(`##${n}##`)) n++
  return `${before.slice(0, -1)} delimiter="##${n}##">${text}${after}`
}
