import { parseTlp, type Tlp, tlpRank } from '../model/tlp.ts'
import type { XmlElement } from '../xml/read.ts'
import {
  findAttributeText,
  findChild,
  findChildren,
  findSchemaType,
  findText,
  indicatorNamespace,
  markingNamespace,
  stixCommonNamespace,
  walkTree,
} from './read-xml.ts'

/** What a Handling or the Marking of a header says. */
export interface Markings {
  /** the most restrictive level among them; undefined where none is TLP */
  readonly tlp: Tlp | undefined
  /** texts of simple markings and terms of use */
  readonly statements: readonly string[]
}

export interface StixProducer {
  readonly name: string | undefined
  readonly references: readonly string[]
}

export interface TestMechanism {
  /** the local name of its xsi:type, such as `YaraTestMechanismType`; undefined where it has none */
  readonly type: string | undefined
  /** the first text in it, such as a YARA rule */
  readonly rule: string | undefined
}

/** Something that an indicator or a package names: a title where it stands here, an idref where it does not. */
export interface NamedConstruct {
  readonly id: string | undefined
  readonly idref: string | undefined
  readonly title: string | undefined
}

/** Where an indicator stands: among the package's Indicators, in a Composite_Indicator_Expression, or as related to another. */
export type IndicatorPlace = 'package' | 'composite' | 'related'

export interface StixIndicator extends NamedConstruct {
  readonly place: IndicatorPlace
  /** of the Composite_Indicator_Expression that it stands in */
  readonly withinOperator: string | undefined
  /** of its own Composite_Indicator_Expression; '' where it has one without operator */
  readonly compositeOperator: string | undefined
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
  /** of TTPs that it indicates */
  readonly indicatedTtps: readonly NamedConstruct[]
  /** names of kill chain phases, or else their ids */
  readonly killChainPhases: readonly string[]
}

// Longer ones are no level, and the patterns that read a level must not meet endless white space.
const maxLevelLength = 40

function readLevel(text: string): Tlp | undefined {
  return text.length > maxLevelLength ? undefined : parseTlp(text)
}

/** @param element a Handling, or undefined */
export function readMarkings(element: XmlElement | undefined): Markings {
  const levels: Tlp[] = []
  const statements: string[] = []
  for (const marking of findChildren(element, markingNamespace, 'Marking')) {
    for (const structure of findChildren(marking, markingNamespace, 'Marking_Structure')) {
      const color = findAttributeText(structure, 'color')
      const level = color === undefined ? undefined : readLevel(color)
      if (level && findSchemaType(structure) === 'TLPMarkingStructureType') levels.push(level)
      for (const { text } of structure.children)
        if (text.trim() !== '') statements.push(text.trim())
    }
  }
  // TLP 2.0's AMBER+STRICT has no colour in STIX 1: it is sent as RED with a statement beside it.
  if (levels.includes('red') && statements.some((text) => readLevel(text) === 'amber+strict')) {
    return { tlp: 'amber+strict', statements }
  }
  let tlp: Tlp | undefined
  for (const level of levels) if (tlp === undefined || tlpRank(level) > tlpRank(tlp)) tlp = level
  return { tlp, statements }
}

const count = /^\d{1,15}$/

function readSightings(indicator: XmlElement): number | undefined {
  const sightings = findChild(indicator, indicatorNamespace, 'Sightings')
  if (!sightings) return undefined
  const counted = findAttributeText(sightings, 'sightings_count')
  if (counted !== undefined && count.test(counted)) return Number(counted)
  return findChildren(sightings, indicatorNamespace, 'Sighting').length
}

/** @param producer an element of InformationSourceType, or undefined */
export function readProducer(producer: XmlElement | undefined): StixProducer | undefined {
  if (!producer) return undefined
  const references = findChild(producer, stixCommonNamespace, 'References')
  return {
    name: findText(
      findChild(producer, stixCommonNamespace, 'Identity'),
      stixCommonNamespace,
      'Name',
    ),
    references: findChildren(references, stixCommonNamespace, 'Reference').map(({ text }) =>
      text.trim(),
    ),
  }
}

function readTestMechanism(element: XmlElement): TestMechanism {
  let rule: string | undefined
  for (const { text } of walkTree(element)) {
    rule = text.trim()
    if (rule !== '') break
  }
  return { type: findSchemaType(element), rule: rule || undefined }
}

/** Reads what a construct is called; its Title is in whichever namespace the construct has its parts in. */
export function readNamed(element: XmlElement): NamedConstruct {
  return {
    id: findAttributeText(element, 'id'),
    idref: findAttributeText(element, 'idref'),
    title: element.children.find(({ name }) => name === 'Title')?.text.trim() || undefined,
  }
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
      findChildren(indicated, stixCommonNamespace, 'TTP').map(readNamed),
    ),
    killChainPhases: readKillChainPhases(element),
  }
}
