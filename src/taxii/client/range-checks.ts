import { formatMicros, type Micros, parseMicros } from '../../model/micros.ts'
import type { PollAnswer } from './response.ts'
import type { Warn } from './warnings.ts'
import type { Window } from './windows.ts'

/** `2026-11-21T09:00:00.000000Z to …` */
export function windowText({ begin, end }: Window): string {
  const from = begin === undefined ? 'the beginning' : formatMicros(begin)
  return `${from} to ${end === undefined ? 'now' : formatMicros(end)}`
}

/** What one answer says of itself, against what was asked. */
export function checkAnswer(
  answer: PollAnswer,
  asked: { readonly collection: string; readonly part: number; readonly resultId?: string },
  where: string,
  warn: Warn,
): void {
  const { collection, more, resultId, part } = answer
  if (collection !== asked.collection) {
    warn({
      rule: 'another-collection',
      text: 'the answer is of another collection than the one that was asked for',
      where: `${collection ?? 'none'}; ${where}`,
    })
  }
  if (more !== undefined && !['true', 'false'].includes(more)) {
    warn({
      rule: 'more',
      text: 'clients built on libtaxii take only more="true" for true: they lose the pages that follow',
      where: `more="${more}"; ${where}`,
    })
  }
  if (more === 'true' && resultId === undefined) {
    warn({
      rule: 'no-result-id',
      text: 'there are more parts, but no result_id to ask for them by: they are lost',
      where,
    })
  }
  const number = part === undefined ? 1 : Number(part)
  if (number !== asked.part) {
    warn({
      rule: 'part-number',
      text: 'the answer is another part than the one that was asked for',
      where: `${part ?? 'none'} instead of ${asked.part}; ${where}`,
    })
  }
  if (asked.resultId !== undefined && resultId !== undefined && resultId !== asked.resultId) {
    warn({
      rule: 'result-id',
      text: 'the answer is of another result set than the one that was asked for',
      where: `${resultId} instead of ${asked.resultId}; ${where}`,
    })
  }
}

/**
 * The range that was considered, from the first part to the last, against the window. Of a data set there is none
 * (services specification 1.1, section 4.4.9).
 */
export function checkRange(
  { begin, end }: Window,
  first: PollAnswer,
  last: PollAnswer,
  labels: LabelCounts,
  warn: Warn,
): void {
  const where = windowText({ begin, end })
  const isSet = first.begin === undefined && last.end === undefined && labels.present === 0
  if (isSet && labels.missing > 0) {
    warn({
      rule: 'whole-set',
      text: 'neither times nor labels: this is a data set, which comes whole whatever the window; a device that polls in windows gets all of it each time',
      where,
    })
    return
  }
  for (let missing = 0; missing < labels.missing; missing += 1) {
    warn({
      rule: 'no-label',
      text: 'a block has no Timestamp_Label, which a data feed must have',
      where,
    })
  }
  if (last.end === undefined) {
    warn({
      rule: 'no-end',
      text: 'Inclusive_End_Timestamp is missing, which a data feed must have: clients that go on from it cannot',
      where,
    })
  }
  for (const [name, written] of [
    ['Exclusive_Begin_Timestamp', first.begin],
    ['Inclusive_End_Timestamp', last.end],
  ] as const) {
    if (written && written.moment === undefined) {
      warn({
        rule: 'timestamp',
        text: 'a timestamp has another form than TAXII 1.1 lays down',
        where: `${name} ${written.text}; ${where}`,
      })
    }
  }
  const [began, ended] = [first.begin?.moment, last.end?.moment]
  if (begin !== undefined && began !== undefined && began !== begin) {
    warn({
      rule: 'another-begin',
      text:
        began > begin
          ? 'the server considered less than the window: it begins later'
          : 'the server considered more than the window: it begins earlier',
      where: `${formatMicros(began)}; ${where}`,
    })
  }
  if (end !== undefined && ended !== undefined && ended !== end) {
    warn({
      rule: 'another-end',
      text:
        ended < end
          ? 'the server answered to an earlier end than was asked; a device goes on from its own: what gets a label in between is lost unless the server remembers it (are the clocks right?)'
          : 'the server considered more than the window: it ends later',
      where: `${formatMicros(ended)}; ${where}`,
    })
  }
}

/** Of the blocks that one window brought. */
export interface LabelCounts {
  present: number
  missing: number
}

/** A block's Timestamp_Label against the window. */
export function checkLabel(label: string, window: Window, warn: Warn): void {
  const moment = parseMicros(label)
  if (moment === undefined) {
    warn({
      rule: 'timestamp',
      text: 'a timestamp has another form than TAXII 1.1 lays down',
      where: `Timestamp_Label ${label}`,
    })
  } else if (isOutside(moment, window)) {
    warn({
      rule: 'label-outside',
      text: 'a block’s label lies outside the window that was asked for',
      where: `${label}; ${windowText(window)}`,
    })
  }
}

function isOutside(moment: Micros, { begin, end }: Window): boolean {
  return (begin !== undefined && moment <= begin) || (end !== undefined && moment > end)
}
