import type { Micros } from '../../model/micros.ts'
import { type Asker, type AskerParts, createAsker, type RequestReport } from './ask.ts'
import type { ReceivedBlock } from './block.ts'
import { discoverPollAddress } from './discover.ts'
import { PollFault } from './fault.ts'
import { createFingerprints } from './fingerprints.ts'
import { pollWindow, type WindowReport } from './poll-window.ts'
import type { BlockReading } from './reading.ts'
import { createTally, type Tally } from './tally.ts'
import { type CountedWarning, createWarnings, type Warning } from './warnings.ts'
import { cutWindows, type Window } from './windows.ts'

export interface PollPlan {
  readonly url: URL
  readonly collection: string
  /** of the full poll; undefined: no Exclusive_Begin_Timestamp */
  readonly begin: Micros | undefined
  /** of the full poll; undefined: no Inclusive_End_Timestamp */
  readonly end: Micros | undefined
  /** undefined: the full poll is one request */
  readonly windowDays: number | undefined
  /** delta polls after it */
  readonly deltas: number
  /** between further delta polls, which go on until the signal; undefined: there are none */
  readonly intervalMs: number | undefined
  /** what it asks for; an empty list asks for any */
  readonly bindings: readonly string[]
  readonly subscriptionId: string | undefined
  /** asks at `url` where to poll */
  readonly discovers: boolean
}

/** A block, and what the device makes of it; void where the request report of this exchange has a fault. */
export interface BlockReport {
  readonly exchange: number
  readonly block: ReceivedBlock
  readonly packageId: string | undefined
  readonly reading: BlockReading
}

export interface PollListener {
  /** where it polls, and how many windows the full poll has */
  onPlan?(address: URL, windows: number): void
  onRequest?(report: RequestReport): void
  onBlock?(report: BlockReport): void
  onWarning?(warning: Warning): void
  onWindow?(report: WindowReport): void
}

export interface PollOutcome {
  readonly tally: Tally
  readonly warnings: readonly CountedWarning[]
  readonly requests: number
  readonly wireBytes: number
  readonly windows: { readonly polled: number; readonly planned: number }
  readonly deltas: number
  /** the last end that was polled */
  readonly until: Micros | undefined
  /** why it could not be polled whole */
  readonly fault: PollFault | undefined
  /** the signal came before the full poll was whole */
  readonly stopped: boolean
  /** so many different things came that not all could be told apart: `distinct` is too low */
  readonly crowded: boolean
}

export interface SessionParts extends Omit<AskerParts, 'warn' | 'onRequest'> {
  readonly now: () => Micros
  readonly maxParts?: number
  readonly listener?: PollListener
}

/** Polls as the device does: the full poll in windows, then deltas, each from the last end. */
export async function pollAsDevice(plan: PollPlan, parts: SessionParts): Promise<PollOutcome> {
  const { device, signal, sleep, now, listener = {}, maxParts = 10_000 } = parts
  const warnings = createWarnings((warning) => listener.onWarning?.(warning))
  const { warn } = warnings
  const sums = { requests: 0, wireBytes: 0, polled: 0, planned: 0, deltas: 0 }
  const tally = createTally()
  const seen = { values: createFingerprints(), blocks: createFingerprints() }
  let until: Micros | undefined
  let fault: PollFault | undefined
  let stopped = false

  const asker: Asker = createAsker({
    ...parts,
    warn,
    onRequest(report) {
      sums.requests += 1
      sums.wireBytes += report.wireBytes
      listener.onRequest?.(report)
    },
  })

  async function pollOne(address: URL, window: Window, kind: WindowReport['kind']): Promise<void> {
    const number = kind === 'full' ? sums.polled + 1 : sums.deltas + 1
    const { answeredEnd, report } = await pollWindow(
      { ...plan, address, window, kind, number, maxParts },
      { asker, device, warn, tally, seen, onBlock: (block) => listener.onBlock?.(block) },
    )
    if (kind === 'full') sums.polled += 1
    else sums.deltas += 1
    until = window.end ?? answeredEnd
    listener.onWindow?.(report)
  }

  /** A clock that steps back, or two polls within a microsecond, make no window. */
  async function pollDelta(address: URL): Promise<void> {
    const end = now()
    if (until !== undefined && end > until) await pollOne(address, { begin: until, end }, 'delta')
  }

  async function follow(address: URL, intervalMs: number): Promise<void> {
    for (;;) {
      await sleep(intervalMs, signal)
      try {
        await pollDelta(address)
      } catch (error) {
        if (!(error instanceof PollFault) || signal.aborted) throw error
        warn({
          rule: 'failed-poll',
          text: 'a delta poll failed; the next one begins where it was to begin',
          where: error.message,
        })
      }
    }
  }

  try {
    const address = plan.discovers
      ? await discoverPollAddress(plan.url, plan.collection, plan.bindings, {
          asker,
          device,
          warn,
          hasCredentials: parts.authorization !== undefined || parts.http.hasCertificate,
        })
      : plan.url
    const windows = windowsOf(plan, now())
    sums.planned = windows.length
    listener.onPlan?.(address, windows.length)
    for (const window of windows) await pollOne(address, window, 'full')
    if (until === undefined && (plan.deltas > 0 || plan.intervalMs !== undefined)) {
      warn({ rule: 'no-delta', text: 'no end is known that a delta poll could go on from' })
    } else {
      for (let delta = 0; delta < plan.deltas; delta += 1) await pollDelta(address)
      if (plan.intervalMs !== undefined) await follow(address, plan.intervalMs)
    }
  } catch (error) {
    if (signal.aborted) stopped = sums.polled < sums.planned || sums.planned === 0
    else if (error instanceof PollFault) fault = error
    else throw error
  }

  return {
    tally,
    warnings: warnings.all(),
    requests: sums.requests,
    wireBytes: sums.wireBytes,
    windows: { polled: sums.polled, planned: sums.planned },
    deltas: sums.deltas,
    until,
    fault,
    stopped,
    crowded: seen.values.full(),
  }
}

function windowsOf({ begin, end, windowDays }: PollPlan, now: Micros): readonly Window[] {
  if (begin === undefined || (end === undefined && windowDays === undefined))
    return [{ begin, end }]
  return cutWindows(begin, end ?? now, windowDays)
}
