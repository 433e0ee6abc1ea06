import { readDate } from './dates.ts'
import { isJsonObject } from './json.ts'
import { legalLine, shorten } from './text.ts'

const maxDetailLength = 200
const clockToleranceMs = 24 * 3600 * 1000

/** What is wrong with a record; it becomes a rejection, never an error. */
export interface Fault {
  readonly reason: string
  readonly detail: string
}

export function isFault(value: object | undefined): value is Fault {
  return value !== undefined && 'reason' in value
}

export function readable(fault: Fault): Fault {
  return { reason: fault.reason, detail: shorten(fault.detail, maxDetailLength) }
}

/** @param now where a date more than a day after it is a fault */
export function dateOf(field: string, text: string, now: Date | undefined): Date | Fault {
  const date = readDate(text)
  if (typeof date === 'string') return { reason: date, detail: `${field} is ${quote(text)}` }
  if (now && date.getTime() > now.getTime() + clockToleranceMs) {
    return { reason: 'date-in-future', detail: `${field} is ${quote(text)}` }
  }
  return date
}

/** JSON.parse makes these keys plain fields, but no honest record has them and others might copy it. */
export function forbiddenKey(json: unknown): Fault | undefined {
  if (!isJsonObject(json)) return undefined
  const key = ['__proto__', 'constructor'].find((name) => Object.hasOwn(json, name))
  return key === undefined ? undefined : { reason: 'forbidden-key', detail: `has the key ${key}` }
}

export function idOf(json: { readonly id?: unknown; readonly _id?: unknown }): string | undefined {
  for (const id of [json.id, json._id]) {
    const text = typeof id === 'string' ? legalLine(id) : Number.isFinite(id) ? String(id) : ''
    if (text !== '') return text
  }
  return undefined
}

export function flag(value: boolean | number | null | undefined, absent: boolean): boolean {
  return value === null || value === undefined ? absent : Boolean(value)
}

export function quote(text: string | null | undefined): string {
  return JSON.stringify(shorten(text ?? '', 60))
}
