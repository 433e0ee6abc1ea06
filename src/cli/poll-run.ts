import type { PollFault } from '../taxii/client/fault.ts'
import { lookAround } from '../taxii/client/look-around.ts'
import {
  type PollOutcome,
  type PollPlan,
  pollAsDevice,
  type SessionParts,
} from '../taxii/client/session.ts'
import { adviceOnNothing, faultText } from './poll-advice.ts'
import { blockLine } from './poll-blocks.ts'
import {
  blockToJson,
  requestToJson,
  startToJson,
  summaryToJson,
  warningToJson,
  windowToJson,
} from './poll-json.ts'
import type { Output } from './poll-output.ts'
import type { PollOptions } from './poll-plan.ts'
import { createBar, type Progress, type Pulse, startPulse } from './poll-progress.ts'
import {
  attemptLine,
  closingText,
  headText,
  type PollHead,
  summaryText,
  windowLine,
} from './poll-text.ts'

/** The reason of the signal when nobody reads the output any more. */
export const unread = Symbol('unread')

export interface PollRun {
  readonly plan: PollPlan
  readonly options: Pick<PollOptions, 'blocks' | 'json' | 'strict'>
  readonly username: string | undefined
  readonly encoding: PollHead['encoding']
  readonly output: Output
  readonly errors: Output
  readonly parts: Omit<SessionParts, 'listener'>
  /** between two lines that tell how far it is; as the command line has it where undefined */
  readonly progressEveryMs?: number
}

/**
 * Polls and tells of it.
 * @returns the exit code: 0 polled whole, 1 not, 3 when `strict` and something was dropped or choked on
 */
export async function runPoll(run: PollRun): Promise<number> {
  const teller = run.options.json ? tellJson(run) : tellPeople(run)
  const tell = (line: string) => {
    if (!teller.hasBar()) run.errors.print(prefixed(line))
  }
  const pulse = startPulse(tell, run.parts.sleep, run.progressEveryMs)
  try {
    return await pollAndTell({ ...run, parts: { ...run.parts, sleep: pulse.sleep } }, teller, pulse)
  } finally {
    pulse.stop()
  }
}

async function pollAndTell(run: PollRun, teller: Teller, pulse: Pulse): Promise<number> {
  const { plan, options, parts, output, errors } = run
  const { device, signal } = parts
  let attempts = 0
  tellOfTransport(run, teller.warn)
  let outcome: PollOutcome
  try {
    outcome = await pollAsDevice(plan, {
      ...parts,
      listener: {
        ...teller.listener,
        onPlan(address, windows) {
          pulse.listener.onPlan?.(address, windows)
          teller.listener.onPlan?.(address, windows)
        },
        onRequest(report) {
          attempts = report.attempt
          pulse.listener.onRequest?.(report)
          teller.listener.onRequest?.(report)
        },
        onBlock(report) {
          pulse.listener.onBlock?.(report)
          teller.listener.onBlock?.(report)
        },
        onWindow(report) {
          pulse.listener.onWindow?.(report)
          teller.listener.onWindow?.(report)
        },
      },
    })
  } finally {
    teller.end()
  }
  if (signal.reason === unread) return 0
  const { fault, tally, stopped } = outcome
  const nothing = tally.types.size === 0
  const worthLooking = fault ? telling.has(fault.kind) : tally.blocks === 0
  const around = worthLooking && !signal.aborted ? await lookAround(plan.url, parts) : undefined
  const exitCode = exitCodeOf(outcome, options.strict)
  if (options.json) {
    output.printJson(summaryToJson(outcome, around, exitCode))
  } else {
    if (tally.blocks > 0 || outcome.warnings.length > 0) output.print(summaryText(outcome, device))
    const polled = fault === undefined && !stopped
    if (polled || tally.blocks > 0) output.print(`\n${closingText(outcome, device)}`)
    if (polled && nothing) {
      const advice = adviceOnNothing(outcome, plan, device, around)
      output.print(['Check:', ...advice.map((line) => `  → ${line}`)].join('\n'))
    }
  }
  if (fault) errors.print(prefixed(faultText(fault, attempts, plan, device, around)))
  if (stopped) {
    const { polled, planned } = outcome.windows
    errors.print(
      prefixed(`stopped before it was whole: ${polled} of ${planned} windows were polled`),
    )
  }
  return exitCode
}

/** Faults after which it helps to know what the server has. */
const telling: ReadonlySet<PollFault['kind']> = new Set([
  'status-message',
  'not-taxii',
  'http-status',
])

function exitCodeOf({ fault, stopped, tally }: PollOutcome, strict = false): number {
  if (fault || stopped) return 1
  return strict && tally.dropped.size + tally.choked.size > 0 ? 3 : 0
}

function prefixed(text: string): string {
  return text
    .split('\n')
    .map((line) => `taxiway: ${line}`)
    .join('\n')
}

interface Teller {
  readonly listener: NonNullable<SessionParts['listener']>
  warn(warning: { readonly rule: string; readonly text: string }): void
  end(): void
  /** lines on standard error would tear it */
  hasBar(): boolean
}

function tellOfTransport({ plan, username, encoding }: PollRun, warn: Teller['warn']): void {
  if (username !== undefined && plan.url.protocol === 'http:') {
    warn({
      rule: 'plain-http',
      text: 'the password goes over plain http, where everybody on the way can read it: use https',
    })
  }
  if (encoding === 'utf8') {
    warn({
      rule: 'encoding',
      text: 'name or password hold characters beyond Latin-1: sent in UTF-8 here, while Python’s requests, and so cabby and most likely the appliance, cannot send them at all',
    })
  }
}

function headOf(
  { plan, username, encoding, parts }: PollRun,
  address: URL,
  windows: number,
): PollHead {
  return { plan, device: parts.device, username, encoding, address, windows }
}

function tellJson(run: PollRun): Teller {
  const { printJson } = run.output
  return {
    warn: (warning) => printJson(warningToJson(warning)),
    end: () => {},
    hasBar: () => false,
    listener: {
      onPlan: (address, windows) => printJson(startToJson(headOf(run, address, windows))),
      onRequest: (report) => printJson(requestToJson(report)),
      onBlock: (report) => printJson(blockToJson(report)),
      onWarning: (warning) => printJson(warningToJson(warning)),
      onWindow: (report) => printJson(windowToJson(report)),
    },
  }
}

function tellPeople(run: PollRun): Teller {
  const { output, errors, options, parts } = run
  let planned = 0
  let polled = 0
  let blocks = 0
  let bar: Progress | undefined
  return {
    warn: ({ text }) => errors.print(`taxiway: warning: ${text}`),
    end() {
      bar?.stop()
      bar = undefined
    },
    hasBar: () => bar !== undefined,
    listener: {
      onPlan(address, windows) {
        planned = windows
        output.print(headText(headOf(run, address, windows)))
        // Lines between the bar's own would tear it.
        if (process.stderr.isTTY && !options.blocks && windows > 1) bar = createBar(windows)
      },
      onRequest(report) {
        if (report.pauseMs === undefined || bar) return
        output.print(attemptLine(report, parts.device.attempts))
      },
      onBlock(report) {
        if (options.blocks) output.print(blockLine(report))
      },
      onWindow(report) {
        blocks += report.blocks
        if (report.kind === 'full') polled += 1
        if (!bar) {
          output.print(windowLine(report, planned))
          return
        }
        bar.show(polled, blocks)
        if (polled < planned) return
        bar.stop()
        bar = undefined
      },
    },
  }
}
