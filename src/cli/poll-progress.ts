import { SingleBar } from 'cli-progress'
import type { PollListener, SessionParts } from '../taxii/client/session.ts'

export const progressEveryMs = 10_000

export interface Pulse {
  /** takes note of what is polled */
  readonly listener: PollListener
  /** nothing is told while it sleeps */
  readonly sleep: SessionParts['sleep']
  stop(): void
}

/** Tells every so often that it still polls, and how far it is: a poll may take long, and none knows how long. */
export function startPulse(
  tell: (line: string) => void,
  sleep: SessionParts['sleep'],
  everyMs: number = progressEveryMs,
): Pulse {
  const began = performance.now()
  const sums = { planned: 0, polled: 0, requests: 0, blocks: 0 }
  let sleeping = false
  const timer = setInterval(() => {
    if (sleeping) return
    const seconds = Math.round((performance.now() - began) / 1000)
    const windows = sums.planned === 0 ? '' : `${sums.polled} of ${sums.planned} windows, `
    tell(
      `still polling after ${seconds} s: ${windows}${sums.requests} requests done, ${sums.blocks} blocks so far (Ctrl-C ends it)`,
    )
  }, everyMs)
  return {
    listener: {
      onPlan(_, windows) {
        sums.planned = windows
      },
      onRequest() {
        sums.requests += 1
      },
      onBlock() {
        sums.blocks += 1
      },
      onWindow({ kind }) {
        if (kind === 'full') sums.polled += 1
      },
    },
    async sleep(ms, signal) {
      sleeping = true
      try {
        await sleep(ms, signal)
      } finally {
        sleeping = false
      }
    },
    stop: () => clearInterval(timer),
  }
}

export interface Progress {
  show(windows: number, blocks: number): void
  stop(): void
}

/** A bar on the terminal of standard error. */
export function createBar(windows: number): Progress {
  const bar = new SingleBar({
    format: 'polling  {bar}  {value}/{total} windows  {blocks} blocks',
    stream: process.stderr,
    hideCursor: true,
    clearOnComplete: true,
  })
  bar.start(windows, 0, { blocks: 0 })
  return {
    show: (done, blocks) => bar.update(done, { blocks }),
    stop: () => bar.stop(),
  }
}
