import { escapeAttribute } from '../xml/write.ts'
import type { IdNamespace } from './ids.ts'

// In the order in which a package declares them, under the customary prefixes.
const uris = {
  xsi: 'http://www.w3.org/2001/XMLSchema-instance',
  stix: 'http://stix.mitre.org/stix-1',
  stixCommon: 'http://stix.mitre.org/common-1',
  stixVocabs: 'http://stix.mitre.org/default_vocabularies-1',
  indicator: 'http://stix.mitre.org/Indicator-2',
  cybox: 'http://cybox.mitre.org/cybox-2',
  marking: 'http://data-marking.mitre.org/Marking-1',
  tlpMarking: 'http://data-marking.mitre.org/extensions/MarkingStructure#TLP-1',
  cyboxCommon: 'http://cybox.mitre.org/common-2',
  cyboxVocabs: 'http://cybox.mitre.org/default_vocabularies-2',
  AddressObj: 'http://cybox.mitre.org/objects#AddressObject-2',
  DomainNameObj: 'http://cybox.mitre.org/objects#DomainNameObject-1',
  URIObj: 'http://cybox.mitre.org/objects#URIObject-2',
  FileObj: 'http://cybox.mitre.org/objects#FileObject-2',
  MutexObj: 'http://cybox.mitre.org/objects#MutexObject-2',
  simpleMarking: 'http://data-marking.mitre.org/extensions/MarkingStructure#Simple-1',
  ttp: 'http://stix.mitre.org/TTP-1',
  ta: 'http://stix.mitre.org/ThreatActor-1',
  et: 'http://stix.mitre.org/ExploitTarget-1',
  yaraTM: 'http://stix.mitre.org/extensions/TestMechanism#YARA-1',
} as const

type Prefix = keyof typeof uris
const prefixes = Object.keys(uris) as readonly Prefix[]

/** A set of namespaces as the bits of a number: joined by `|`, and compared in no time. */
export type Namespaces = number

export function namespaces(...some: readonly Prefix[]): Namespaces {
  let set = 0
  for (const prefix of some) set |= 1 << prefixes.indexOf(prefix)
  return set
}

// By the object, since a process has one: to look a head up costs less than to put it together.
const heads = new WeakMap<IdNamespace, Map<Namespaces, string>>()

/**
 * How a package begins: the namespaces that it uses and no more, since a block is stored by the hundred
 * thousand. Very many packages have it in common.
 */
export function renderHead(set: Namespaces, ids: IdNamespace): string {
  let known = heads.get(ids)
  if (!known) {
    known = new Map()
    heads.set(ids, known)
  }
  let head = known.get(set)
  if (head === undefined) {
    const used = prefixes.filter((_, bit) => set & (1 << bit))
    const declarations = used.map((prefix) => ` xmlns:${prefix}="${uris[prefix]}"`).join('')
    head = `<stix:STIX_Package${declarations} xmlns:${ids.prefix}="${escapeAttribute(ids.uri)}"`
    known.set(set, head)
  }
  return head
}
