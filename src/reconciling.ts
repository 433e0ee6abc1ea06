import type { Intake } from './intake/intake.ts'
import { reconcileCollections } from './intake/reconcile.ts'

/** Makes the feeds follow the settings of collections in the background. */
export interface Reconciling {
  /** Tell it when settings were stored. It begins at once, or again when what is under way has ended. */
  follow(): void
  isUnderWay(): boolean
  /** Resolves when the feeds follow all that it was told of, or could not: that stands in the log. */
  settle(): Promise<void>
  /** Resolves after the transaction under way; what is left, the sweep finishes. */
  stop(): Promise<void>
}

export interface ReconcilingLog {
  info(details: object, message: string): void
  error(details: object, message: string): void
}

/**
 * One at a time in this process, and beside the sweep of whoever has its lease: each takes its turn for a
 * transaction, and what one has published the other leaves as it is.
 */
export function createReconciling(intake: Intake, log: ReconcilingLog): Reconciling {
  const stopping = new AbortController()
  let isWanted = false
  let underWay: Promise<void> | undefined

  const run = async () => {
    while (isWanted && !stopping.signal.aborted) {
      isWanted = false
      try {
        const done = await reconcileCollections({ ...intake, signal: stopping.signal })
        if (done.collections.length > 0) log.info(done, 'the feeds follow their collections')
      } catch (err) {
        log.error(
          { err },
          'the feeds do not follow their collections yet; the next sweep tries again',
        )
      }
    }
    underWay = undefined
  }

  return {
    follow() {
      if (stopping.signal.aborted) return
      isWanted = true
      underWay ??= run()
    },
    isUnderWay: () => underWay !== undefined,
    settle: async () => underWay,
    stop: async () => {
      stopping.abort()
      await underWay
    },
  }
}
