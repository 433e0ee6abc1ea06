import type { Assertion } from '../../model/assertion.ts'
import type { ObservableType } from '../../model/observable.ts'
import type { Rejection, ReportWithAssertions } from '../../model/report.ts'
import { parseTlp, type Tlp } from '../../model/tlp.ts'
import { readDate } from './dates.ts'
import { isJsonObject } from './json.ts'
import {
  type IndicatorJson,
  indicatorFault,
  isIndicatorJson,
  isPulseJson,
  type PulseJson,
  pulseFault,
} from './schema.ts'
import { legalLine, legalLines, legalText, shorten } from './text.ts'

export interface PulseOptions {
  /** for pulses that name no level */
  readonly defaultTlp: Tlp
  readonly confidence: number
  /** dates more than a day after it are faults: as a watermark such a date would hide every later pulse */
  readonly now: Date
  /** where the pulse was met, for a pulse that cannot say who it is */
  readonly place?: string
}

export interface PulseReport extends ReportWithAssertions {
  /** OTX left indicators out of this pulse; `/pulses/{id}/indicators` has all of them */
  readonly moreIndicators: boolean
}

const maxDetailLength = 200
const clockToleranceMs = 24 * 3600 * 1000

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

/** A fault found while reading one record; it never leaves this file. */
interface Fault {
  readonly reason: string
  readonly detail: string
}

/**
 * Reads one pulse with its indicators. Never throws: whatever came in, the answer is a report or the reason
 * why there is none. Indicators that cannot be read are among the report's rejections.
 */
export function pulseToReport(json: unknown, options: PulseOptions): PulseReport | Rejection {
  const id = isJsonObject(json) ? idOf(json) : undefined
  const place = id === undefined ? (options.place ?? 'pulse') : `pulse ${shorten(id, 80)}`
  const fault = forbiddenKey(json)
  if (fault) return { place, ...fault }
  if (!isPulseJson(json)) return { place, ...readable(pulseFault(json)) }
  if (id === undefined) return { place, reason: 'missing-field', detail: 'id is empty' }
  const report = reportOf(json, id, options)
  if (isFault(report)) return { place, ...report }

  const assertions: Assertion[] = []
  const rejections: Rejection[] = []
  for (const [index, item] of (json.indicators ?? []).entries()) {
    const assertion = assertionOf(item, report, options)
    if (!isFault(assertion)) assertions.push(assertion)
    else rejections.push({ place: `${place}, ${indicatorPlace(item, index)}`, ...assertion })
  }
  return {
    report,
    assertions,
    rejections,
    moreIndicators: flag(json.more_indicators, false),
  }
}

export function isRejection(result: PulseReport | Rejection): result is Rejection {
  return 'reason' in result
}

function reportOf(json: PulseJson, externalId: string, options: PulseOptions) {
  const modified = dateOf('modified', json.modified, options.now)
  if (isFault(modified)) return modified
  const created = json.created ? dateOf('created', json.created, options.now) : modified
  if (isFault(created)) return created
  const tlpText = json.tlp || json.TLP
  const tlp = tlpText ? parseTlp(tlpText) : options.defaultTlp
  // An unknown level may be a strict one: neither the default nor a guess would be safe.
  if (!tlp) return { reason: 'unknown-tlp', detail: `tlp is ${quote(tlpText)}` }
  return {
    externalId,
    name: legalLine(json.name ?? ''),
    description: legalText(json.description ?? ''),
    author: legalLine(json.author_name ?? ''),
    tlp,
    public: flag(json.public, true),
    revision: legalLine(String(json.revision ?? '')),
    created,
    modified,
    adversary: legalLine(json.adversary ?? ''),
    tags: legalLines(json.tags, plainText),
    references: legalLines(json.references, plainText),
    targetedCountries: legalLines(json.targeted_countries, plainText),
    industries: legalLines(json.industries, plainText),
    malwareFamilies: legalLines(json.malware_families, malwareFamilyName),
    attackIds: legalLines(json.attack_ids, attackId),
  }
}

function assertionOf(
  json: unknown,
  report: { readonly tlp: Tlp; readonly created: Date },
  options: PulseOptions,
): Assertion | Fault {
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
  }
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

function dateOf(field: string, text: string, now: Date | undefined): Date | Fault {
  const date = readDate(text)
  if (typeof date === 'string') return { reason: date, detail: `${field} is ${quote(text)}` }
  if (now && date.getTime() > now.getTime() + clockToleranceMs) {
    return { reason: 'date-in-future', detail: `${field} is ${quote(text)}` }
  }
  return date
}

/** JSON.parse makes these keys plain fields, but no honest record has them and others might copy it. */
function forbiddenKey(json: unknown): Fault | undefined {
  if (!isJsonObject(json)) return undefined
  const key = ['__proto__', 'constructor'].find((name) => Object.hasOwn(json, name))
  return key === undefined ? undefined : { reason: 'forbidden-key', detail: `has the key ${key}` }
}

function idOf(json: { readonly id?: unknown; readonly _id?: unknown }): string | undefined {
  for (const id of [json.id, json._id]) {
    const text = typeof id === 'string' ? legalLine(id) : Number.isFinite(id) ? String(id) : ''
    if (text !== '') return text
  }
  return undefined
}

function indicatorPlace(json: unknown, index: number): string {
  const id = isJsonObject(json) ? idOf(json) : undefined
  return id === undefined ? `indicators[${index}]` : `indicator ${shorten(id, 80)}`
}

function flag(value: boolean | number | null | undefined, absent: boolean): boolean {
  return value === null || value === undefined ? absent : Boolean(value)
}

function plainText(item: unknown): string {
  return typeof item === 'string' || typeof item === 'number' ? String(item) : ''
}

function malwareFamilyName(item: unknown): string {
  if (!isJsonObject(item)) return plainText(item)
  return plainText(item.display_name) || plainText(item.name) || plainText(item.id)
}

function attackId(item: unknown): string {
  return isJsonObject(item) ? plainText(item.id) || plainText(item.name) : plainText(item)
}

function isFault(value: object | undefined): value is Fault {
  return value !== undefined && 'reason' in value
}

function quote(text: string | null | undefined): string {
  return JSON.stringify(shorten(text ?? '', 60))
}

function readable(fault: Fault): Fault {
  return { reason: fault.reason, detail: shorten(fault.detail, maxDetailLength) }
}
