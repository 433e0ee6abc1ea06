import { findAttribute } from '../../xml/read.ts'
import type { ReceivedBlock } from './block.ts'
import type { BlockReading, Grade, Reason } from './reading.ts'
import { cutText } from './server-text.ts'

/** Where something was met first. */
export interface Example {
  /** undefined where it is not about one observable */
  readonly type: string | undefined
  readonly value: string | undefined
  readonly label: string | undefined
  readonly packageId: string | undefined
}

export interface ReasonCount {
  readonly rule: string
  readonly grade: Grade
  readonly text: string
  readonly count: number
  readonly example: Example
}

export interface TypeCount {
  readonly type: string
  /** observables that the device takes in, each time that it meets them */
  readonly ingested: number
  /** different ones */
  readonly distinct: number
}

/** What a device makes of many blocks; it grows by kinds of things, not by blocks. */
export interface Tally {
  blocks: number
  /** blocks of which it takes in nothing, choked on or not */
  fruitless: number
  readonly bindings: Map<string, number>
  readonly types: Map<string, TypeCount>
  readonly dropped: Map<string, ReasonCount>
  readonly ignored: Map<string, ReasonCount>
  readonly choked: Map<string, ReasonCount>
}

export function createTally(): Tally {
  return {
    blocks: 0,
    fruitless: 0,
    bindings: new Map(),
    types: new Map(),
    dropped: new Map(),
    ignored: new Map(),
    choked: new Map(),
  }
}

/** Names come from the server, which may think of any number of them. */
const mostKinds = 500
const others = 'others'

/** @param isNew whether the device has not taken in this observable before */
export function addReading(
  tally: Tally,
  block: ReceivedBlock,
  { choked, observables, ignored }: BlockReading,
  isNew: (type: string, value: string) => boolean,
): void {
  const where = { label: block.label, packageId: findPackageId(block) }
  const nothing = { type: undefined, value: undefined }
  tally.blocks += 1
  addTo(tally.bindings, cutText(block.binding), (before = 0) => before + 1)
  if (choked) addReason(tally.choked, choked, { ...nothing, ...where })
  for (const reason of ignored) addReason(tally.ignored, reason, { ...nothing, ...where })
  let taken = 0
  for (const { type, value, dropped } of observables) {
    // Why it chokes says it all, and the observables would say it again.
    if (choked) continue
    if (dropped) {
      addReason(tally.dropped, dropped, { type, value, ...where })
    } else {
      taken += 1
      const fresh = isNew(type, value) ? 1 : 0
      const known = cutText(type)
      addTo(tally.types, known, (before, key) => ({
        type: before?.type ?? key,
        ingested: (before?.ingested ?? 0) + 1,
        distinct: (before?.distinct ?? 0) + fresh,
      }))
    }
  }
  if (taken === 0) tally.fruitless += 1
}

/** Adds what another tally has. */
export function mergeTally(into: Tally, from: Tally): void {
  into.blocks += from.blocks
  into.fruitless += from.fruitless
  for (const [binding, count] of from.bindings) {
    addTo(into.bindings, binding, (before = 0) => before + count)
  }
  for (const [type, count] of from.types) {
    addTo(into.types, type, (before, key) => ({
      type: before?.type ?? key,
      ingested: (before?.ingested ?? 0) + count.ingested,
      distinct: (before?.distinct ?? 0) + count.distinct,
    }))
  }
  for (const name of ['dropped', 'ignored', 'choked'] as const) {
    for (const [key, count] of from[name]) {
      addTo(into[name], key, (before) =>
        before ? { ...before, count: before.count + count.count } : count,
      )
    }
  }
}

/** The most frequent first. */
export function sortByCount(counts: Iterable<ReasonCount>): ReasonCount[] {
  return [...counts].sort((a, b) => b.count - a.count || (a.rule < b.rule ? -1 : 1))
}

export function sumCounts(counts: Iterable<{ readonly count: number }>): number {
  let sum = 0
  for (const { count } of counts) sum += count
  return sum
}

/** The id of the first STIX package in a block. */
export function findPackageId({ content }: ReceivedBlock): string | undefined {
  const [first] = content.children
  return first && cut(findAttribute(first, 'id'))
}

function addReason(map: Map<string, ReasonCount>, reason: Reason, example: Example): void {
  const { grade } = reason
  const rule = cutText(reason.rule)
  const text = cutText(reason.text)
  const short = {
    type: cut(example.type),
    value: cut(example.value),
    label: cut(example.label),
    packageId: example.packageId,
  }
  addTo(map, `${rule} ${grade} ${text}`, (before) =>
    before
      ? { ...before, count: before.count + 1 }
      : { rule, grade, text, count: 1, example: short },
  )
}

function addTo<Value>(
  map: Map<string, Value>,
  key: string,
  change: (before: Value | undefined, key: string) => Value,
): void {
  const known = map.has(key) || map.size < mostKinds ? key : others
  map.set(known, change(map.get(known), known))
}

function cut(text: string | undefined): string | undefined {
  return text === undefined ? undefined : cutText(text)
}
