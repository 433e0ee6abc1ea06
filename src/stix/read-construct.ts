import type { XmlElement } from '../xml/read.ts'
import { type Markings, readMarkings } from './read-marking.ts'
import { findAttributeText, walkTree } from './read-xml.ts'

/** What a construct is called: an id where it stands, an idref where it is referred to. */
export interface Named {
  readonly id: string | undefined
  readonly idref: string | undefined
  readonly title: string | undefined
}

/** What a package holds beside indicators and observables. */
export interface StixConstruct extends Named {
  /** the name of its element: `TTP`, `Exploit_Target`, `Threat_Actor`, `Campaign`, `Course_Of_Action` … */
  readonly name: string
  readonly markings: Markings
  /** CVE ids of the vulnerabilities in it */
  readonly cves: readonly string[]
  /** names of the malware in it */
  readonly malware: readonly string[]
  /** CAPEC ids of the attack patterns in it, or else their titles */
  readonly attackPatterns: readonly string[]
}

/** Reads what a construct is called; its Title is in whichever namespace the construct has its parts in. */
export function readNamed(element: XmlElement): Named {
  return {
    id: findAttributeText(element, 'id'),
    idref: findAttributeText(element, 'idref'),
    title: element.children.find(({ name }) => name === 'Title')?.text.trim() || undefined,
  }
}

function textOfChild(element: XmlElement, name: string): string {
  return element.children.find((child) => child.name === name)?.text.trim() ?? ''
}

/** Reads a construct of any kind by itself, not the observables in it. */
export function readConstruct(element: XmlElement): StixConstruct {
  const cves: string[] = []
  const malware: string[] = []
  const attackPatterns: string[] = []
  for (const part of walkTree(element)) {
    if (part.name === 'CVE_ID') cves.push(part.text.trim())
    else if (part.name === 'Malware_Instance') malware.push(textOfChild(part, 'Name'))
    else if (part.name === 'Attack_Pattern') {
      attackPatterns.push(findAttributeText(part, 'capec_id') ?? textOfChild(part, 'Title'))
    }
  }
  const isNamed = (name: string): boolean => name !== ''
  return {
    ...readNamed(element),
    name: element.name,
    markings: readMarkings(element.children.find(({ name }) => name === 'Handling')),
    cves: cves.filter(isNamed),
    malware: malware.filter(isNamed),
    attackPatterns: attackPatterns.filter(isNamed),
  }
}
