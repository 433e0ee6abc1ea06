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

/** A refusal of a moment, which may say how long to stay away. */
export class UpstreamBusy extends UpstreamError {
  /** the HTTP status */
  readonly status: number
  /** from when the answer came; a day at most, whatever was asked for */
  readonly retryAfterMs: number | undefined
  constructor(code: string, message: string, status: number, retryAfterMs: number | undefined) {
    super(code, message, true)
    this.status = status
    this.retryAfterMs = retryAfterMs
  }
}

const firstDelayMs = 1_000
const maxDelayMs = 60_000
const maxWaitMs = 300_000
const maxRetryAfterMs = 24 * 3600 * 1000

/**
 * Tries again what may succeed later: half of each delay is fixed and half is chance, so that many gateways
 * that failed together do not come back together. An upstream that asks for more than five minutes is not
 * waited for: its error comes at once, and the caller's next try is to be after its `retryAfterMs`.
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
      if (retryAfterOf(error) > maxWaitMs) throw error
      const delayMs = delayBefore(attempt, error, policy.random)
      policy.onRetry({ attempt, delayMs, error })
      await policy.clock.sleep(delayMs, signal)
    }
  }
}

function delayBefore(attempt: number, error: UpstreamError, random: () => number): number {
  const full = Math.min(maxDelayMs, firstDelayMs * 2 ** (attempt - 1))
  const backoff = Math.round(full / 2 + (random() * full) / 2)
  return Math.max(retryAfterOf(error), backoff)
}

function retryAfterOf(error: UpstreamError): number {
  return (error instanceof UpstreamBusy && error.retryAfterMs) || 0
}

/** The three ways of RFC 9110, 5.6.7, to write a date; Date.parse also takes "-5" for one. */
const httpDate = /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,? [\w :-]{16,30}$/

/**
 * Reads Retry-After (RFC 9110, 10.2.3): seconds, or a date.
 * @returns milliseconds from `now`, a day at most; undefined for what is neither
 */
export function readRetryAfter(header: unknown, now: number): number | undefined {
  if (typeof header !== 'string') return undefined
  const text = header.trim()
  if (/^\d+$/.test(text)) return Math.min(maxRetryAfterMs, Number(text) * 1000)
  if (!httpDate.test(text)) return undefined
  // The oldest of the three names no zone.
  const date = Date.parse(text.endsWith('GMT') ? text : `${text} GMT`)
  return Number.isNaN(date) ? undefined : Math.min(maxRetryAfterMs, Math.max(0, date - now))
}
