import type { IndicatorView, PermittedAssertion } from '../model/indicator.ts'
import type { Tlp } from '../model/tlp.ts'
import { escapeText } from '../xml/write.ts'
import { getSpelling, type RenderableType, renderProperties, type Spelling } from './cybox.ts'
import { renderReferences, renderSource } from './information-source.ts'
import { renderKillChainPhases } from './kill-chain.ts'
import { markingNamespaces, markOwner, mostRestrictiveTlp } from './marking.ts'
import { type Namespaces, namespaces } from './namespaces.ts'
import { type RenderOptions, versions } from './render-options.ts'
import { putTime } from './rendered-package.ts'
import {
  collectReferences,
  describeAll,
  findTitle,
  maxDescriptionLength,
  maxTitleLength,
  toLine,
  toParagraphs,
} from './text.ts'
import { findRuleTitle, renderTestMechanism, yaraForm } from './yara.ts'

/** What an indicator can be about. */
export type IndicatorType = RenderableType | 'yara'

/** What differs from one indicator to the next, as it is written into the element. */
export interface IndicatorContent {
  readonly type: IndicatorType
  readonly value: string
  /** undefined: a rule, which is nothing to observe */
  readonly spelling: Spelling | undefined
  readonly tlp: Tlp
  readonly title: string
  readonly description: string
  readonly validity: string
  /** the Indicated_TTPs, with timeMark for their timestamps */
  readonly ttps: string
  readonly killChainPhases: string
  readonly confidence: string
  readonly sightings: string
  readonly producerName: string
  readonly references: string
}

/** @param ttps the Indicated_TTPs, with timeMark for their timestamps */
export function toIndicatorContent(
  view: IndicatorView,
  options: RenderOptions,
  ttps: string,
): IndicatorContent {
  const { value, assertions } = view
  const type = view.type as IndicatorType
  const spelling = type === 'yara' ? undefined : getSpelling(type, value, options.cidr)
  const title = toTitle(spelling, view)
  const described = describeAll(assertions)
  let confidence = 0
  for (const assertion of assertions) confidence = Math.max(confidence, assertion.confidence)
  return {
    type,
    value,
    spelling,
    tlp: mostRestrictiveTlp(assertions),
    title: escapeText(title),
    description: escapeText(describedAs(spelling, described) || title),
    validity: renderValidity(assertions),
    ttps,
    killChainPhases: options.profile === 'full' ? renderKillChainPhases(assertions) : '',
    confidence: confidenceLevel(confidence),
    sightings: renderSightings(assertions),
    producerName: escapeText(toLine(options.producer.name, maxTitleLength)),
    references: renderReferences(collectReferences(assertions)),
  }
}

function toTitle(spelling: Spelling | undefined, { value, assertions }: IndicatorView): string {
  if (!spelling) return findRuleTitle(value) ?? findTitle(assertions) ?? yaraForm.label
  const title = findTitle(assertions)
  if (title !== undefined && !spelling.labelAlways) return title
  return toLine(`${spelling.label}: ${title ?? value}`, maxTitleLength)
}

function describedAs(spelling: Spelling | undefined, described: string): string {
  if (!spelling?.labelAlways || described === '') return described
  return toParagraphs(`${spelling.label}: ${described}`, maxDescriptionLength)
}

const everyIndicator = namespaces('xsi', 'stix', 'stixCommon', 'stixVocabs', 'indicator')

export function indicatorNamespaces({ spelling, tlp }: IndicatorContent): Namespaces {
  return everyIndicator | (spelling ?? yaraForm).namespaces | markingNamespaces(tlp)
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
  const { value, spelling, tlp } = content
  const { prefix } = producer.idNamespace
  const { indicatorType } = spelling ?? yaraForm
  const observable = spelling
    ? `<indicator:Observable id="${prefix}:Observable-${guids.observable}"><cybox:Object id="${prefix}:Object-${guids.observable}">${renderProperties(spelling, value)}</cybox:Object></indicator:Observable>`
    : ''
  const testMechanisms = spelling ? '' : renderTestMechanism(value)
  return `<stix:Indicator xsi:type="indicator:IndicatorType" id="${prefix}:indicator-${guids.indicator}" version="${versions[binding].indicator}" timestamp="${time}"><indicator:Title>${content.title}</indicator:Title><indicator:Type xsi:type="stixVocabs:IndicatorTypeVocab-1.1">${indicatorType}</indicator:Type><indicator:Description>${content.description}</indicator:Description>${content.validity}${observable}${content.ttps && putTime(content.ttps, time)}${content.killChainPhases}${testMechanisms}<indicator:Handling>${markOwner(tlp)}</indicator:Handling><indicator:Confidence><stixCommon:Value xsi:type="stixVocabs:HighMediumLowVocab-1.0">${content.confidence}</stixCommon:Value></indicator:Confidence>${content.sightings}<indicator:Producer>${renderSource(content.producerName, content.references)}</indicator:Producer></stix:Indicator>`
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
