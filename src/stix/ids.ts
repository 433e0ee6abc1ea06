import { hash } from 'node:crypto'
import type { CidrForm, ContentBinding, Profile } from '../model/collection.ts'
import type { ObservableType } from '../model/observable.ts'

/** The XML namespace that an operator's ids live in: `prefix:indicator-…` with the prefix bound to the URI. */
export interface IdNamespace {
  readonly prefix: string
  readonly uri: string
}

/** `.invalid` belongs to nobody (RFC 6761), so the default claims no one else's name. */
export const defaultIdNamespace: IdNamespace = {
  prefix: 'taxiway',
  uri: 'http://taxiway.invalid/',
}

// Chosen at random once. To change it would give every published indicator a new id.
const taxiwayNamespace = Buffer.from('6f3b7c0e52c94d1fa0c7d6b85a1e9342', 'hex')

const name = Buffer.alloc(4096)
taxiwayNamespace.copy(name)

function nameBytes(text: string): Buffer {
  // A UTF-16 code unit becomes at most three bytes.
  if (16 + text.length * 3 > name.length)
    return Buffer.concat([taxiwayNamespace, Buffer.from(text)])
  return name.subarray(0, 16 + name.write(text, 16))
}

/** A UUIDv5 (RFC 9562, section 5.5) of a text in Taxiway's own namespace. */
export function uuidV5(text: string): string {
  const hex = hash('sha1', nameBytes(text), 'hex')
  const variant = '89ab'[Number.parseInt(hex.charAt(16), 16) & 3]
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-5${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}

/**
 * One GUID for all that stands for an observable: its indicator, observable and object, in every
 * collection. Their ids still differ, because the construct's type is a part of an id.
 */
export function indicatorGuid(type: ObservableType, value: string): string {
  return uuidV5(`${type}\n${value}`)
}

/** What a package's content depends on besides its subject. */
interface PackageShape {
  readonly profile: Profile
  readonly cidr: CidrForm
  readonly binding: ContentBinding
}

/** Packages differ by profile and binding, those of blocks of addresses by their form too. */
export function packageGuid(
  type: ObservableType,
  value: string,
  { profile, cidr, binding }: PackageShape,
): string {
  const form = type === 'cidr' ? `${cidr}\n` : ''
  return uuidV5(`package\n${profile}\n${binding}\n${form}${type}\n${value}`)
}

/** What a source calls a report. */
interface ReportKey {
  readonly source: string
  readonly externalId: string
}

// JSON, because ids of reports may hold anything: two keys must never run into one text.
function reportName({ source, externalId }: ReportKey): string {
  return JSON.stringify([source, externalId])
}

/**
 * In a package of a report, an indicator says what that one report claims. So it is not the one under which
 * packages of single indicators tell what all reports say: two claims are no versions of each other.
 */
export function claimGuid(report: ReportKey, type: ObservableType, value: string): string {
  return uuidV5(`claim\n${reportName(report)}\n${type}\n${value}`)
}

export function reportPackageGuid(
  report: ReportKey & { readonly chunk: number },
  { profile, cidr, binding }: PackageShape,
): string {
  return uuidV5(`report\n${profile}\n${cidr}\n${binding}\n${report.chunk}\n${reportName(report)}`)
}

/** The id under which every collection publishes an indicator. */
export function indicatorId(namespace: IdNamespace, type: ObservableType, value: string): string {
  return `${namespace.prefix}:indicator-${indicatorGuid(type, value)}`
}

const reservedPrefix =
  /^(?:stix|stixCommon|stixVocabs|indicator|cybox|cyboxCommon|cyboxVocabs|marking|tlpMarking|simpleMarking|ttp|ta|et|yaraTM|.*Obj|xsi|xml.*)$/i
const reservedUri = /^https?:\/\/(?:[\w-]+\.)*(?:mitre\.org|w3\.org)(?:\/|$)/i

/**
 * What is wrong with an id namespace, as the end of a sentence, or undefined.
 * Rendering trusts its namespace: check here what an operator typed.
 */
export function idNamespaceFault({ prefix, uri }: IdNamespace): string | undefined {
  // Narrower than XML's names: stix-validator finds fault with ids whose prefix has a dot.
  if (!/^[A-Za-z_][\w-]{0,31}$/.test(prefix))
    return 'the prefix must be 1 to 32 letters, digits, "_" or "-" and begin with a letter or "_"'
  if (reservedPrefix.test(prefix)) return `the prefix "${prefix}" has a meaning of its own in STIX`
  if (!URL.canParse(uri)) return 'the URI must be absolute, like http://feeds.your-domain.net/'
  // One pattern for what is legal in a URI at all; the parser above would accept spaces and quotes.
  if (!/^[!#-;=?-[\]_a-z~]{1,255}$/.test(uri)) return 'the URI must be at most 255 URI characters'
  if (reservedUri.test(uri)) return 'the URI must be your own, not one of STIX or XML'
  return undefined
}
