import { makeObservable } from './observables.ts'
import type { Random } from './random.ts'

/** The seeds' "now"; each date is an age before it. */
export const base = '2026-01-01T00:00:00'

export const authors = { harbour: 'HarbourWatch-Demo', lantern: 'LanternLabs-Demo' } as const

export interface IndicatorSettings {
  readonly indicator?: string
  /** before the base */
  readonly ageDays: number
  /** after the base; negative: expired */
  readonly expiresInDays?: number
  readonly change?: Record<string, unknown>
}

export interface PulseSettings {
  readonly name: string
  readonly author: string
  readonly tlp: string
  readonly ageDays: number
  readonly modifiedAgeDays: number
  readonly tags: readonly string[]
  readonly indicators: readonly unknown[]
  readonly change?: Record<string, unknown>
}

export interface PulseMaker {
  readonly random: Random
  indicator(type: string, settings: IndicatorSettings): Record<string, unknown>
  pulse(settings: PulseSettings): Record<string, unknown>
}

export function createPulseMaker(random: Random): PulseMaker {
  // Above 2^31, as OTX's own are.
  let nextId = 4_000_000_001
  return {
    random,
    indicator(type, { indicator, ageDays, expiresInDays, change }) {
      return {
        id: nextId++,
        indicator: indicator ?? makeObservable(type, random),
        type,
        created: before(ageDays, 0),
        content: type === 'YARA' ? yaraRule(random) : '',
        title: random.chance(0.2) ? 'Seen in a sandbox' : '',
        description: random.pick(['', null, 'Synthetic example']),
        expiration: expiresInDays === undefined ? null : before(-expiresInDays, 0),
        is_active: 1,
        role: random.pick([null, '', 'command_and_control', 'malware_hosting', 'phishing']),
        ...change,
      }
    },
    pulse(settings) {
      return {
        id: random.hex(24),
        name: settings.name,
        description: `Synthetic pulse about ${settings.name.toLowerCase()}.`,
        author_name: settings.author,
        modified: before(settings.modifiedAgeDays, 6),
        created: before(settings.ageDays, random.pick([0, 3, 6])),
        revision: 1 + random.below(4),
        tlp: settings.tlp,
        public: 1,
        adversary: '',
        tags: settings.tags,
        references: [`https://blog.taxiway-demo.com/${random.hex(6)}`],
        targeted_countries: random.pick([[], ['Norway'], ['Norway', 'Japan']]),
        industries: random.pick([[], ['Energy'], ['Finance', 'Health']]),
        malware_families: random.pick([
          [],
          ['DemoLoader'],
          [{ id: 'DemoBot', display_name: 'DemoBot', target: null }],
        ]),
        attack_ids: random.pick([
          [],
          ['T1059'],
          [{ id: 'T1105', name: 'Ingress Tool Transfer', display_name: 'T1105' }],
        ]),
        extract_source: [],
        more_indicators: false,
        indicators: settings.indicators,
        ...settings.change,
      }
    },
  }
}

/** A naive timestamp so many days before the base, with 0, 3 or 6 fractional digits. */
export function before(days: number, digits: number): string {
  const moment = Date.parse(`${base}Z`) - Math.round(days * 86_400_000)
  const [seconds, fraction = ''] = new Date(moment).toISOString().slice(0, -1).split('.')
  return digits === 0 ? `${seconds}` : `${seconds}.${fraction.padEnd(digits, '0').slice(0, digits)}`
}

function yaraRule(random: Random): string {
  const name = `taxiway_demo_${random.hex(6)}`
  return `rule ${name} { strings: $a = "${name}" condition: $a }`
}
