import { parseTlp, type Tlp, tlpRank } from '../model/tlp.ts'
import type { XmlElement } from '../xml/read.ts'
import {
  findAttributeText,
  findChild,
  findChildren,
  findSchemaType,
  findText,
  markingNamespace,
  stixCommonNamespace,
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

// Longer ones are no level, and the patterns that read a level must not meet endless white space.
const maxLevelLength = 40

function readLevel(text: string): Tlp | undefined {
  return text.length > maxLevelLength ? undefined : parseTlp(text)
}

function mostRestrictive(levels: readonly Tlp[]): Tlp | undefined {
  return levels.toSorted((a, b) => tlpRank(b) - tlpRank(a))[0]
}

function readMarking(marking: XmlElement): Markings {
  const levels: Tlp[] = []
  const statements: string[] = []
  for (const structure of findChildren(marking, markingNamespace, 'Marking_Structure')) {
    const color = findAttributeText(structure, 'color')
    const level = color === undefined ? undefined : readLevel(color)
    if (level && findSchemaType(structure) === 'TLPMarkingStructureType') levels.push(level)
    for (const { text } of structure.children) if (text.trim() !== '') statements.push(text.trim())
  }
  const tlp = mostRestrictive(levels)
  // TLP 2.0's AMBER+STRICT has no colour in STIX 1: it is sent as RED with a statement beside it.
  const isStrict = tlp === 'red' && statements.some((text) => readLevel(text) === 'amber+strict')
  return { tlp: isStrict ? 'amber+strict' : tlp, statements }
}

/** @param element a Handling, or undefined */
export function readMarkings(element: XmlElement | undefined): Markings {
  const markings = findChildren(element, markingNamespace, 'Marking').map(readMarking)
  return {
    tlp: mostRestrictive(markings.flatMap(({ tlp }) => tlp ?? [])),
    statements: markings.flatMap(({ statements }) => statements),
  }
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
