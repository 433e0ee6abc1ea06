import type { BlockReading } from '../taxii/client/reading.ts'
import { cutText } from '../taxii/client/server-text.ts'
import type { BlockReport } from '../taxii/client/session.ts'
import { printable } from './table.ts'

export type BlockOutcome = 'ingested' | 'partly' | 'nothing' | 'choked'

/** What the device takes in of a block: all, some or none of its observables. */
export function outcomeOf({ choked, observables }: BlockReading): BlockOutcome {
  if (choked) return 'choked'
  const taken = observables.filter(({ dropped }) => !dropped).length
  if (taken === 0) return 'nothing'
  return taken === observables.length ? 'ingested' : 'partly'
}

const mostShown = 3
/** characters */
const mostOfOne = 120

/** One line: outcome, label, package, and what came of its observables. */
export function blockLine({ block, packageId, reading }: BlockReport): string {
  const { choked, observables, ignored } = reading
  const taken = choked ? [] : observables.filter(({ dropped }) => !dropped)
  const left = observables.flatMap(({ type, value, dropped }) =>
    dropped ? [`${type} ${value} dropped (${dropped.rule})`] : [],
  )
  const what = choked
    ? [`${choked.rule}: ${choked.text}`]
    : [
        ...shown(taken.map(({ type, value }) => `${type} ${value}`)),
        ...shown(left),
        ...(observables.length === 0
          ? shown(ignored.map(({ rule, text }) => `${rule}: ${text}`))
          : []),
      ]
  const outcome = outcomeOf(reading).padEnd(8)
  return printable(
    `${outcome}  ${cutText(block.label ?? 'no label', mostOfOne)}  ${packageId ?? 'no id'}  ${what.join('; ')}`,
  )
}

function shown(all: readonly string[]): string[] {
  const rest = all.length - mostShown
  const first = all.slice(0, mostShown).map((one) => cutText(one, mostOfOne))
  return rest > 0 ? [...first, `and ${rest} more`] : first
}
