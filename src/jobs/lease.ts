import { LeaseLost, StoreUnavailable } from '../model/errors.ts'
import type { Db } from '../store/db.ts'
import { acquireLease, checkLease, type Lease, releaseLease, renewLease } from '../store/leases.ts'
import { pause } from './repeat.ts'

/** What work gets that only the holder of a lease may do. */
export interface HeldLease {
  /** higher than that of everybody who held the lease before */
  readonly token: number
  /** aborted when the work must end: the lease is lost, with `LeaseLost` for its reason, or given back */
  readonly signal: AbortSignal
  /** For `Intake.fence`: rejects in the transaction of a writer that has the lease no more. */
  readonly fence: (trx: Db) => Promise<void>
}

export interface LeaseSettings {
  readonly db: Db
  readonly name: string
  /** names this process in the database, unlike any other */
  readonly holder: string
  /** after so long without a renewal somebody else may have the lease */
  readonly ttlMs: number
  readonly onGot?: (token: number) => void
  /** Told at once, when the work is still to end. Without an error the lease was given back. */
  readonly onEnd?: (lost?: LeaseLost) => void
  /** the lease could not be asked for, or the work failed; it is tried again */
  readonly onFailure?: (error: Error, inARow: number) => void
}

// A lease of 15 s is renewed each 5 s, asked for each second, and an answer to either is waited for 5 s.
const renewalsPerTtl = 3
const attemptsPerTtl = 15

/**
 * Does work while this process has the lease, and tries to get it while it has not, until it is stopped. The
 * next who gets it may begin while the last still works, be it frozen or cut off from the database: what the
 * work writes must therefore pass its `fence`.
 * @param work ends when its signal is aborted; one that ends by itself gives the lease back
 * @returns stops it: the work is waited for, and then the lease is free at once
 */
export function holdLease(
  settings: LeaseSettings,
  work: (held: HeldLease) => Promise<void>,
): () => Promise<void> {
  const { db, name, holder, ttlMs } = settings
  const stopping = new AbortController()
  const stopped = stopping.signal

  /** A connection may die without a sign; the next statement is given another. */
  async function answerOf<T>(question: Promise<T>, signal?: AbortSignal): Promise<T> {
    const over = new AbortController()
    const end = signal ? AbortSignal.any([signal, over.signal]) : over.signal
    const waitMs = Math.round(ttlMs / renewalsPerTtl)
    const late = pause(waitMs, end).then(() => {
      throw new StoreUnavailable(`the database has not answered for ${waitMs} ms`)
    })
    try {
      return await Promise.race([question, late])
    } finally {
      over.abort()
      late.catch(() => {
        // Only the losing timer, ended by the line above.
      })
    }
  }

  async function loop(): Promise<void> {
    let failures = 0
    while (!stopped.aborted) {
      try {
        const askedAt = performance.now()
        const token = await answerOf(acquireLease(db, { name, holder }, ttlMs))
        failures = 0
        if (token !== undefined) await hold({ name, holder, token }, askedAt)
      } catch (error) {
        failures += 1
        if (!stopped.aborted) settings.onFailure?.(error as Error, failures)
      }
      await pause(ttlMs / attemptsPerTtl, stopped)
    }
  }

  async function hold(lease: Lease, askedAt: number): Promise<void> {
    const over = new AbortController()
    const signal = AbortSignal.any([stopped, over.signal])
    let lost: LeaseLost | undefined
    const lose = (error: LeaseLost) => {
      if (signal.aborted) return
      lost = error
      over.abort(error)
      settings.onEnd?.(error)
    }
    settings.onGot?.(lease.token)
    const renewing = renew(lease, askedAt, signal, lose)
    try {
      await work({
        token: lease.token,
        signal,
        fence: async (trx) => {
          signal.throwIfAborted()
          try {
            await checkLease(trx, lease)
          } catch (error) {
            // Before the work sees the error, so that it ends as by the signal and does not go on.
            if (error instanceof LeaseLost) lose(error)
            throw error
          }
        },
      })
    } catch (error) {
      // After the signal it is but what the signal has ended.
      if (!signal.aborted) throw error
    } finally {
      over.abort()
      await renewing
      if (!lost) {
        settings.onEnd?.()
        // One that cannot be given back runs out.
        await answerOf(releaseLease(db, lease))
      }
    }
  }

  /** Renews until the signal is aborted, or aborts it itself. */
  async function renew(
    lease: Lease,
    askedAt: number,
    signal: AbortSignal,
    lose: (error: LeaseLost) => void,
  ): Promise<void> {
    let cause: unknown
    let timer: NodeJS.Timeout | undefined
    // By this process's own clock, and from before the request was sent: however long that took, and
    // whatever the other clocks do, in the database the lease does not run out before.
    const expireAfter = (sentAt: number) => {
      clearTimeout(timer)
      timer = setTimeout(
        () => lose(new LeaseLost(name, `it could not be renewed for ${ttlMs} ms`, { cause })),
        sentAt + ttlMs - performance.now(),
      )
    }
    expireAfter(askedAt)
    let pauseMs = ttlMs / renewalsPerTtl
    while (!signal.aborted) {
      await pause(pauseMs, signal)
      if (signal.aborted) break
      const sentAt = performance.now()
      try {
        const renewed = await answerOf(renewLease(db, lease, ttlMs), signal)
        if (renewed) expireAfter(sentAt)
        else lose(new LeaseLost(name, 'another process has taken it over'))
        pauseMs = ttlMs / renewalsPerTtl
      } catch (error) {
        // It says nothing about the lease, which is still held until its time is over.
        cause = error
        pauseMs = ttlMs / attemptsPerTtl
      }
    }
    clearTimeout(timer)
  }

  const ended = loop()
  return async () => {
    stopping.abort()
    await ended
  }
}
