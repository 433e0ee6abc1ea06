import { readFileSync } from 'node:fs'
import type { StandinPulse } from './otx.ts'
import { parseKeepingNumbers } from './raw-json.ts'

export interface SeedPulses {
  readonly pulses: readonly StandinPulse[]
  /** what becomes of one of them while the demo runs; for `OtxStandin.revise` */
  readonly revision: { readonly id: string; readonly change: StandinPulse }
  /** the id of the one that is deleted meanwhile; for `OtxStandin.remove` */
  readonly deletedPulse: string
}

interface SeedFile {
  readonly base: string
  readonly pulses: readonly StandinPulse[]
  readonly revision: StandinPulse
  readonly deleted: string
}

const dateFields = ['created', 'modified', 'expiration'] as const
/** Other years are in the seeds to be refused, whenever that is. */
const movable = /^(?:19|20)\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.(\d+))?$/

/**
 * Reads seeds/otx-pulses.json and moves its dates, so that what was a day old for its base is a day old now.
 * The demo looks alive in every year.
 */
export function loadSeedPulses(now: Date): SeedPulses {
  const file = new URL('../../seeds/otx-pulses.json', import.meta.url)
  const seeds = parseKeepingNumbers(readFileSync(file, 'utf8')) as SeedFile
  // Whole seconds leave the fractions as they are.
  const shiftMs = Math.floor((now.getTime() - Date.parse(`${seeds.base}Z`)) / 1000) * 1000
  const { id, ...change } = movePulse(seeds.revision, shiftMs)
  return {
    pulses: seeds.pulses.map((pulse) => movePulse(pulse, shiftMs)),
    revision: { id: String(id), change },
    deletedPulse: seeds.deleted,
  }
}

function movePulse(pulse: StandinPulse, shiftMs: number): StandinPulse {
  const indicators = Array.isArray(pulse.indicators) ? pulse.indicators : []
  return {
    ...moveDates(pulse, shiftMs),
    indicators: indicators.map((item) => (isObject(item) ? moveDates(item, shiftMs) : item)),
  }
}

function isObject(value: unknown): value is StandinPulse {
  return typeof value === 'object' && value !== null
}

function moveDates(record: StandinPulse, shiftMs: number): StandinPulse {
  const moved = { ...record }
  for (const field of dateFields) {
    const text = record[field]
    if (typeof text === 'string') moved[field] = moveDate(text, shiftMs)
  }
  return moved
}

function moveDate(text: string, shiftMs: number): string {
  const match = movable.exec(text)
  if (!match) return text
  const seconds = text.slice(0, 19)
  const moment = new Date(`${seconds}Z`)
  // 30 February is to stay 30 February.
  if (Number.isNaN(moment.getTime()) || !moment.toISOString().startsWith(seconds)) return text
  const moved = new Date(moment.getTime() + shiftMs).toISOString().slice(0, 19)
  return match[1] === undefined ? moved : `${moved}.${match[1]}`
}
