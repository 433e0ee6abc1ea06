import type { CollectionSettings, Rule } from './collection.ts'

/** What people give: all but name, description and rule has a default (schemas/collections.schema.json). */
export type GivenSettings = Pick<CollectionSettings, 'name' | 'description' | 'rule'> & {
  // Absent and undefined are the same where JSON or YAML was read.
  readonly [K in keyof Omit<CollectionSettings, 'name' | 'description' | 'rule'>]?:
    | CollectionSettings[K]
    | undefined
}

/** Fills in what was not given. @param given its `refreshDays` may be 0, which is never */
export function completeSettings(given: GivenSettings): CollectionSettings {
  const { name, description, rule, pageSize, refreshDays = 20 } = given
  return {
    name,
    description,
    type: given.type ?? 'data-feed',
    rule,
    inbox: given.inbox ?? false,
    maxTlp: given.maxTlp ?? 'green',
    nonPublic: given.nonPublic ?? false,
    bindings: given.bindings ?? ['urn:stix.mitre.org:xml:1.2'],
    profile: given.profile ?? 'esa',
    packaging: given.packaging ?? 'indicator',
    cidr: given.cidr ?? 'omit',
    pageSize,
    refreshDays: refreshDays || undefined,
  }
}

export type Place = readonly (string | number)[]

/** What is wrong with settings that the schema accepts. */
export interface SettingsFault {
  readonly place: Place
  /** the end of a sentence that begins with the place */
  readonly message: string
}

// Deeper than any rule that a person writes; a predicate of a thousand levels would exhaust PostgreSQL's stack.
export const maxRuleDepth = 20
// Each is asked of each assertion that comes in.
const maxConditions = 1_000

/** @returns every fault, with its place in the settings */
export function findSettingsFaults(
  settings: Pick<CollectionSettings, 'description' | 'rule' | 'cidr' | 'profile'>,
): readonly SettingsFault[] {
  const { description, rule, cidr, profile } = settings
  const faults: SettingsFault[] = []
  if (unstorable.test(description)) faults.push({ place: ['description'], message: notText })
  if (depthOf(rule) > maxRuleDepth) {
    const message = `is nested deeper than ${maxRuleDepth} levels; flatten it`
    faults.push({ place: ['rule'], message })
  }
  const conditions = countConditions(rule)
  if (conditions > maxConditions) {
    const message = `has ${conditions} conditions, more than ${maxConditions}; one with a list of values counts as one`
    faults.push({ place: ['rule'], message })
  }
  const texts = findUnstorable(rule, ['rule'])
  faults.push(...texts.map((place) => ({ place, message: notText })))
  if (cidr !== 'omit' && profile !== 'full') {
    const message = `is "${cidr}", which needs "profile: full"; the clients of the profile "${profile}" read no blocks of addresses`
    faults.push({ place: ['cidr'], message })
  }
  return faults
}

/**
 * @param nameOf how a place is called, such as `line 4`
 * @returns the faults of each of a list of settings, and names that stand in it twice
 */
export function findListFaults(
  list: readonly CollectionSettings[],
  nameOf: (place: Place) => string,
): readonly SettingsFault[] {
  const seen = new Map<string, number>()
  return list.flatMap((settings, index) => {
    const faults = findSettingsFaults(settings).map(({ place, message }) => ({
      place: [index, ...place],
      message,
    }))
    const first = seen.get(settings.name)
    if (first === undefined) {
      seen.set(settings.name, index)
      return faults
    }
    const message = `is "${settings.name}", as in ${nameOf([first, 'name'])} already; give it another`
    return [{ place: [index, 'name'], message }, ...faults]
  })
}

const notText = 'holds control characters, or half of a character: no client could be sent it'
// Lines and tabs are text; the database keeps no NUL, and XML has no word for the others.
const unstorable = /[^\P{Cc}\t\n\r]|\p{Cs}/u

function depthOf(rule: unknown): number {
  if (Array.isArray(rule)) return Math.max(0, ...rule.map(depthOf))
  if (typeof rule !== 'object' || rule === null) return 0
  return 1 + Math.max(0, ...Object.values(rule).map(depthOf))
}

function countConditions(rule: Rule): number {
  if ('all' in rule) return rule.all.reduce((sum, part) => sum + countConditions(part), 0)
  if ('any' in rule) return rule.any.reduce((sum, part) => sum + countConditions(part), 0)
  return 'not' in rule ? countConditions(rule.not) : 1
}

function findUnstorable(value: unknown, place: Place): Place[] {
  if (typeof value === 'string') return unstorable.test(value) ? [place] : []
  if (Array.isArray(value)) return value.flatMap((one, at) => findUnstorable(one, [...place, at]))
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, one]) => findUnstorable(one, [...place, key]))
}
