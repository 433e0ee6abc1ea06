import type { XmlElement } from '../xml/read.ts'
import { type Named, readConstruct, readNamed, type StixConstruct } from './read-construct.ts'
import { type Markings, readMarkings, readProducer, type StixProducer } from './read-marking.ts'
import { isNegated } from './read-observable.ts'
import {
  findAttributeText,
  findChild,
  findChildren,
  findSchemaType,
  findText,
  indicatorNamespace,
  stixCommonNamespace,
  walkTree,
} from './read-xml.ts'

export interface TestMechanism {
  /** the local name of its xsi:type, such as `YaraTestMechanismType`; undefined where it has none */
  readonly type: string | undefined
  /** the first text in it, such as a YARA rule */
  readonly rule: string | undefined
}

/** Where an indicator stands: among the package's Indicators, in a Composite_Indicator_Expression, or as related to another. */
export type IndicatorPlace = 'package' | 'composite' | 'related'

export interface StixIndicator extends Named {
  readonly place: IndicatorPlace
  /** of the Composite_Indicator_Expression that it stands in */
  readonly withinOperator: string | undefined
  /** of its own Composite_Indicator_Expression; '' where it has one without operator */
  readonly compositeOperator: string | undefined
  /** whether it counts only together with others: an AND of several stands around it, near or far */
  readonly joined: boolean
  /** whether it says that what it describes must not be seen */
  readonly negated: boolean
  readonly version: string | undefined
  /** dates and times here and below are as they were written */
  readonly timestamp: string | undefined
  readonly types: readonly string[]
  readonly description: string | undefined
  readonly validFrom: string | undefined
  readonly validUntil: string | undefined
  /** the word of its Value */
  readonly confidence: string | undefined
  readonly markings: Markings
  /** what its Sightings count, or else how many they are; undefined where it has none */
  readonly sightings: number | undefined
  readonly producer: StixProducer | undefined
  readonly testMechanisms: readonly TestMechanism[]
  /** those that stand in it, and those that it refers to by idref */
  readonly indicatedTtps: readonly StixConstruct[]
  readonly suggestedCoas: readonly StixConstruct[]
  /** names of kill chain phases, or else their ids */
  readonly killChainPhases: readonly string[]
}

const count = /^\d{1,15}$/

function readSightings(indicator: XmlElement): number | undefined {
  const sightings = findChild(indicator, indicatorNamespace, 'Sightings')
  if (!sightings) return undefined
  const counted = findAttributeText(sightings, 'sightings_count')
  if (counted !== undefined && count.test(counted)) return Number(counted)
  return findChildren(sightings, indicatorNamespace, 'Sighting').length
}

function readTestMechanism(element: XmlElement): TestMechanism {
  let rule: string | undefined
  for (const { text } of walkTree(element)) {
    rule = text.trim()
    if (rule !== '') break
  }
  return { type: findSchemaType(element), rule: rule || undefined }
}

function readKillChainPhases(indicator: XmlElement): string[] {
  const phases = findChild(indicator, indicatorNamespace, 'Kill_Chain_Phases')
  return findChildren(phases, stixCommonNamespace, 'Kill_Chain_Phase').flatMap(
    (phase) => findAttributeText(phase, 'name') ?? findAttributeText(phase, 'phase_id') ?? [],
  )
}

/** Reads an indicator by itself: neither its observables nor the indicators in it. */
export function readIndicator(
  element: XmlElement,
  place: IndicatorPlace,
  withinOperator: string | undefined,
  joined = false,
): StixIndicator {
  const all = (name: string): readonly XmlElement[] =>
    findChildren(element, indicatorNamespace, name)
  const one = (name: string): XmlElement | undefined => findChild(element, indicatorNamespace, name)
  const text = (name: string): string | undefined => findText(element, indicatorNamespace, name)
  const composite = one('Composite_Indicator_Expression')
  const validity = one('Valid_Time_Position')
  return {
    ...readNamed(element),
    place,
    withinOperator,
    compositeOperator: composite && (findAttributeText(composite, 'operator') ?? ''),
    joined,
    negated: isNegated(element),
    version: findAttributeText(element, 'version'),
    timestamp: findAttributeText(element, 'timestamp'),
    title: text('Title'),
    types: all('Type').map((type) => type.text.trim()),
    description: text('Description'),
    validFrom: findText(validity, indicatorNamespace, 'Start_Time'),
    validUntil: findText(validity, indicatorNamespace, 'End_Time'),
    confidence: findText(one('Confidence'), stixCommonNamespace, 'Value'),
    markings: readMarkings(one('Handling')),
    sightings: readSightings(element),
    producer: readProducer(one('Producer')),
    testMechanisms: findChildren(one('Test_Mechanisms'), indicatorNamespace, 'Test_Mechanism').map(
      readTestMechanism,
    ),
    indicatedTtps: all('Indicated_TTP').flatMap((indicated) =>
      findChildren(indicated, stixCommonNamespace, 'TTP').map(readConstruct),
    ),
    suggestedCoas: findChildren(one('Suggested_COAs'), indicatorNamespace, 'Suggested_COA').flatMap(
      (suggested) =>
        findChildren(suggested, stixCommonNamespace, 'Course_Of_Action').map(readConstruct),
    ),
    killChainPhases: readKillChainPhases(element),
  }
}
