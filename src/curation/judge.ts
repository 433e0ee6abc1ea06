import { isPublicSuffix } from '../model/domain.ts'
import { isObservableType, type ObservableType } from '../model/observable.ts'
import { findSpecialRange } from '../model/special-ranges.ts'
import { hostOfNormalUrl } from '../model/url.ts'
import { harmlessFiles } from './harmless-files.ts'
import type { Reason } from './reasons.ts'
import { findReservedDomain } from './reserved-domains.ts'

export interface JudgedInput {
  /** as the normal form corrected it; the upstream's own word where we do not know it */
  readonly type: ObservableType | (string & {})
  /** the normal form, or the value as it came where there is none */
  readonly value: string
  /** what normalForm had against the value; undefined: `value` is a normal form */
  readonly problem: string | undefined
  readonly active: boolean
  readonly validUntil: Date | undefined
  /** the report's */
  readonly public: boolean
}

export interface JudgeSettings {
  /** whether reports marked as not for the public may be published all the same */
  readonly allowNonPublic: boolean
  readonly heldBackTypes: readonly ObservableType[]
}

/** Held back are types that no client of a STIX 1.x feed is known to read. */
export const defaultJudgeSettings: JudgeSettings = Object.freeze({
  allowNonPublic: false,
  heldBackTypes: Object.freeze([
    'ja3',
    'ssl-cert-fingerprint',
    'osquery',
    'bitcoin-address',
  ] as const),
})

export interface Suppression {
  readonly reason: Reason
  /** one sentence on this very value */
  readonly detail: string
  /** the exact rule that spoke, `kind:name` */
  readonly rule: string
}

const none: readonly Suppression[] = Object.freeze([])

/**
 * Judges one assertion by itself. TLP is not judged here but per collection, which may permit more or less.
 * @returns every reason against it, in the order of `reasons`; empty: publish
 */
export function judge(
  assertion: JudgedInput,
  now: Date,
  settings: JudgeSettings = defaultJudgeSettings,
): readonly Suppression[] {
  const found = judgeValue(assertion, settings)
  if (!assertion.active) {
    found.push({
      reason: 'inactive',
      detail: 'the source marks it as inactive',
      rule: 'source:active',
    })
  }
  const expired = judgeTime(assertion, now)
  if (expired) found.push(expired)
  if (!assertion.public && !settings.allowNonPublic) {
    const detail = 'the report is not public'
    found.push({ reason: 'not-public', detail, rule: 'source:public' })
  }
  return found.length === 0 ? none : found
}

/** The part of the verdict that time alone changes. */
export function judgeTime(
  { validUntil }: Pick<JudgedInput, 'validUntil'>,
  now: Date,
): Suppression | undefined {
  if (!validUntil || validUntil.getTime() > now.getTime()) return undefined
  const detail = `valid until ${validUntil.toISOString()}`
  return { reason: 'expired', detail, rule: 'source:valid-until' }
}

/** When time alone will change the verdict; undefined: it will not. */
export function nextJudgement(
  assertion: Pick<JudgedInput, 'validUntil'>,
  now: Date,
): Date | undefined {
  const { validUntil } = assertion
  return validUntil && validUntil.getTime() > now.getTime() ? validUntil : undefined
}

function judgeValue(assertion: JudgedInput, settings: JudgeSettings): Suppression[] {
  const { type, value, problem } = assertion
  if (!isObservableType(type)) {
    const detail = `the type "${type}" is not known`
    return [{ reason: 'unknown-type', detail, rule: 'type:unknown' }]
  }
  const found: Suppression[] = []
  if (problem !== undefined) {
    found.push({ reason: 'syntax', detail: `the value ${problem}`, rule: `syntax:${type}` })
  }
  if (settings.heldBackTypes.includes(type)) {
    const detail = `${type} is held back`
    found.push({ reason: 'held-back-type', detail, rule: `type:${type}` })
  }
  const against = problem === undefined ? judgeNormalForm(type, value) : undefined
  if (against) found.push(against)
  return found
}

function judgeNormalForm(type: ObservableType, value: string): Suppression | undefined {
  switch (type) {
    case 'ipv4':
    case 'ipv6':
    case 'cidr':
      return judgeAddress(value)
    case 'domain':
      return judgeName(value) ?? judgeBreadth(value)
    case 'url': {
      const host = hostOfNormalUrl(value)
      return judgeAddress(host) ?? judgeName(host)
    }
    case 'email':
      return judgeName(value.slice(value.indexOf('@') + 1))
    case 'md5':
    case 'sha1':
    case 'sha256':
      return judgeFile(value)
    default:
      return undefined
  }
}

function judgeAddress(value: string): Suppression | undefined {
  const range = findSpecialRange(value)
  if (!range) return undefined
  const { scope, cidr, purpose } = range
  const relation = value.includes('/') ? 'overlaps' : 'lies in'
  const reason = scope === 'private' ? 'private-address' : 'reserved-address'
  return { reason, detail: `${value} ${relation} ${cidr} (${purpose})`, rule: `range:${cidr}` }
}

function judgeName(host: string): Suppression | undefined {
  const reserved = findReservedDomain(host)
  if (reserved) {
    const { name, purpose } = reserved
    const detail = `${name} is reserved for ${purpose}`
    return { reason: 'reserved-domain', detail, rule: `domain:${name}` }
  }
  // A colon: an IPv6 host, which has no dots either.
  if (host.includes('.') || host.includes(':')) return undefined
  const detail = `"${host}" is a name of some local network`
  return { reason: 'reserved-domain', detail, rule: 'domain:single-label' }
}

function judgeBreadth(domain: string): Suppression | undefined {
  if (!isPublicSuffix(domain)) return undefined
  const detail = `everybody may register names under ${domain}`
  return { reason: 'public-suffix', detail, rule: `suffix:${domain}` }
}

function judgeFile(hash: string): Suppression | undefined {
  const file = harmlessFiles.get(hash)
  if (!file) return undefined
  const { reason, rule, name } = file
  return { reason, detail: `the hash of ${name}`, rule }
}
