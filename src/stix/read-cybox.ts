import { normalForm } from '../model/normal-form.ts'
import type { ObservableType } from '../model/observable.ts'
import { findAttribute, type XmlElement } from '../xml/read.ts'
import { findAttributeText, findSchemaType, walkTree } from './read-xml.ts'

/** What a value stands for among our own types. */
export interface KnownValue {
  readonly type: ObservableType
  /** the normal form */
  readonly value: string
}

/** One value of an object: an element of its Properties that holds text. */
export interface CyboxValue {
  /** the local name of its element, such as `Address_Value`; of a hash that of its value, `Simple_Hash_Value` */
  readonly field: string
  /** the local name of the element around it: `Properties`, `Hash`, or such as `From` */
  readonly within: string
  /** whether it is the object's own, directly in its Properties or Hashes, and not that of a part of it */
  readonly own: boolean
  /** as it was written, without the white space around it */
  readonly text: string
  /** the values that the text holds: several where it is a list, else itself; at most 250,000 of them */
  readonly items: readonly string[]
  /** the types that its place asks for, such as `ipv4`; none where the place is none of ours */
  readonly expected: readonly ObservableType[]
  /** what each item stands for; undefined where it is of none of our types or not in order */
  readonly known: readonly (KnownValue | undefined)[]
  readonly condition: string | undefined
  readonly applyCondition: string | undefined
  /** whether the text is a pattern to be matched and no value */
  readonly isPattern: boolean
  /** as named in the document; undefined: the default, which is `##comma##` */
  readonly delimiter: string | undefined
  /** `category` or else `type` of the element around it, such as `ipv4-addr`, `URL` or `FQDN` */
  readonly category: string | undefined
  /** of a hash its kind: `SHA256`, or undefined where neither its Type nor its length tells */
  readonly hash: HashKind | undefined
}

export interface HashKind {
  /** as HashNameVocab-1.0 has it: `MD5`, `SHA1`, `SHA256`; other names in upper case; '' where nothing tells */
  readonly name: string
  /** its Type as it was written; undefined where it has none, and its length was gone by */
  readonly written: string | undefined
}

/** The `Properties` of an object. */
export interface CyboxProperties {
  /** the local name of its xsi:type, such as `AddressObjectType`; undefined where it has none */
  readonly type: string | undefined
  readonly values: readonly CyboxValue[]
}

const defaultDelimiter = '##comma##'
// More than any message may hold: a text of 16 MB can spell eight million items, which would take a gigabyte.
const mostItems = 250_000
const hashLengths: Readonly<Record<number, string>> = {
  32: 'MD5',
  40: 'SHA1',
  64: 'SHA256',
  96: 'SHA384',
  128: 'SHA512',
}
const hashTypes: ReadonlyMap<string, ObservableType> = new Map([
  ['MD5', 'md5'],
  ['SHA1', 'sha1'],
  ['SHA256', 'sha256'],
])
const hexadecimal = /^[0-9a-f]+$/i

function readHashKind(hash: XmlElement, text: string): HashKind {
  const written = hash.children.find(({ name }) => name === 'Type')?.text.trim() ?? ''
  if (written !== '') {
    // Some write SHA-256 or sha_256 instead of the vocabulary's SHA256.
    return { name: written.toUpperCase().replaceAll(/[-_ ]/g, ''), written }
  }
  return {
    name: hexadecimal.test(text) ? (hashLengths[text.length] ?? '') : '',
    written: undefined,
  }
}

/**
 * Which of our types a field asks for. The vocabulary has no word for import hashes and the like: they are
 * `Other`, and only their length tells them apart.
 */
function typesOf(
  objectType: string | undefined,
  field: string,
  category: string | undefined,
  hash: HashKind | undefined,
): readonly ObservableType[] {
  if (hash) {
    const type = hashTypes.get(hash.name)
    if (type) return [type]
    return hash.name === 'OTHER' ? ['imphash', 'pehash'] : []
  }
  switch (field) {
    case 'Address_Value':
      if (category === 'e-mail') return ['email']
      if (category === 'cidr') return ['cidr']
      if (category === 'ipv6-addr') return ['ipv6']
      // CybOX's default is ipv4-addr.
      return category === undefined || category === 'ipv4-addr' ? ['ipv4'] : []
    case 'Value':
      if (objectType === 'DomainNameObjectType') return ['domain']
      if (objectType !== 'URIObjectType' && objectType !== 'LinkObjectType') return []
      if (category === 'Domain Name') return ['domain']
      return category === 'General URN' ? [] : ['url']
    case 'File_Path':
      return ['file-path']
    case 'Name':
      return objectType === 'MutexObjectType' ? ['mutex'] : []
    default:
      return []
  }
}

const hashesInDigits: ReadonlySet<ObservableType> = new Set(['md5', 'sha1', 'sha256'])

function identify(types: readonly ObservableType[], item: string): KnownValue | undefined {
  for (const type of types) {
    const form = normalForm(type, item)
    // A hash of another length than its Type says is wrong in itself, and no hash of that other kind.
    if (form.ok && (form.type === type || !hashesInDigits.has(type)))
      return { type: form.type, value: form.value }
  }
  return undefined
}

/** @param around the element that says what the value is: its category, and its own xsi:type if it has one */
function readValue(
  element: XmlElement,
  around: XmlElement,
  objectType: string | undefined,
  isHash: boolean,
  own: boolean,
): CyboxValue {
  const text = element.text.trim()
  const delimiter = findAttribute(element, 'delimiter') || undefined
  const items = text.split(delimiter ?? defaultDelimiter, mostItems).map((item) => item.trim())
  const category = isHash
    ? undefined
    : (findAttributeText(around, 'category') ?? findAttributeText(around, 'type'))
  const hash = isHash ? readHashKind(around, items[0] as string) : undefined
  const types = typesOf(findSchemaType(around) ?? objectType, element.name, category, hash)
  return {
    field: element.name,
    within: around.name,
    own,
    text,
    items,
    expected: types,
    known: items.map((item) => identify(types, item)),
    condition: findAttributeText(element, 'condition'),
    applyCondition: findAttributeText(element, 'apply_condition'),
    isPattern: patternAttributes.some((name) => findAttribute(element, name) !== undefined),
    delimiter,
    category,
    hash,
  }
}

const patternAttributes = ['pattern_type', 'regex_syntax', 'bit_mask']

const hashValues: ReadonlySet<string> = new Set(['Simple_Hash_Value', 'Fuzzy_Hash_Value'])

/**
 * Reads the `Properties` of an object of any type: every element in it that holds text is a value. Of the
 * types that stand for one of ours the values are told what they are.
 */
export function readProperties(properties: XmlElement): CyboxProperties {
  const type = findSchemaType(properties)
  const values: CyboxValue[] = []
  const ownHashes = new Set(
    properties.children.flatMap(({ name, children }) => (name === 'Hashes' ? children : [])),
  )
  for (const around of walkTree(properties)) {
    const own = around === properties || ownHashes.has(around)
    const isHash = around.name === 'Hash'
    for (const element of around.children) {
      if (element.children.length > 0 || element.text.trim() === '') continue
      if (isHash && !hashValues.has(element.name)) continue
      values.push(readValue(element, around, type, isHash, own))
    }
  }
  return { type, values }
}
