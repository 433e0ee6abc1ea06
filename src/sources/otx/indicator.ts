import type { Assertion } from '../../model/assertion.ts'
import type { ObservableType } from '../../model/observable.ts'
import type { Rejection, Report } from '../../model/report.ts'
import { isJsonObject } from './json.ts'
import type { PulseOptions } from './pulse.ts'
import { dateOf, type Fault, flag, forbiddenKey, idOf, isFault, readable } from './records.ts'
import { type IndicatorJson, indicatorFault, isIndicatorJson } from './schema.ts'
import { legalLine, legalText, shorten } from './text.ts'

/** What became of a list of indicators, each judged by itself. */
export interface ReadIndicators {
  readonly assertions: readonly Assertion[]
  readonly rejections: readonly Rejection[]
}

const typesByOtxName = new Map<string, ObservableType>([
  ['ipv4', 'ipv4'],
  ['ipv6', 'ipv6'],
  ['cidr', 'cidr'],
  ['domain', 'domain'],
  ['hostname', 'domain'],
  ['url', 'url'],
  ['uri', 'uri'],
  ['email', 'email'],
  ['filehash-md5', 'md5'],
  ['filehash-sha1', 'sha1'],
  ['filehash-sha256', 'sha256'],
  ['filehash-pehash', 'pehash'],
  ['filehash-imphash', 'imphash'],
  ['filepath', 'file-path'],
  ['mutex', 'mutex'],
  ['cve', 'cve'],
  ['yara', 'yara'],
  ['ja3', 'ja3'],
  ['osquery', 'osquery'],
  ['sslcertfingerprint', 'ssl-cert-fingerprint'],
  ['bitcoinaddress', 'bitcoin-address'],
])

/**
 * Reads indicators of one pulse, as they stand in it or come from `/pulses/{id}/indicators`. Never throws.
 * @param options its `place` names the pulse, or the pulse and the page
 */
export function indicatorsToAssertions(
  items: readonly unknown[],
  report: Report,
  options: PulseOptions & { readonly place: string },
): ReadIndicators {
  const assertions: Assertion[] = []
  const rejections: Rejection[] = []
  for (const [index, item] of items.entries()) {
    const assertion = assertionOf(item, report, options)
    if (!isFault(assertion)) assertions.push(assertion)
    else rejections.push({ place: `${options.place}, ${placeOf(item, index)}`, ...assertion })
  }
  return { assertions, rejections }
}

function assertionOf(json: unknown, report: Report, options: PulseOptions): Assertion | Fault {
  const fault = forbiddenKey(json)
  if (fault) return fault
  if (!isIndicatorJson(json)) return readable(indicatorFault(json))
  const value = observableText(json)
  if (value.trim() === '') return { reason: 'missing-field', detail: 'indicator is empty' }
  const type = legalLine(json.type)
  if (type === '') return { reason: 'missing-field', detail: 'type is empty' }
  const validFrom = json.created ? dateOf('created', json.created, options.now) : report.created
  if (isFault(validFrom)) return validFrom
  const validUntil = json.expiration ? dateOf('expiration', json.expiration, undefined) : undefined
  if (isFault(validUntil)) return validUntil
  return {
    type: typeOf(type, value),
    value,
    externalId: idOf(json),
    title: legalLine(json.title ?? ''),
    description: legalText(json.description || (isYara(json) ? '' : json.content) || ''),
    role: legalLine(json.role ?? ''),
    tlp: report.tlp,
    confidence: options.confidence,
    validFrom,
    validUntil,
    active: flag(json.is_active, true),
    ...(isRefuted(json.false_positive) && { refuted: true }),
    ...(isCount(json.observations) && { sightings: json.observations }),
  }
}

/** OTX's own verdict stands as an object, in a list of such, or not at all. */
function isRefuted(verdict: unknown): boolean {
  if (Array.isArray(verdict)) return verdict.some(isRefuted)
  if (!isJsonObject(verdict) || typeof verdict.assessment !== 'string') return false
  return verdict.assessment.trim().toLowerCase() === 'accepted'
}

/** Older pulses count observations; what does not fit a count is none, and no reason to refuse the indicator. */
function isCount(observations: unknown): observations is number {
  return (
    Number.isInteger(observations) &&
    (observations as number) > 0 &&
    (observations as number) < 2 ** 31
  )
}

/** Of a YARA indicator, `indicator` is only an id: the rule itself is the content. */
function observableText(json: IndicatorJson): string {
  return legalText((isYara(json) && json.content) || json.indicator)
}

function isYara(json: IndicatorJson): boolean {
  return json.type.toLowerCase() === 'yara'
}

function typeOf(otxName: string, value: string): Assertion['type'] {
  const type = typesByOtxName.get(otxName.toLowerCase())
  if (type === 'uri' && /^\s*https?:\/\//i.test(value)) return 'url'
  return type ?? otxName
}

function placeOf(json: unknown, index: number): string {
  const id = isJsonObject(json) ? idOf(json) : undefined
  return id === undefined ? `indicators[${index}]` : `indicator ${shorten(id, 80)}`
}
