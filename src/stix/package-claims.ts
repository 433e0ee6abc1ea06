import type { Assertion } from '../model/assertion.ts'
import { type Tlp, tlpRank } from '../model/tlp.ts'
import type { XmlPart } from '../xml/parts.ts'
import type { XmlElement } from '../xml/read.ts'
import { type ObservedValue, toObservedValues } from './observable-values.ts'
import type { StixConstruct } from './read-construct.ts'
import type { StixIndicator } from './read-indicator.ts'
import { readObservable, type StixObservable } from './read-observable.ts'
import {
  constructLists,
  isStixPackage,
  type PackageObservable,
  readHeader,
  readHolder,
  readIndicatorTree,
  type StixHeader,
  stixVersions,
} from './read-package.ts'
import { confidenceOf, readMoment } from './read-words.ts'
import { cyboxNamespace, findAttributeText, stixNamespace } from './read-xml.ts'

/** What a STIX package claims, as far as it is understood. */
export interface PackageClaims {
  readonly id: string | undefined
  readonly timestamp: Date | undefined
  /** whether it is of a version that is read, or names none; of another one nothing is understood */
  readonly isRead: boolean
  readonly header: StixHeader | undefined
  /** one for each value, of indicators and of observables that no indicator refers to */
  readonly claims: readonly Assertion[]
  /** what was not, by the words of `toObservedValues` and the names of constructs, and how often */
  readonly notUnderstood: ReadonlyMap<string, number>
  /** what its constructs are called, each once and as many as are kept of a report */
  readonly actors: readonly string[]
  readonly malware: readonly string[]
  readonly attackPatterns: readonly string[]
}

export interface ClaimSettings {
  /** of what the package marks with none */
  readonly tlp: Tlp
  /** when it came, for what says nothing of its time */
  readonly receivedAt: Date
  /** told of each few claims that were found, and of values that wait to become some; it may throw */
  readonly onClaims: (added: number) => void
}

/** Reads a package part by part, as `isPackageContainer` divides it. */
export interface PackageReader {
  /** What stands in the package: neither its own start tag nor its end. */
  take(part: XmlPart): void
  /** how many claims were found until now */
  count(): number
  end(): PackageClaims
}

/**
 * Whether an element is read child by child, as `IsContainer` of xml/parts.ts asks.
 * @param within the containers around it from the package's parent on: `[package, list]` at most matter
 */
export function isPackageContainer(element: XmlElement, within: readonly XmlElement[]): boolean {
  const [root, list] = within
  if (!root) return isStixPackage(element)
  if (list || !isStixPackage(root)) return false
  return element.namespace === stixNamespace && listNames.has(element.name)
}

const listNames: ReadonlySet<string> = new Set([
  'Indicators',
  'Observables',
  ...Object.keys(constructLists),
])

// Far more than people read; a description stands beside each value that its indicator has.
const maxTitle = 500
const maxDescription = 5_000
const manyValues = 20
const maxDescriptionOfMany = 500
const maxValue = 65_536
const maxNames = 100
const maxVersion = 20

export function createPackageReader(root: XmlElement, settings: ClaimSettings): PackageReader {
  const timestamp = readMoment(findAttributeText(root, 'timestamp'))
  const version = findAttributeText(root, 'version')
  const isRead = version === undefined || stixVersions.includes(version)
  const claims: Assertion[] = []
  const notUnderstood = new Map<string, number>()
  const known = new Map<string, Known>()
  const waiting: { readonly idref: string; readonly about: About }[] = []
  const actors = new Set<string>()
  const malware = new Set<string>()
  const attackPatterns = new Set<string>()
  let header: StixHeader | undefined
  let list: XmlElement | undefined

  function miss(what: string): void {
    notUnderstood.set(what, (notUnderstood.get(what) ?? 0) + 1)
  }

  /** @param isCounted whether `onClaims` was told of the values when they were read */
  function claim(values: readonly ObservedValue[], about: About, isCounted = false): void {
    const length = values.length > manyValues ? maxDescriptionOfMany : maxDescription
    const description = about.description.slice(0, length).toWellFormed()
    if (!isCounted) settings.onClaims(values.length)
    for (const { type, value } of values) {
      claims.push({ ...about, description, type, value: value.slice(0, maxValue) })
    }
  }

  function aboutPackage(): About {
    const validFrom = timestamp ?? settings.receivedAt
    return {
      externalId: undefined,
      title: '',
      description: '',
      role: '',
      tlp: header?.markings.tlp ?? settings.tlp,
      confidence: confidenceOf(undefined),
      validFrom,
      validUntil: undefined,
      active: true,
    }
  }

  function aboutIndicator(indicator: StixIndicator): About {
    const levels = [indicator.markings.tlp, header?.markings.tlp].filter((tlp) => tlp !== undefined)
    const tlp = mostRestrictive(levels) ?? settings.tlp
    return {
      externalId: indicator.id?.slice(0, maxTitle).toWellFormed(),
      title: (indicator.title ?? '').slice(0, maxTitle).toWellFormed(),
      description: indicator.description ?? '',
      role: '',
      tlp,
      confidence: confidenceOf(indicator.confidence),
      validFrom:
        readMoment(indicator.validFrom) ??
        readMoment(indicator.timestamp) ??
        timestamp ??
        settings.receivedAt,
      validUntil: readMoment(indicator.validUntil),
      active: true,
      ...(indicator.sightings !== undefined &&
        indicator.sightings > 0 && {
          sightings: Math.min(indicator.sightings, maxSightings),
        }),
    }
  }

  /** @param about undefined: it stands for itself, unless something refers to it */
  function takeObservable(observable: StixObservable, about: About | undefined): void {
    const { id, objectId } = observable
    if (observable.kind === 'reference') {
      const { idref } = observable
      if (observable.negated) miss('negated observables')
      else if (observable.joined) miss('observables that count only together')
      else if (about && idref !== undefined) waiting.push({ idref, about })
      return
    }
    const observed = toObservedValues(observable)
    for (const what of observed.notUnderstood) miss(what)
    const isNamed = id !== undefined || objectId !== undefined
    if (about || !isNamed) {
      if (observed.values.length > 0) claim(observed.values, about ?? aboutPackage())
      if (!isNamed) return
    }
    if (!about) settings.onClaims(observed.values.length)
    remember(observable, { observed, used: about !== undefined, waits: !about })
  }

  function takeIndicator(element: XmlElement): void {
    const indicators: StixIndicator[] = []
    const observables: PackageObservable[] = []
    readIndicatorTree(element, indicators, observables)
    const abouts = new Map(indicators.map((one) => [one, aboutIndicator(one)]))
    const holders = new Set<StixIndicator>()
    for (const observable of observables) {
      const { place } = observable
      if (place.within !== 'indicator') continue
      const { indicator } = place
      holders.add(indicator)
      if (indicator.negated) miss('negated indicators')
      else if (indicator.joined) miss('observables that count only together')
      else takeObservable(observable, abouts.get(indicator))
    }
    for (const indicator of indicators) {
      const { testMechanisms, compositeOperator, idref } = indicator
      for (const { type, rule } of testMechanisms) {
        const isYara = type === 'YaraTestMechanismType' && rule !== undefined
        if (!isYara || indicator.negated || indicator.joined) miss('other test mechanisms')
        else claim([{ type: 'yara', value: rule }], abouts.get(indicator) as About)
      }
      const says = holders.has(indicator) || testMechanisms.length > 0
      if (!says && compositeOperator === undefined && idref === undefined) {
        miss('indicators without an observable')
      }
    }
  }

  function takeConstruct(element: XmlElement): void {
    const observables: PackageObservable[] = []
    const construct = readHolder(element, observables)
    for (const observable of observables) {
      // Named, so that an indicator can refer to it; by itself it says nothing.
      takeNamed(observable)
    }
    addNames(construct)
    if (construct.name !== 'Exploit_Target') return
    const about = { ...aboutPackage(), title: (construct.title ?? '').slice(0, maxTitle) }
    if (construct.cves.length > 0) {
      claim(
        construct.cves.map((value) => ({ type: 'cve' as const, value })),
        about,
      )
    }
  }

  function takeNamed(observable: StixObservable): void {
    const observed = toObservedValues(observable)
    settings.onClaims(observed.values.length)
    remember(observable, { observed, used: true, waits: true })
    if (observed.values.length > 0) miss('observables in other constructs')
  }

  function remember({ id, objectId }: StixObservable, entry: Known): void {
    for (const name of [id, objectId])
      if (name !== undefined && !known.has(name)) known.set(name, entry)
  }

  function addNames(construct: StixConstruct): void {
    const add = (names: Set<string>, more: readonly (string | undefined)[]) => {
      for (const name of more) {
        if (name !== undefined && name !== '' && names.size < maxNames) {
          names.add(name.slice(0, maxTitle).toWellFormed())
        }
      }
    }
    if (construct.name === 'Threat_Actor') add(actors, [construct.title])
    add(malware, construct.malware)
    add(attackPatterns, construct.attackPatterns)
  }

  /** Claims what was referred to, and what nothing has referred to. */
  function resolve(): void {
    for (const { idref, about } of waiting) {
      const found = known.get(idref)
      if (!found) {
        miss('references to what is not in the package')
        continue
      }
      found.used = true
      if (found.observed.values.length > 0) claim(found.observed.values, about, found.waits)
      found.waits = false
    }
    const about = aboutPackage()
    for (const entry of new Set(known.values())) {
      if (!entry.used && entry.observed.values.length > 0) claim(entry.observed.values, about, true)
    }
  }

  /** A header has its place before all else; where one comes behind it, what came before is no less restricted. */
  function atLeast(tlp: Tlp | undefined): readonly Assertion[] {
    if (tlp === undefined) return claims
    return claims.map((one) => (tlpRank(one.tlp) < tlpRank(tlp) ? { ...one, tlp } : one))
  }

  if (!isRead) {
    const told = version.slice(0, maxVersion).toWellFormed()
    miss(`STIX_Package of version ${told}; 1.0 to 1.2 are read`)
  }

  return {
    take(part) {
      if (!isRead) return
      if (part.kind === 'open') list = part.element
      if (part.kind === 'close') list = undefined
      if (part.kind !== 'child') return
      const { element } = part
      if (!list) {
        if (element.name === 'STIX_Header' && element.namespace === stixNamespace) {
          const read = readHeader(element)
          const levels = [header?.markings.tlp, read.markings.tlp]
          const tlp = mostRestrictive(levels.filter((one) => one !== undefined))
          header = { ...read, markings: { ...read.markings, tlp } }
        }
        return
      }
      if (list.name === 'Indicators') {
        if (element.name === 'Indicator' && element.namespace === stixNamespace) {
          takeIndicator(element)
        }
      } else if (list.name === 'Observables') {
        if (element.name !== 'Observable' || element.namespace !== cyboxNamespace) return
        for (const one of readObservable(element, undefined)) takeObservable(one, undefined)
      } else if (element.name === constructLists[list.name]) takeConstruct(element)
    },
    count: () => claims.length,
    end() {
      resolve()
      return {
        id: findAttributeText(root, 'id')?.slice(0, maxTitle).toWellFormed(),
        timestamp,
        isRead,
        header,
        claims: atLeast(header?.markings.tlp),
        notUnderstood,
        actors: [...actors],
        malware: [...malware],
        attackPatterns: [...attackPatterns],
      }
    },
  }
}

function mostRestrictive(levels: readonly Tlp[]): Tlp | undefined {
  return levels.toSorted((a, b) => tlpRank(b) - tlpRank(a))[0]
}

// The store's column has 32 bits.
const maxSightings = 2 ** 31 - 1

/** What an assertion says beside its value. */
type About = Omit<Assertion, 'type' | 'value'>

/** An observable that can be referred to. */
interface Known {
  readonly observed: ReturnType<typeof toObservedValues>
  /** whether it was claimed, or is not to be by itself */
  used: boolean
  /** whether its values were counted and not claimed since */
  waits: boolean
}
