import { formatMicros } from '../model/micros.ts'
import type { RequestReport } from '../taxii/client/ask.ts'
import type { Device } from '../taxii/client/device.ts'
import type { WindowReport } from '../taxii/client/poll-window.ts'
import { nameSome } from '../taxii/client/server-text.ts'
import type { PollOutcome, PollPlan } from '../taxii/client/session.ts'
import { type ReasonCount, sortByCount, sumCounts, type Tally } from '../taxii/client/tally.ts'
import type { Window } from '../taxii/client/windows.ts'
import { formatTable, printable } from './table.ts'

/** What is known before the first poll. */
export interface PollHead {
  readonly plan: PollPlan
  readonly device: Device
  readonly username: string | undefined
  /** of name and password on the wire */
  readonly encoding: 'latin1' | 'utf8' | undefined
  /** where it polls */
  readonly address: URL
  /** requests of the full poll, parts not counted */
  readonly windows: number
}

/** Who polls what, from when to when, and on what the model of the device rests. */
export function headText({ plan, device, username, encoding, address, windows }: PollHead): string {
  const days = plan.windowDays === undefined ? '' : ` of ${count(plan.windowDays, 'day')}`
  const rest = [
    plan.deltas > 0 ? `then ${count(plan.deltas, 'delta poll')}` : '',
    plan.intervalMs === undefined
      ? ''
      : `then one every ${count(plan.intervalMs / 60_000, 'minute')}`,
  ].filter((one) => one !== '')
  const asked = `${windowTextShort(plan)}, in ${count(windows, 'request')}${windows > 1 ? days : ''}`
  const facts: [string, string][] = [
    ['Collection', plan.collection],
    [
      'Address',
      address.href === plan.url.href
        ? address.href
        : `${address.href}, advertised at ${plan.url.href}`,
    ],
    ['User', userText(username, encoding)],
    ['Asks for', [asked, ...rest].join(', ')],
    ['Bindings', plan.bindings.length > 0 ? plan.bindings.join(', ') : 'any'],
    ['Model', device.basis],
  ]
  return [
    `Polling as ${article(device.title)} would`,
    ...facts.map(([name, fact]) => `  ${name.padEnd(10)}  ${fact}`),
    '',
  ].join('\n')
}

function userText(username: string | undefined, encoding: PollHead['encoding']): string {
  if (username === undefined) return 'none (anonymous; --username NAME)'
  const how = encoding === 'utf8' ? 'in UTF-8' : 'in Latin-1, as Python’s requests does'
  return `${username}, by Basic from the first request on, ${how}`
}

export function windowLine(report: WindowReport, planned: number): string {
  const { kind, number, window, blocks, parts, ms, ingested, dropped, choked } = report
  const which = kind === 'full' ? `${number}/${planned}` : `delta ${number}`
  const made =
    blocks === 0
      ? ''
      : `: ${ingested} taken in, ${dropped} dropped${choked > 0 ? `, ${count(choked, 'block')} choked on` : ''}`
  const inParts = parts > 1 ? ` in ${parts} parts` : ''
  return `${which.padStart(8)}  ${windowTextShort(window)}  ${count(blocks, 'block')}${inParts}${made}  (${ms} ms)`
}

/** A request that failed and is sent again. */
export function attemptLine({ attempt, fault, pauseMs = 0 }: RequestReport, of: number): string {
  return `          attempt ${attempt} of ${of} failed: ${printable(fault?.message ?? '')}; again in ${pauseMs / 1000} s`
}

/** What the device made of everything. */
export function summaryText({ tally, warnings }: PollOutcome, device: Device): string {
  const sections = [
    takenText(tally, device),
    reasonsText(`What ${device.title} drops`, tally.dropped),
    reasonsText(`Blocks that ${device.title} chokes on, and takes in nothing of`, tally.choked),
    reasonsText(`What else of the blocks it leaves aside`, tally.ignored),
    gradesText([tally.dropped, tally.choked, tally.ignored]),
    warnings.length === 0
      ? ''
      : [
          'Warnings:',
          ...warnings.flatMap(({ rule, text, where, count: times }) => [
            `  ${rule}${times > 1 ? ` (${times} times)` : ''}: ${text}`,
            ...(where === undefined
              ? []
              : [`      ${times > 1 ? 'first: ' : ''}${printable(where)}`]),
          ]),
        ].join('\n'),
  ]
  return sections
    .filter((one) => one !== '')
    .map((one) => `\n${one}`)
    .join('\n')
}

function takenText({ types, bindings }: Tally, device: Device): string {
  if (types.size === 0) return ''
  const sorted = [...types.values()].sort(
    (a, b) => b.distinct - a.distinct || (a.type < b.type ? -1 : 1),
  )
  const rows = sorted
    .slice(0, mostRows)
    .map(({ type, distinct, ingested }) => [type, distinct, ingested - distinct])
  const from = [...bindings].map(
    ([binding, blocks]) => `${count(blocks, 'block')} of ${printable(binding) || 'no binding'}`,
  )
  return (
    `What ${device.title} takes in (${nameSome(from, mostTypes)}):\n` +
    indent(formatTable(['TYPE', 'OBSERVABLES', 'SENT AGAIN'], rows)) +
    andMore(sorted.length - rows.length, 'type')
  )
}

function reasonsText(title: string, counts: ReadonlyMap<string, ReasonCount>): string {
  if (counts.size === 0) return ''
  const all = sortByCount(counts.values())
  const sorted = all.slice(0, mostRows)
  const rows = sorted.map(({ count: times, rule, grade, text }) => [times, rule, grade, text])
  const table = formatTable(['COUNT', 'RULE', 'GRADE', 'WHY'], rows).split('\n')
  const lines = [
    table[0] as string,
    ...sorted.flatMap((one, index) => [
      table[index + 1] as string,
      `      first: ${exampleText(one)}`,
    ]),
  ]
  const more = andMore(all.length - sorted.length, 'reason')
  return `${title} (${sumCounts(all)}):\n${indent(lines.join('\n'))}${more}`
}

/** A table for people has no more rows; all are in the summary of `--json`. */
const mostRows = 50

function andMore(rest: number, thing: string): string {
  return rest > 0 ? `\n  and ${count(rest, `more ${thing}`)}` : ''
}

function exampleText({ example }: ReasonCount): string {
  const { type, value, label, packageId } = example
  const what = type === undefined ? [] : [`${type} ${value}`]
  const all = [...what, `package ${packageId ?? 'without id'}`, `label ${label ?? 'none'}`]
  return printable(all.join(', '))
}

function gradesText(all: readonly ReadonlyMap<string, ReasonCount>[]): string {
  const met = new Set(all.flatMap((counts) => [...counts.values()].map(({ grade }) => grade)))
  if (met.size === 0) return ''
  return (
    'Grades: documented was read in a public source, believed is inferred from one, ' +
    'guess is assumed to be on the careful side.'
  )
}

/** A server may think of any number of types. */
const mostTypes = 10

/** One sentence: what the device would hold now. */
export function closingText(outcome: PollOutcome, device: Device): string {
  const { tally, windows, deltas } = outcome
  const types = [...tally.types.values()].sort((a, b) => b.distinct - a.distinct)
  const held = types.reduce((sum, { distinct }) => sum + distinct, 0)
  const polls = `${count(windows.polled, 'window')}${deltas > 0 ? ` and ${count(deltas, 'delta poll')}` : ''}`
  const from = `${count(tally.blocks, 'block')} in ${polls}, ${sizeText(outcome.wireBytes)}`
  const who = capitalised(article(device.title))
  if (held === 0) return `${who} would now hold nothing (${from}).`
  const named = types
    .slice(0, mostTypes)
    .map(({ type, distinct }) => `${distinct} ${printable(type)}`)
  const unnamed = types.length - named.length
  const byType = named.join(', ') + (unnamed > 0 ? ` and ${count(unnamed, 'more type')}` : '')
  const lost = sumCounts(tally.dropped.values())
  const notes = [
    lost > 0 ? `${count(lost, 'observable')} dropped` : '',
    tally.fruitless > 0 ? `${count(tally.fruitless, 'block')} of which it takes in nothing` : '',
    outcome.crowded ? 'so many that not all could be told apart' : '',
  ].filter((one) => one !== '')
  return (
    `${who} would now hold ${count(held, 'observable')}: ${byType} (${from})` +
    `${notes.length > 0 ? `; ${notes.join(', ')}` : ', and dropped nothing'}.`
  )
}

function windowTextShort({ begin, end }: Window): string {
  const from = begin === undefined ? 'everything' : shortMoment(begin)
  return end === undefined ? `${from} up to now` : `${from} → ${shortMoment(end)}`
}

function shortMoment(micros: number): string {
  return `${formatMicros(micros).slice(0, 19).replace('T', ' ')}Z`
}

function count(number: number, thing: string): string {
  return `${number} ${thing}${number === 1 ? '' : 's'}`
}

function sizeText(bytes: number): string {
  return bytes < 1_000_000
    ? `${Math.ceil(bytes / 1000)} kB`
    : `${(bytes / 1_000_000).toFixed(1)} MB`
}

export function article(title: string): string {
  if (/^cabby$/i.test(title)) return title
  return `${/^[aeiou]/i.test(title) ? 'an' : 'a'} ${title}`
}

function capitalised(text: string): string {
  if (text === 'cabby') return text
  return text.charAt(0).toUpperCase() + text.slice(1)
}

function indent(text: string): string {
  return text
    .split('\n')
    .map((line) => `  ${line}`)
    .join('\n')
}
