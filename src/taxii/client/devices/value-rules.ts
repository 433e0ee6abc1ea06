import type { ObservableType } from '../../../model/observable.ts'
import { refangEmail, refangUrl } from '../../../model/refang.ts'
import type { Grade } from '../reading.ts'
import type { Candidate } from './candidates.ts'
import { reason, type ValueRule } from './rules.ts'

/** A block of addresses, in whichever of its two spellings. */
export function dropsNetworks(grade: Grade, text: string): ValueRule {
  const found = reason('cidr', grade, text)
  return ({ type }) => (type === 'cidr' ? found : undefined)
}

/** Hashes of a kind that the device does not take; of other types it says nothing. */
export function takesHashes(
  hashes: readonly ObservableType[],
  grade: Grade,
  text: string,
): ValueRule {
  const found = reason('hash', grade, text)
  return ({ type, field }) =>
    field?.hash && !(hashes as readonly string[]).includes(type) ? found : undefined
}

export function takesTypes(
  types: readonly ObservableType[],
  grade: Grade,
  text: string,
): ValueRule {
  const found = reason('type', grade, text)
  return ({ type }) => ((types as readonly string[]).includes(type) ? undefined : found)
}

export function dropsLists(grade: Grade): ValueRule {
  const found = reason('list', grade, 'the value is a list of several')
  return ({ field }) => (field && field.items.length > 1 ? found : undefined)
}

/** A named delimiter keeps a value that looks like a list whole, for whoever heeds it. */
export function dropsDelimiters(grade: Grade): ValueRule {
  const found = reason('delimiter', grade, 'the value names a delimiter of its own')
  return ({ field }) => (field?.delimiter !== undefined ? found : undefined)
}

export function dropsSeveral(grade: Grade): ValueRule {
  const found = reason('several-values', grade, 'the object holds more than one value')
  return ({ siblings }) => (siblings > 1 ? found : undefined)
}

/** CybOX: without a condition an object is what was seen and no pattern; nobody is known to mind. */
export function dropsConditions(grade: Grade): ValueRule {
  const found = reason('condition', grade, 'the value has another condition than Equals')
  return ({ field }) =>
    field?.condition !== undefined && field.condition !== 'Equals' ? found : undefined
}

export function dropsUntypedHashes(grade: Grade): ValueRule {
  const found = reason('untyped-hash', grade, 'the hash does not say of what kind it is')
  return ({ field }) => (field?.hash && field.hash.written === undefined ? found : undefined)
}

// A live path may hold what looks like a defanged dot, so a URL is asked as a URL.
function isDefanged({ field, item }: Candidate): boolean {
  const isUrl = field?.expected.includes('url')
  return (isUrl ? refangUrl(item) : refangEmail(item)) !== item
}

export function dropsDefanged(grade: Grade): ValueRule {
  const found = reason(
    'defanged',
    grade,
    'the value is defanged and matches nothing as it is written',
  )
  return (candidate) => (isDefanged(candidate) ? found : undefined)
}

export function dropsMalformed(grade: Grade): ValueRule {
  const found = reason('malformed', grade, 'the value is not in order for its type')
  return ({ known }) => (known ? undefined : found)
}

/** A URL such as `evil.example/a`, which some devices take for one of http. */
export function dropsBareUrls(grade: Grade): ValueRule {
  const found = reason('no-scheme', grade, 'the URL has no scheme')
  return ({ known, item }) => (known?.type === 'url' && !item.includes('://') ? found : undefined)
}

export function takesSchemes(scheme: RegExp, grade: Grade, text: string): ValueRule {
  const found = reason('scheme', grade, text)
  return ({ type, value }) => (type === 'url' && !scheme.test(value) ? found : undefined)
}

/** Such as an IPv6 address as `ipv4-addr`, or an address as a domain name. */
export function dropsMismatches(grade: Grade): ValueRule {
  const found = reason('mismatch', grade, 'the value is of another type than its object says')
  return ({ known, field }) =>
    known && field && !field.expected.includes(known.type) ? found : undefined
}
