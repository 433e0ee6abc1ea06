import { isSuppressedBy } from '../store/assertions.ts'
import { type InboxOutcome, inboxOutcomes } from '../store/inbox.ts'
import type { JudgedAssertion } from './judge-report.ts'

/** How many blocks became what; known: they changed nothing. */
export type BlockOutcomes = Readonly<Record<InboxOutcome | 'known', number>>

/** What a transaction did that took messages in. */
export interface InboxWork {
  readonly assertions: number
  /** of these */
  readonly suppressed: number
  readonly published: number
  readonly withdrawn: number
}

export function countOutcomes(all: readonly (InboxOutcome | 'known')[]): BlockOutcomes {
  const counts = Object.fromEntries([...inboxOutcomes, 'known'].map((one) => [one, 0]))
  for (const one of all) counts[one] = (counts[one] ?? 0) + 1
  return counts as BlockOutcomes
}

export function countJudged(
  pieces: readonly { readonly judged: readonly JudgedAssertion[] }[],
): Pick<InboxWork, 'assertions' | 'suppressed'> {
  let assertions = 0
  let suppressed = 0
  for (const { judged } of pieces) {
    assertions += judged.length
    for (const { columns } of judged) if (isSuppressedBy(columns.suppressions)) suppressed += 1
  }
  return { assertions, suppressed }
}
