import { isPublicSuffix } from '../model/domain.ts'
import { isObservableType, type ObservableType } from '../model/observable.ts'
import { findSpecialRange } from '../model/special-ranges.ts'
import { hostOfNormalUrl } from '../model/url.ts'
import { harmlessFiles } from './harmless-files.ts'
import { createOwnNetwork } from './own-network.ts'
import { ageLimitDays, defaultPolicy, type JudgingPolicy, trustedConfidence } from './policy.ts'
import type { Reason } from './reasons.ts'
import { findReservedDomain } from './reserved-domains.ts'
import type { FindOnWarninglists, WarninglistMatch } from './warninglists.ts'

export interface JudgedInput {
  /** as the normal form corrected it; the upstream's own word where we do not know it */
  readonly type: ObservableType | (string & {})
  /** the normal form, or the value as it came where there is none */
  readonly value: string
  /** what normalForm had against the value; undefined: `value` is a normal form */
  readonly problem: string | undefined
  readonly active: boolean
  readonly refuted: boolean
  readonly validFrom: Date
  readonly validUntil: Date | undefined
  /** as asserted, 0 to 100 */
  readonly confidence: number
  /** the report's */
  readonly public: boolean
  /** the report's */
  readonly author: string
  /** by name, such as "otx" */
  readonly source: string
}

export interface Suppression {
  readonly reason: Reason
  /** one sentence on this very value */
  readonly detail: string
  /** the exact rule that spoke, `kind:name` */
  readonly rule: string
}

/** What was found and keeps nothing out. */
export interface Remark {
  readonly rule: string
  readonly detail: string
}

export interface Verdict {
  /** every reason against it, in the order of `reasons`; empty: publish */
  readonly suppressions: readonly Suppression[]
  readonly remarks: readonly Remark[]
  /** 0 to 100 */
  readonly confidence: number
  /** when it stops to count; undefined: never */
  readonly endsAt: Date | undefined
}

/**
 * Judges one assertion by itself. TLP is not judged here but per collection, which may permit more or less.
 */
export type Judge = (assertion: JudgedInput, now: Date) => Verdict

/** Raise it when the rules in this folder change: what is stored is judged anew then. */
export const rulesVersion = 1

const dayMs = 86_400_000
// The last that the store reads: dates of more than four digits are spelled otherwise.
const lastMoment = Date.UTC(10_000, 0, 1) - 1
const none = Object.freeze([])

export function createJudge(
  policy: JudgingPolicy = defaultPolicy,
  findOnWarninglists: FindOnWarninglists = () => none,
): Judge {
  const ownNetwork = createOwnNetwork(policy)

  return (assertion, now) => {
    const { type, value, problem, source } = assertion
    const known = isObservableType(type)
    const suppressions: Suppression[] = []
    const remarks: Remark[] = []
    const trusted = trustedConfidence(policy, source, assertion.author) ?? assertion.confidence
    let percent = 100
    if (!known) {
      const detail = `the type "${type}" is not known`
      suppressions.push({ reason: 'unknown-type', detail, rule: 'type:unknown' })
    } else {
      suppressions.push(...judgeValue(type, value, problem, policy))
      if (problem === undefined) {
        const own = ownNetwork(type, value)
        if (own) suppressions.push(own)
        for (const match of findOnWarninglists(type, value)) {
          const effect = match.whole ? match.list.effect : 'inform'
          const finding = findingOf(match)
          if (effect === 'block') suppressions.push({ reason: 'warninglist', ...finding })
          else remarks.push(finding)
          if (effect === 'lower') percent = policy.listedConfidencePercent
        }
      }
    }
    if (!assertion.active) {
      const detail = 'the source marks it as inactive'
      suppressions.push({ reason: 'inactive', detail, rule: 'source:active' })
    }
    if (assertion.refuted) {
      const detail = 'the source has accepted that it is a false positive'
      suppressions.push({ reason: 'refuted', detail, rule: 'source:false-positive' })
    }
    const endsAt = assertion.validUntil ?? (known ? ageEnd(policy, assertion, type) : undefined)
    const { validFrom, validUntil } = assertion
    const ended = judgeTime({ type, validFrom, validUntil, endsAt }, now)
    if (ended) suppressions.push(ended)
    if (!assertion.public) {
      const detail = 'the report is not public'
      suppressions.push({ reason: 'not-public', detail, rule: 'source:public' })
    }
    return {
      suppressions: suppressions.length === 0 ? none : suppressions,
      remarks: remarks.length === 0 ? none : remarks,
      confidence: Math.floor((trusted * percent) / 100),
      endsAt,
    }
  }
}

/** The part of the verdict that time alone changes. */
export function judgeTime(
  assertion: Pick<JudgedInput, 'type' | 'validFrom' | 'validUntil'> & Pick<Verdict, 'endsAt'>,
  now: Date,
): Suppression | undefined {
  const { type, validFrom, validUntil, endsAt } = assertion
  if (!endsAt || endsAt.getTime() > now.getTime()) return undefined
  if (validUntil) {
    const detail = `valid until ${validUntil.toISOString()}`
    return { reason: 'expired', detail, rule: 'source:valid-until' }
  }
  const days = Math.round((endsAt.getTime() - validFrom.getTime()) / dayMs)
  const detail = `asserted at ${validFrom.toISOString()}; ${type} counts for ${days} days`
  return { reason: 'aged', detail, rule: `age:${type}` }
}

/** When time alone will change the verdict; undefined: it will not. */
export function nextJudgement({ endsAt }: Pick<Verdict, 'endsAt'>, now: Date): Date | undefined {
  return endsAt && endsAt.getTime() > now.getTime() ? endsAt : undefined
}

function ageEnd(
  policy: JudgingPolicy,
  { source, validFrom }: JudgedInput,
  type: ObservableType,
): Date | undefined {
  const days = ageLimitDays(policy, source, type)
  if (days === undefined) return undefined
  return new Date(Math.min(validFrom.getTime() + days * dayMs, lastMoment))
}

function findingOf({ list, entry, whole }: WarninglistMatch): Remark {
  const what = whole ? `it is on "${list.title}"` : `where it lies is on "${list.title}"`
  return { rule: `warninglist:${list.name}`, detail: `${what}: ${entry}` }
}

function judgeValue(
  type: ObservableType,
  value: string,
  problem: string | undefined,
  policy: JudgingPolicy,
): Suppression[] {
  const found: Suppression[] = []
  if (problem !== undefined) {
    found.push({ reason: 'syntax', detail: `the value ${problem}`, rule: `syntax:${type}` })
  }
  if (policy.heldBackTypes.includes(type)) {
    const detail = `${type} is held back`
    found.push({ reason: 'held-back-type', detail, rule: `type:${type}` })
  }
  if (problem !== undefined) return found
  const against = judgeNormalForm(type, value)
  if (against) found.push(against)
  const broad = type === 'cidr' ? judgeNetworkSize(value, policy) : undefined
  if (broad) found.push(broad)
  return found
}

function judgeNetworkSize(cidr: string, { broadestCidr }: JudgingPolicy): Suppression | undefined {
  const version = cidr.includes(':') ? 'ipv6' : 'ipv4'
  const broadest = broadestCidr[version]
  const prefix = Number(cidr.slice(cidr.indexOf('/') + 1))
  if (prefix >= broadest) return undefined
  const detail = `${cidr} is larger than a /${broadest}`
  return { reason: 'broad-network', detail, rule: `cidr:${version}/${broadest}` }
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
      return judgeName(value.slice(value.lastIndexOf('@') + 1))
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
