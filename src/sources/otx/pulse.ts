import type { Rejection, Report, ReportWithAssertions } from '../../model/report.ts'
import { parseTlp, type Tlp } from '../../model/tlp.ts'
import { indicatorsToAssertions } from './indicator.ts'
import { isJsonObject } from './json.ts'
import {
  dateOf,
  type Fault,
  flag,
  forbiddenKey,
  idOf,
  isFault,
  quote,
  readable,
} from './records.ts'
import { isPulseJson, type PulseJson, pulseFault } from './schema.ts'
import { legalLine, legalLines, legalText, shorten } from './text.ts'

export { indicatorsToAssertions, type ReadIndicators } from './indicator.ts'

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

  const indicators = indicatorsToAssertions(json.indicators ?? [], report, { ...options, place })
  return {
    report,
    ...indicators,
    moreIndicators: flag(json.more_indicators, false),
  }
}

export function isRejection(result: PulseReport | Rejection): result is Rejection {
  return 'reason' in result
}

function reportOf(json: PulseJson, externalId: string, options: PulseOptions): Report | Fault {
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
