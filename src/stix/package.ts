import { hash } from 'node:crypto'
import type { ContentBinding, Shape } from '../model/collection.ts'
import type { IndicatorView, PermittedAssertion } from '../model/indicator.ts'
import { formatMicros, type Micros } from '../model/micros.ts'
import { type Tlp, tlpRank } from '../model/tlp.ts'
import { escapeAttribute, escapeText } from '../xml/write.ts'
import { getSpelling, type RenderableType, renderProperties } from './cybox.ts'
import { type IdNamespace, indicatorGuid, packageGuid } from './ids.ts'
import { findLeftOut } from './profiles.ts'
import { collectReferences, describeAll, findTitle, maxTitleLength, toLine } from './text.ts'

/** Who publishes: named on each indicator, and owner of the namespace of all ids. */
export interface Producer {
  readonly name: string
  /** checked with idNamespaceFault */
  readonly idNamespace: IdNamespace
}

export interface RenderOptions extends Shape {
  readonly binding: ContentBinding
  readonly producer: Producer
}

/** A package without its timestamps, which are known only when it is known to be new. */
export interface RenderedPackage {
  /** 16 bytes over everything but the timestamps: the same digest, the same package. */
  readonly digest: Buffer
  /**
   * The package as it goes into a Content element, head and tail in one: no XML declaration, one line
   * unless texts have more. The head is the same for very many packages.
   */
  withTimestamp(timestamp: Micros): { readonly head: string; readonly tail: string }
}

const versions: Readonly<Record<ContentBinding, { package: string; indicator: string }>> = {
  'urn:stix.mitre.org:xml:1.2': { package: '1.2', indicator: '2.2' },
  'urn:stix.mitre.org:xml:1.1.1': { package: '1.1.1', indicator: '2.1.1' },
}

// A block is stored by the hundred thousand, so a package declares what it uses and no more.
const commonNamespaces =
  ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:stix="http://stix.mitre.org/stix-1" xmlns:stixCommon="http://stix.mitre.org/common-1" xmlns:stixVocabs="http://stix.mitre.org/default_vocabularies-1" xmlns:indicator="http://stix.mitre.org/Indicator-2" xmlns:cybox="http://cybox.mitre.org/cybox-2" xmlns:marking="http://data-marking.mitre.org/Marking-1" xmlns:tlpMarking="http://data-marking.mitre.org/extensions/MarkingStructure#TLP-1"'
const simpleMarkingNamespace =
  ' xmlns:simpleMarking="http://data-marking.mitre.org/extensions/MarkingStructure#Simple-1"'

/** The words of HighMediumLowVocab-1.0, on the scale that STIX 2.1, appendix A, gives them. */
export function confidenceLevel(confidence: number): 'None' | 'Low' | 'Medium' | 'High' {
  if (confidence >= 70) return 'High'
  if (confidence >= 30) return 'Medium'
  return confidence >= 1 ? 'Low' : 'None'
}

function twoDigits(n: number): string {
  return n < 10 ? `0${n}` : String(n)
}

/**
 * xs:dateTime in whole seconds, STIX's default precision; undefined for a year that has not four digits,
 * where clients may not follow. By hand, because toISOString took a fifth of the time of a rendering.
 */
function toSeconds(date: Date): string | undefined {
  const year = date.getUTCFullYear()
  if (!(year >= 1000 && year <= 9999)) return undefined
  const day = `${year}-${twoDigits(date.getUTCMonth() + 1)}-${twoDigits(date.getUTCDate())}`
  return `${day}T${twoDigits(date.getUTCHours())}:${twoDigits(date.getUTCMinutes())}:${twoDigits(date.getUTCSeconds())}Z`
}

/** From the first moment that any source vouches for to the last; open where one source sets no end. */
function renderValidity(assertions: readonly PermittedAssertion[]): string {
  let from: Date | undefined
  let until: Date | undefined
  let ends = true
  for (const { validFrom, validUntil } of assertions) {
    if (from === undefined || validFrom < from) from = validFrom
    if (validUntil === undefined) ends = false
    else if (until === undefined || validUntil > until) until = validUntil
  }
  const start = from && toSeconds(from)
  const end = ends && until ? toSeconds(until) : undefined
  if (start === undefined && end === undefined) return ''
  const startTime = start ? `<indicator:Start_Time>${start}</indicator:Start_Time>` : ''
  const endTime = end ? `<indicator:End_Time>${end}</indicator:End_Time>` : ''
  return `<indicator:Valid_Time_Position>${startTime}${endTime}</indicator:Valid_Time_Position>`
}

function mostRestrictiveTlp(assertions: readonly PermittedAssertion[]): Tlp {
  let most: Tlp = 'white'
  for (const { tlp } of assertions) if (tlpRank(tlp) > tlpRank(most)) most = tlp
  return most
}

/*
 * STIX 1 knows TLP 1.0 alone. AMBER would let a client pass AMBER+STRICT on to its customers, so machines
 * are told RED and people read which it is.
 */
const colors: Readonly<Record<Tlp, string>> = {
  white: 'WHITE',
  green: 'GREEN',
  amber: 'AMBER',
  'amber+strict': 'RED',
  red: 'RED',
}
const strictStatement =
  '<marking:Marking_Structure xsi:type="simpleMarking:SimpleMarkingStructureType"><simpleMarking:Statement>TLP:AMBER+STRICT</simpleMarking:Statement></marking:Marking_Structure>'

/** The marking lies on the indicator, whole, so that it stays with it when a client takes packages apart. */
function renderHandling(tlp: Tlp): string {
  return `<indicator:Handling><marking:Marking><marking:Controlled_Structure>../../../descendant-or-self::node() | ../../../descendant-or-self::node()/@*</marking:Controlled_Structure><marking:Marking_Structure xsi:type="tlpMarking:TLPMarkingStructureType" color="${colors[tlp]}"/>${tlp === 'amber+strict' ? strictStatement : ''}</marking:Marking></indicator:Handling>`
}

function renderReferences(assertions: readonly PermittedAssertion[]): string {
  let references = ''
  for (const address of collectReferences(assertions))
    references += `<stixCommon:Reference>${escapeText(address)}</stixCommon:Reference>`
  return references && `<stixCommon:References>${references}</stixCommon:References>`
}

/** What changes from one package to the next, as it is written into the template. */
interface Content {
  readonly type: RenderableType
  readonly value: string
  readonly tlp: Tlp
  readonly title: string
  readonly description: string
  readonly validity: string
  readonly confidence: string
  readonly producerName: string
  readonly references: string
}

function toContent(view: IndicatorView, type: RenderableType, producer: Producer): Content {
  const { value, assertions } = view
  const title =
    findTitle(assertions) ?? toLine(`${getSpelling(type).label}: ${value}`, maxTitleLength)
  let confidence = 0
  for (const assertion of assertions) confidence = Math.max(confidence, assertion.confidence)
  return {
    type,
    value,
    tlp: mostRestrictiveTlp(assertions),
    title: escapeText(title),
    description: escapeText(describeAll(assertions) || title),
    validity: renderValidity(assertions),
    confidence: confidenceLevel(confidence),
    producerName: escapeText(toLine(producer.name, maxTitleLength)),
    references: renderReferences(assertions),
  }
}

/** How a package begins: the namespaces it needs, which very many packages have in common. */
function assembleHead({ type, tlp }: Content, { producer }: RenderOptions): string {
  const { prefix, uri } = producer.idNamespace
  return `<stix:STIX_Package${commonNamespaces}${getSpelling(type).namespaces}${tlp === 'amber+strict' ? simpleMarkingNamespace : ''} xmlns:${prefix}="${escapeAttribute(uri)}"`
}

function assembleTail(content: Content, options: RenderOptions, time: string): string {
  const { type, value, tlp } = content
  const { binding, profile, producer } = options
  const { prefix } = producer.idNamespace
  const { indicatorType } = getSpelling(type)
  const version = versions[binding]
  const guid = indicatorGuid(type, value)
  return ` id="${prefix}:Package-${packageGuid(type, value, profile, binding)}" version="${version.package}" timestamp="${time}"><stix:Indicators><stix:Indicator xsi:type="indicator:IndicatorType" id="${prefix}:indicator-${guid}" version="${version.indicator}" timestamp="${time}"><indicator:Title>${content.title}</indicator:Title><indicator:Type xsi:type="stixVocabs:IndicatorTypeVocab-1.1">${indicatorType}</indicator:Type><indicator:Description>${content.description}</indicator:Description>${content.validity}<indicator:Observable id="${prefix}:Observable-${guid}"><cybox:Object id="${prefix}:Object-${guid}">${renderProperties(type, value)}</cybox:Object></indicator:Observable>${renderHandling(tlp)}<indicator:Confidence><stixCommon:Value xsi:type="stixVocabs:HighMediumLowVocab-1.0">${content.confidence}</stixCommon:Value></indicator:Confidence><indicator:Producer><stixCommon:Identity><stixCommon:Name>${content.producerName}</stixCommon:Name></stixCommon:Identity>${content.references}</indicator:Producer></stix:Indicator></stix:Indicators></stix:STIX_Package>`
}

const sampleProducer: Producer = { name: '', idNamespace: { prefix: 'p', uri: 'urn:u' } }
const templateDigests = new Map<string, string>()

/** Stands for all that a package holds besides its content, so that a change of the template shows in digests. */
function templateDigest({ type, tlp }: Content, { binding, profile, cidr }: RenderOptions): string {
  const key = `${binding} ${profile} ${cidr} ${type} ${tlp}`
  const known = templateDigests.get(key)
  if (known !== undefined) return known
  const blank = { title: '', description: '', validity: '', confidence: '', references: '' }
  const sample: Content = { type, value: '', tlp, producerName: '', ...blank }
  const options = { binding, profile, cidr, producer: sampleProducer }
  const digest = hash('sha256', assembleHead(sample, options) + assembleTail(sample, options, ''))
  templateDigests.set(key, digest)
  return digest
}

/*
 * Hashing the whole package would cost more than rendering it: 2 kB, of which 400 bytes are its own.
 * The fields are separated by a character that XML cannot hold; the value alone may hold any, and is last.
 */
function digestOf(content: Content, options: RenderOptions): Buffer {
  const { prefix, uri } = options.producer.idNamespace
  const { title, description, validity, confidence, producerName, references, value } = content
  const text = `${templateDigest(content, options)}\0${prefix}\0${uri}\0${title}\0${description}\0${validity}\0${confidence}\0${producerName}\0${references}\0${value}`
  return hash('sha256', text, 'buffer').subarray(0, 16)
}

/**
 * Renders an indicator as a package of its own, in the one shape that every known client reads:
 * one inline observable with one value, nothing by reference.
 * @throws TypeError when the shape leaves the indicator out; ask isPublishable first
 */
export function renderIndicator(view: IndicatorView, options: RenderOptions): RenderedPackage {
  const { type, value } = view
  const leftOut = findLeftOut(options, type, value)
  if (leftOut) throw new TypeError(`an indicator cannot be rendered: ${leftOut.text}`)
  const content = toContent(view, type as RenderableType, options.producer)
  return {
    digest: digestOf(content, options),
    withTimestamp: (timestamp) => ({
      head: assembleHead(content, options),
      tail: assembleTail(content, options, formatMicros(timestamp)),
    }),
  }
}

/** As renderIndicator, at once with its timestamp. */
export function renderPackage(
  view: IndicatorView,
  options: RenderOptions & { readonly timestamp: Micros },
): string {
  const { head, tail } = renderIndicator(view, options).withTimestamp(options.timestamp)
  return head + tail
}
