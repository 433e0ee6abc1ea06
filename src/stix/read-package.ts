import type { XmlElement } from '../xml/read.ts'
import { readConstruct, type StixConstruct } from './read-construct.ts'
import { readIndicator, type StixIndicator } from './read-indicator.ts'
import { type Markings, readMarkings, readProducer, type StixProducer } from './read-marking.ts'
import { isNegated, readObservable, type StixObservable } from './read-observable.ts'
import {
  cyboxNamespace,
  findAttributeText,
  findChild,
  findChildren,
  findText,
  indicatorNamespace,
  stixCommonNamespace,
  stixNamespace,
  walkTree,
} from './read-xml.ts'

export interface StixHeader {
  readonly title: string | undefined
  readonly description: string | undefined
  readonly shortDescription: string | undefined
  readonly intents: readonly string[]
  readonly markings: Markings
  /** its Information_Source */
  readonly source: StixProducer | undefined
}

/** Where an Observable stands: in an indicator, among the package's Observables, or in another construct. */
export type PackagePlace =
  | { readonly within: 'indicator'; readonly indicator: StixIndicator }
  | { readonly within: 'package' }
  | { readonly within: 'construct'; readonly construct: StixConstruct }

export type PackageObservable = StixObservable<PackagePlace>

/** A STIX_Package of STIX 1.0 to 1.2: all that is in it, flat, in document order. */
export interface StixPackage {
  readonly id: string | undefined
  readonly version: string | undefined
  /** as it was written */
  readonly timestamp: string | undefined
  readonly header: StixHeader | undefined
  /** those in composite expressions and related ones too */
  readonly indicators: readonly StixIndicator[]
  readonly observables: readonly PackageObservable[]
  /** but TTPs and courses of action that stand in indicators */
  readonly constructs: readonly StixConstruct[]
  /** the first of each id that is no reference: what an idref finds */
  readonly observablesById: ReadonlyMap<string, PackageObservable>
}

export function isStixPackage({ namespace, name }: XmlElement): boolean {
  return name === 'STIX_Package' && namespace === stixNamespace
}

/** The versions that are read, as a STIX_Package says them. */
export const stixVersions: readonly string[] = ['1.0', '1.0.1', '1.1', '1.1.1', '1.2']

/** The lists of constructs in a package, by name, with the name of what stands in them. */
export const constructLists: Readonly<Record<string, string>> = Object.assign(Object.create(null), {
  TTPs: 'TTP',
  Exploit_Targets: 'Exploit_Target',
  Incidents: 'Incident',
  Courses_Of_Action: 'Course_Of_Action',
  Campaigns: 'Campaign',
  Threat_Actors: 'Threat_Actor',
  Reports: 'Report',
  Related_Packages: 'Related_Package',
})

/** @param header a STIX_Header */
export function readHeader(header: XmlElement): StixHeader {
  const text = (name: string): string | undefined => findText(header, stixNamespace, name)
  const handling = findChild(header, stixNamespace, 'Handling')
  const intents = findChildren(header, stixNamespace, 'Package_Intent')
  return {
    title: text('Title'),
    description: text('Description'),
    shortDescription: text('Short_Description'),
    intents: intents.map((intent) => intent.text.trim()),
    markings: readMarkings(handling),
    source: readProducer(findChild(header, stixNamespace, 'Information_Source')),
  }
}

interface IndicatorTask {
  readonly element: XmlElement
  readonly place: StixIndicator['place']
  readonly operator: string | undefined
  readonly joined: boolean
}

/** The indicators under this one, which may hold others in turn. */
function* findInner({ element, joined }: IndicatorTask): Generator<IndicatorTask> {
  const composite = findChild(element, indicatorNamespace, 'Composite_Indicator_Expression')
  const operator = composite && (findAttributeText(composite, 'operator') ?? '')
  const members = findChildren(composite, indicatorNamespace, 'Indicator')
  const together = joined || isNegated(element) || (operator !== 'OR' && members.length > 1)
  for (const inner of members) {
    yield { element: inner, place: 'composite', operator, joined: together }
  }
  const related = findChild(element, indicatorNamespace, 'Related_Indicators')
  for (const relation of findChildren(related, indicatorNamespace, 'Related_Indicator')) {
    const inner = findChild(relation, stixCommonNamespace, 'Indicator')
    if (inner) yield { element: inner, place: 'related', operator: undefined, joined: false }
  }
}

/** Reads an Indicator of the package with those that stand in it, and adds them all, in document order. */
export function readIndicatorTree(
  root: XmlElement,
  indicators: StixIndicator[],
  observables: PackageObservable[],
): void {
  const waiting: IndicatorTask[] = [
    { element: root, place: 'package', operator: undefined, joined: false },
  ]
  for (let task = waiting.pop(); task !== undefined; task = waiting.pop()) {
    const { element, place, operator, joined } = task
    const indicator = readIndicator(element, place, operator, joined)
    indicators.push(indicator)
    for (const observable of findChildren(element, indicatorNamespace, 'Observable')) {
      for (const one of readObservable(observable, { within: 'indicator' as const, indicator })) {
        observables.push(one)
      }
    }
    for (const inner of [...findInner(task)].reverse()) waiting.push(inner)
  }
}

function isObservable({ namespace, name }: XmlElement): boolean {
  return (
    name === 'Observable' && (namespace === cyboxNamespace || namespace === stixCommonNamespace)
  )
}

/** A construct, and the observables anywhere in it. */
export function readHolder(element: XmlElement, observables: PackageObservable[]): StixConstruct {
  const construct = readConstruct(element)
  const place = { within: 'construct' as const, construct }
  for (const part of walkTree(element, (one) => !isObservable(one))) {
    if (!isObservable(part)) continue
    for (const one of readObservable(part, place)) observables.push(one)
  }
  return construct
}

/** Reads a STIX_Package of any version; whether the version is one that is known is for the caller to ask. */
export function readPackage(root: XmlElement): StixPackage {
  const indicators: StixIndicator[] = []
  const observables: PackageObservable[] = []
  const constructs: StixConstruct[] = []
  const listed = findChild(root, stixNamespace, 'Indicators')
  for (const indicator of findChildren(listed, stixNamespace, 'Indicator')) {
    readIndicatorTree(indicator, indicators, observables)
  }
  const header = findChild(root, stixNamespace, 'STIX_Header')
  const list = findChild(root, stixNamespace, 'Observables')
  for (const observable of findChildren(list, cyboxNamespace, 'Observable')) {
    for (const one of readObservable(observable, { within: 'package' as const })) {
      observables.push(one)
    }
  }
  for (const group of root.children) {
    const name = group.namespace === stixNamespace ? constructLists[group.name] : undefined
    if (name === undefined) continue
    for (const element of group.children) {
      if (element.name === name) constructs.push(readHolder(element, observables))
    }
  }
  const observablesById = new Map<string, PackageObservable>()
  for (const one of observables) {
    const named = one.id !== undefined && one.kind !== 'reference'
    if (named && !observablesById.has(one.id)) observablesById.set(one.id, one)
  }
  return {
    id: findAttributeText(root, 'id'),
    version: findAttributeText(root, 'version'),
    timestamp: findAttributeText(root, 'timestamp'),
    header: header && readHeader(header),
    indicators,
    observables,
    constructs,
    observablesById,
  }
}
