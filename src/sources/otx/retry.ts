import { setTimeout as sleep } from 'node:timers/promises'
import { UpstreamError } from '../../model/errors.ts'

export interface Clock {
  now(): number
  /** Rejects when the signal is aborted. */
  sleep(ms: number, signal: AbortSignal): Promise<void>
}

export const systemClock: Clock = {
  now: Date.now,
  sleep: async (ms, signal) => {
    await sleep(ms, undefined, { signal })
  },
}

export interface Retry {
  /** which retry this is, from 1 */
  readonly attempt: number
  readonly delayMs: number
  readonly error: UpstreamError
}

export interface RetryPolicy {
  /** after the first try */
  readonly retries: number
  readonly clock: Clock
  /** from 0 up to, not with, 1 */
  readonly random: () => number
  readonly onRetry: (retry: Retry) => void
}

/** A refusal that says how long to stay away. */
export class UpstreamBusy extends UpstreamError {
  readonly retryAfterMs: number | undefined
  constructor(code: string, message: string, retryAfterMs: number | undefined) {
    super(code, message, true)
    this.retryAfterMs = retryAfterMs
  }
}

const firstDelayMs = 1_000
const maxDelayMs = 60_000
/** An upstream that asks for more is heard at the next walk. */
const maxRetryAfterMs = 300_000

/**
 * Tries again what may succeed later: half of each delay is fixed and half is chance, so that many gateways
 * that failed together do not come back together.
 * @throws the last UpstreamError, the first one that is not retryable, or the signal's reason
 */
export async function withRetries<T>(
  policy: RetryPolicy,
  signal: AbortSignal,
  attemptOnce: () => Promise<T>,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await attemptOnce()
    } catch (error) {
      signal.throwIfAborted()
      const last = attempt > policy.retries
      if (!(error instanceof UpstreamError) || !error.retryable || last) throw error
      const delayMs = delayBefore(attempt, error, policy.random)
      policy.onRetry({ attempt, delayMs, error })
      await policy.clock.sleep(delayMs, signal)
    }
  }
}

function delayBefore(attempt: number, error: UpstreamError, random: () => number): number {
  const full = Math.min(maxDelayMs, firstDelayMs * 2 ** (attempt - 1))
  const backoff = Math.round(full / 2 + (random() * full) / 2)
  const asked = error instanceof UpstreamBusy ? error.retryAfterMs : undefined
  return asked === undefined ? backoff : Math.min(maxRetryAfterMs, Math.max(asked, backoff))
}

/** Reads Retry-After (RFC 9110, 10.2.3): seconds, or a date. */
export function readRetryAfter(header: unknown, now: number): number | undefined {
  if (typeof header !== 'string') return undefined
  if (/^\s*\d+\s*$/.test(header)) return Number(header) * 1000
  const date = Date.parse(header)
  return Number.isNaN(date) ? undefined : Math.max(0, date - now)
}
