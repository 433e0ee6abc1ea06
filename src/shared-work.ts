import { randomBytes } from 'node:crypto'
import { hostname } from 'node:os'
import { type HeldLease, holdLease } from './jobs/lease.ts'
import type { Log } from './log.ts'
import type { Metrics } from './metrics.ts'
import type { Db } from './store/db.ts'

/** What one of all processes on a database does for all of them. */
export type SharedWork = 'sweep' | 'otx'

export interface SharedWorkParts {
  readonly db: Db
  readonly metrics: Metrics
  readonly log: Log
  /** after so long without a sign of the process that does it another one takes over */
  readonly leaseTtlMs: number
}

/**
 * Makes the function that does such work while this process has its lease, and stands by in silence while
 * another has it.
 * @returns which returns how to stop the work: it is waited for, and then another process has it at once
 */
export function createSharedWork({ db, metrics, log, leaseTtlMs }: SharedWorkParts) {
  const holder = `${hostname()}/${process.pid}/${randomBytes(6).toString('hex')}`
  return (name: SharedWork, work: (lease: HeldLease) => Promise<void>): (() => Promise<void>) => {
    const held = metrics.leaseHeld.labels({ lease: name })
    held.set(0)
    return holdLease(
      {
        db,
        name,
        holder,
        ttlMs: leaseTtlMs,
        onGot: (fencing) => {
          held.set(1)
          log.info({ lease: name, holder, fencing }, `got the lease "${name}"`)
        },
        onEnd: (lost) => {
          held.set(0)
          if (lost) log.warn({ err: lost, lease: name, holder }, lost.message)
        },
        onFailure: reportFailures(log, `the lease "${name}"`),
      },
      work,
    )
  }
}

/** Logs the first, second, fourth, eighth … failure: a database that is away all night fills no disk. */
export function reportFailures(log: Log, task: string) {
  return (err: Error, inARow: number): void => {
    if ((inARow & (inARow - 1)) === 0) log.error({ err, task, inARow }, `${task} failed`)
  }
}
