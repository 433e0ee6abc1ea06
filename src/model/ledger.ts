import type { Micros } from './micros.ts'

/** 'under way' also of a poll whose process died: it may have been sent everything. */
export type PollStatus = 'under way' | 'complete' | 'broken off'

/** How the answer to a poll ended, for the poll's entry in the ledger. */
export interface PollOutcome {
  readonly pollId: number
  readonly status: Exclude<PollStatus, 'under way'>
  readonly durationMs: number
  /** those that the operating system took whole */
  readonly blocks: number
  /** of the body, as far as the operating system took them */
  readonly bytes: number
  /** the label of the last block that the operating system took whole */
  readonly sentThrough: Micros | undefined
  /** the label of the last block of which it may have taken a byte */
  readonly leftThrough: Micros | undefined
}
