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
