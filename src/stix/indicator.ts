import type { ContentBinding, Shape } from '../model/collection.ts'
import type { IndicatorView, PermittedAssertion } from '../model/indicator.ts'
import type { Tlp } from '../model/tlp.ts'
import { escapeText } from '../xml/write.ts'
import { getSpelling, type RenderableType, renderProperties } from './cybox.ts'
import type { IdNamespace } from './ids.ts'
import { markingNamespaces, markOwner, mostRestrictiveTlp } from './marking.ts'
import { type Namespaces, namespaces } from './namespaces.ts'
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

export const versions: Readonly<Record<ContentBinding, { package: string; indicator: string }>> = {
  'urn:stix.mitre.org:xml:1.2': { package: '1.2', indicator: '2.2' },
  'urn:stix.mitre.org:xml:1.1.1': { package: '1.1.1', indicator: '2.1.1' },
}

/** What differs from one indicator to the next, as it is written into the element. */
export interface IndicatorContent {
  readonly type: RenderableType
  readonly value: string
  readonly tlp: Tlp
  readonly title: string
  readonly description: string
  readonly validity: string
  readonly confidence: string
  readonly sightings: string
  readonly producerName: string
  readonly references: string
}

export function toIndicatorContent(
  view: IndicatorView,
  type: RenderableType,
  producer: Producer,
): IndicatorContent {
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
    sightings: renderSightings(assertions),
    producerName: escapeText(toLine(producer.name, maxTitleLength)),
    references: renderReferences(assertions),
  }
}

const everyIndicator = namespaces('xsi', 'stix', 'stixCommon', 'stixVocabs', 'indicator', 'cybox')

export function indicatorNamespaces({ type, tlp }: IndicatorContent): Namespaces {
  return everyIndicator | getSpelling(type).namespaces | markingNamespaces(tlp)
}

/** The GUIDs of an indicator and of what it holds. */
export interface IndicatorGuids {
  readonly indicator: string
  readonly observable: string
}

export function renderIndicatorElement(
  content: IndicatorContent,
  guids: IndicatorGuids,
  { binding, producer }: RenderOptions,
  time: string,
): string {
  const { type, value, tlp } = content
  const { prefix } = producer.idNamespace
  return `<stix:Indicator xsi:type="indicator:IndicatorType" id="${prefix}:indicator-${guids.indicator}" version="${versions[binding].indicator}" timestamp="${time}"><indicator:Title>${content.title}</indicator:Title><indicator:Type xsi:type="stixVocabs:IndicatorTypeVocab-1.1">${getSpelling(type).indicatorType}</indicator:Type><indicator:Description>${content.description}</indicator:Description>${content.validity}<indicator:Observable id="${prefix}:Observable-${guids.observable}"><cybox:Object id="${prefix}:Object-${guids.observable}">${renderProperties(type, value)}</cybox:Object></indicator:Observable><indicator:Handling>${markOwner(tlp)}</indicator:Handling><indicator:Confidence><stixCommon:Value xsi:type="stixVocabs:HighMediumLowVocab-1.0">${content.confidence}</stixCommon:Value></indicator:Confidence>${content.sightings}<indicator:Producer><stixCommon:Identity><stixCommon:Name>${content.producerName}</stixCommon:Name></stixCommon:Identity>${content.references}</indicator:Producer></stix:Indicator>`
}

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

// The schema's xs:integer has no end; clients read it into 32 bits.
const maxSightings = 2 ** 31 - 1

/** The sum of what the sources say; nothing where none says anything. */
function renderSightings(assertions: readonly PermittedAssertion[]): string {
  let sum: number | undefined
  for (const { sightings } of assertions) if (sightings !== undefined) sum = (sum ?? 0) + sightings
  if (sum === undefined) return ''
  return `<indicator:Sightings sightings_count="${Math.min(sum, maxSightings)}"/>`
}

function renderReferences(assertions: readonly PermittedAssertion[]): string {
  let references = ''
  for (const address of collectReferences(assertions))
    references += `<stixCommon:Reference>${escapeText(address)}</stixCommon:Reference>`
  return references && `<stixCommon:References>${references}</stixCommon:References>`
}
