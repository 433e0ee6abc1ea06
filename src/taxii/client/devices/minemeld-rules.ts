import type { StixIndicator } from '../../../stix/read-indicator.ts'
import { cyboxObjectTypes } from '../../../stix/read-object-types.ts'
import type { StixPackage } from '../../../stix/read-package.ts'
import { type BlockRule, type RestRule, reason, type ValueRule } from './rules.ts'

/*
 * What MineMeld does is read in PaloAltoNetworks/minemeld-core, minemeld/ft/taxii.py, class TaxiiClient, at
 * its defaults (ignore_composition_operator and create_fake_indicator off), and in python-stix 1.2.0, by which
 * it parses packages. So all of this is documented.
 */
const grade = 'documented'

const untyped = reason(
  'untyped-properties',
  grade,
  'an object does not say its xsi:type; the client skips the whole block',
)

/** python-cybox throws at Properties without xsi:type, and the client goes on with the next block. */
export const needsTypedProperties: BlockRule = (_, { package: stixPackage }) =>
  stixPackage?.observables.some(({ properties }) => properties && !properties.type)
    ? untyped
    : undefined

const unknownObject = reason(
  'unknown-object',
  grade,
  'an object is of a type that CybOX 2.1 does not have; the client skips the whole block',
)

/** So does it at a type that it has no class for. */
export const needsKnownObjects: BlockRule = (_, { package: stixPackage }) =>
  stixPackage?.observables.some(
    ({ properties }) => properties?.type !== undefined && !cyboxObjectTypes.has(properties.type),
  )
    ? unknownObject
    : undefined

// What dateutil makes of other spellings is up to dateutil, so this is inferred alone.
const badDate = reason(
  'date',
  'believed',
  'a timestamp or a time of validity is no date; the client skips the whole block',
)
const date = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d{1,20})?)?(?:Z|[+-]\d\d:?\d\d)?)?$/i

function isBadDate(text: string | undefined): boolean {
  return text !== undefined && !(text.length <= 64 && date.test(text))
}

export const needsDates: BlockRule = (_, { package: stixPackage }) =>
  isBadDate(stixPackage?.timestamp) ||
  stixPackage?.indicators.some(({ timestamp, validFrom, validUntil }) =>
    [timestamp, validFrom, validUntil].some(isBadDate),
  )
    ? badDate
    : undefined

interface Lookups {
  /** the idrefs of observables that stand in indicators */
  readonly referred: ReadonlySet<string>
  /** the last indicator of each id; those without id count as of one */
  readonly kept: ReadonlySet<StixIndicator>
}

const lookups = new WeakMap<StixPackage, Lookups>()

function lookUp(stixPackage: StixPackage): Lookups {
  const known = lookups.get(stixPackage)
  if (known) return known
  const referred = new Set<string>()
  for (const { place, idref } of stixPackage.observables) {
    if (place.within === 'indicator' && idref !== undefined) referred.add(idref)
  }
  const lastById = new Map<string, StixIndicator>()
  for (const indicator of stixPackage.indicators) {
    if (indicator.place === 'package') lastById.set(indicator.id ?? '', indicator)
  }
  const made = { referred, kept: new Set(lastById.values()) }
  lookups.set(stixPackage, made)
  return made
}

const sameId = reason(
  'same-id',
  grade,
  'the indicator has the id of a later one, or neither has any; the later is kept in its stead',
)

export const keepsLastOfId: ValueRule = ({ observable: { place } }, stixPackage) =>
  place.within === 'indicator' &&
  place.indicator.place === 'package' &&
  !lookUp(stixPackage).kept.has(place.indicator)
    ? sameId
    : undefined

const bare = reason(
  'top-level',
  grade,
  'the observable stands by itself in the package, and no indicator refers to it',
)

/** A composition among the package's Observables counts when an indicator refers to it. */
export const dropsUnreferred: ValueRule = ({ observable }, stixPackage) => {
  if (observable.place.within !== 'package') return undefined
  const id = observable.composition?.id
  return id !== undefined && lookUp(stixPackage).referred.has(id) ? undefined : bare
}

const nested = reason('composition-nested', grade, 'the composition stands in another')
const otherOperator = reason('composition-operator', grade, 'the composition’s operator is not OR')
const inline = reason('composition-inline', grade, 'the composition holds an observable itself')

/** Compositions of OR, all of whose members are references; one that is none spoils all. */
export const takesReferencesInOr: ValueRule = ({ observable: { composition } }) => {
  if (!composition) return undefined
  if (composition.depth > 1) return nested
  if (composition.operator !== 'OR') return otherOperator
  return composition.referring ? undefined : inline
}

const unresolved = reason(
  'idref',
  grade,
  'the indicator refers to an observable that is not among the package’s own Observables',
)

/** MineMeld looks among the top-level Observables of all blocks of one poll; here of this one. */
export const resolvesTopLevel: ValueRule = ({ observable, target }) =>
  observable.kind === 'reference' && target?.place.within !== 'package' ? unresolved : undefined

const noTimestamp = reason(
  'no-timestamp',
  grade,
  'the STIX_Package has no timestamp, by which the client tells from where to poll next',
)

export const advancesByTimestamp: RestRule = ({ timestamp }) =>
  timestamp === undefined ? [noTimestamp] : []
