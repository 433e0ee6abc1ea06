import type { OtxConfig } from './config.ts'
import { type OtxWalkProgress, walkOtx } from './ingest/walk-otx.ts'
import type { Intake } from './intake/intake.ts'
import type { HeldLease } from './jobs/lease.ts'
import { repeatUntil } from './jobs/repeat.ts'
import type { Log } from './log.ts'
import type { Metrics } from './metrics.ts'
import { createOtxClient } from './sources/otx/client.ts'

export interface OtxLoopParts {
  readonly intake: Intake
  readonly metrics: Metrics
  readonly log: Log
  readonly version: string
  readonly options: {
    readonly onWalkProgress?: (progress: OtxWalkProgress) => void
    readonly onWalk?: (outcome: { readonly error?: Error }) => void
  }
}

export interface OtxLoop {
  /** Walks OTX at once and again and again, until the lease's signal; a transaction under way is finished. */
  run(lease: HeldLease): Promise<void>
  close(): Promise<void>
}

export function createOtxLoop(otx: OtxConfig, parts: OtxLoopParts): OtxLoop {
  const { intake, metrics, log, version, options } = parts
  const client = createOtxClient({
    url: otx.url,
    apiKey: otx.apiKey,
    userAgent: `taxiway/${version}`,
    onRetry: ({ attempt, delayMs, error }) => {
      metrics.retries.inc()
      log.warn({ attempt, delayMs, code: error.code }, `${error.message}; trying again`)
    },
  })
  const walk = async ({ signal, fence }: HeldLease) => {
    await walkOtx(
      { ...intake, fence },
      {
        client,
        defaultTlp: otx.defaultTlp,
        confidence: otx.confidence,
        signal,
        onProgress: (progress) => {
          metrics.takenIn(progress)
          log.debug(progress, 'took in a part of OTX')
          options.onWalkProgress?.(progress)
        },
      },
    )
    metrics.walks.inc({ outcome: 'whole' })
    metrics.lastWalk.setToCurrentTime()
    options.onWalk?.({})
  }
  return {
    run: (lease) =>
      repeatUntil(
        lease.signal,
        otx.pollSeconds * 1000,
        () => walk(lease),
        (err) => {
          metrics.walks.inc({ outcome: 'broken off' })
          log.error({ err, task: 'the walk through OTX' }, 'the walk through OTX was broken off')
          options.onWalk?.({ error: err })
        },
      ),
    close: () => client.close(),
  }
}
