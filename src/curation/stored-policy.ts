import { parseNetwork } from '../model/address.ts'
import { normalDomain } from '../model/domain.ts'
import { isObservableType } from '../model/observable.ts'
import type { PolicySettings } from './policy.ts'

type Check = (value: unknown) => boolean

/** Longer than anybody waits, and short enough that no end lies beyond the year 9999. */
export const longestAgeDays = 36_500

const isNumber =
  (least: number, most: number): Check =>
  (value) =>
    Number.isInteger(value) && (value as number) >= least && (value as number) <= most
const isText =
  (test: (text: string) => boolean): Check =>
  (value) =>
    typeof value === 'string' && test(value)
const isList =
  (check: Check): Check =>
  (value) =>
    Array.isArray(value) && value.every(check)
const isMap =
  (check: Check, isKey: (key: string) => boolean = () => true): Check =>
  (value) =>
    isObject(value) && Object.entries(value).every(([key, one]) => isKey(key) && check(one))
const isRecord =
  (checks: Readonly<Record<string, Check>>): Check =>
  (value) =>
    isObject(value) &&
    Object.entries(value).every(([key, one]) => Object.hasOwn(checks, key) && checks[key]?.(one))

const isPercent = isNumber(0, 100)
const isAges = isMap(isNumber(0, longestAgeDays), isObservableType)

const checks: Readonly<Record<keyof PolicySettings, Check>> = {
  ownDomains: isList(isText((text) => normalDomain(text) === text)),
  ownRanges: isList(isText((text) => parseNetwork(text) !== undefined)),
  broadestCidr: isRecord({ ipv4: isNumber(0, 32), ipv6: isNumber(0, 128) }),
  heldBackTypes: isList(isText(isObservableType)),
  ageDays: isAges,
  listedConfidencePercent: isPercent,
  sources: isMap(isRecord({ confidence: isPercent, authors: isMap(isPercent), ageDays: isAges })),
}

export const policyKeys = Object.freeze(Object.keys(checks)) as readonly (keyof PolicySettings)[]

/**
 * What is wrong with a policy as a store has it: a newer Taxiway may have written it, or somebody by hand.
 * @returns undefined: it is a policy
 */
export function findPolicyFault(stored: unknown): string | undefined {
  if (!isObject(stored)) return 'it is no object'
  for (const [key, value] of Object.entries(stored)) {
    if (!Object.hasOwn(checks, key)) return `it has "${key}", which this version does not know`
    if (!checks[key as keyof PolicySettings](value)) return `its "${key}" cannot be read`
  }
  return undefined
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
