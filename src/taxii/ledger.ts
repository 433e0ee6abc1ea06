import { setTimeout as sleep } from 'node:timers/promises'
import type { PollOutcome } from '../model/ledger.ts'
import type { LedgerEntry } from './messages.ts'

/** Where the ends of polls are entered, without anybody waiting for it. */
export interface Ledger {
  /** Never throws. */
  complete(outcome: PollOutcome): void
  /** Tries once to enter what has not been entered yet. */
  settle(): Promise<void>
}

// A database that is away for long must not fill the memory. What is dropped stays "under way", which
// whoever reads takes for sent whole.
const mostWaiting = 10_000
const batchOutcomes = 500
// So long those that end after a write are gathered for the next.
const gatherMs = 50

/**
 * Enters outcomes one batch at a time, so that ever so many polls that end at once take one connection.
 * What cannot be entered is kept and tried again with the next.
 */
export function createLedger(
  write: (outcomes: readonly PollOutcome[]) => Promise<void>,
  log: { error(details: object, message: string): void },
): Ledger {
  const waiting: PollOutcome[] = []
  let draining: Promise<void> | undefined
  let gathering: AbortController | undefined
  let settling = 0
  let failing = false

  async function drain(): Promise<void> {
    while (waiting.length > 0) {
      const batch = waiting.splice(0, batchOutcomes)
      try {
        await write(batch)
        failing = false
      } catch (err) {
        waiting.unshift(...batch)
        if (!failing) {
          log.error({ err }, 'the ledger cannot be written; polls that ended are entered later')
        }
        failing = true
        return
      }
      await gather()
    }
  }

  async function gather(): Promise<void> {
    if (settling > 0) return
    gathering = new AbortController()
    await sleep(gatherMs, undefined, { signal: gathering.signal }).catch(() => {})
    gathering = undefined
  }

  function start(): Promise<void> {
    draining ??= drain().finally(() => {
      draining = undefined
    })
    return draining
  }

  return {
    complete(outcome) {
      waiting.push(outcome)
      if (waiting.length > mostWaiting) waiting.shift()
      void start()
    },
    async settle() {
      settling += 1
      gathering?.abort()
      try {
        await draining
        if (waiting.length > 0) await start()
      } finally {
        settling -= 1
      }
    },
  }
}

/** Runs what leads to an answer. When there will be none, nothing of the poll has been sent. */
export async function orBreakOff<T>(
  ledger: Ledger,
  entry: () => LedgerEntry | undefined,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work()
  } catch (error) {
    const entered = entry()
    if (entered) {
      ledger.complete({
        pollId: entered.pollId,
        status: 'broken off',
        durationMs: performance.now() - entered.beganMs,
        blocks: 0,
        bytes: 0,
        sentThrough: undefined,
        leftThrough: undefined,
      })
    }
    throw error
  }
}

// Entering takes milliseconds. A database that does not answer must not hold up the end.
const settleMs = 1_000

/** Waits until all is entered, but no longer than a moment. */
export async function settleSoon(ledger: Ledger): Promise<void> {
  const over = new AbortController()
  const late = sleep(settleMs, undefined, { signal: over.signal }).catch(() => {})
  await Promise.race([ledger.settle(), late])
  over.abort()
}
