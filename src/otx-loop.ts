import type { OtxConfig } from './config.ts'
import { type OtxWalkProgress, walkOtx } from './ingest/walk-otx.ts'
import type { Intake } from './intake/intake.ts'
import type { HeldLease } from './jobs/lease.ts'
import { pause } from './jobs/repeat.ts'
import type { Log } from './log.ts'
import type { Metrics } from './metrics.ts'
import { TaxiwayError } from './model/errors.ts'
import {
  type SourceProblem,
  troubleMet,
  waitsUntil,
  walkBegan,
  walkBroke,
  walkWasWhole,
  walkWentOn,
} from './model/source-state.ts'
import { createAuthorFeeds } from './otx-authors.ts'
import { reportFailures } from './shared-work.ts'
import { createSourceKeeper, type SourceKeeper } from './source-keeper.ts'
import { createOtxClient } from './sources/otx/client.ts'
import { getSource, writeSourceState } from './store/source-state.ts'
import { getSourceId } from './store/sources.ts'
import { askedPauseMs, pauseAfterBreak } from './walk-pause.ts'

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
  /** Walks OTX again and again, until the lease's signal; a transaction under way is finished. */
  run(lease: HeldLease): Promise<void>
  close(): Promise<void>
}

const source = 'otx'

export function createOtxLoop(otx: OtxConfig, parts: OtxLoopParts): OtxLoop {
  const { intake, metrics, log, version, options } = parts
  const pollMs = otx.pollSeconds * 1000
  let keeper: SourceKeeper | undefined
  const client = createOtxClient({
    url: otx.url,
    apiKey: otx.apiKey,
    userAgent: `taxiway/${version}`,
    onRetry: ({ attempt, delayMs, error }) => {
      metrics.retries.inc()
      log.warn({ attempt, delayMs, code: error.code }, `${error.message}; trying again`)
      const now = intake.clock()
      const { code, message } = error
      const problem = { code, message: `${withoutKey(message)}; trying again`, at: now }
      keeper?.set((state) => troubleMet(state, problem, after(now, delayMs)))
    },
  })

  /** Whatever a proxy wrote into an answer: the key is told to nobody. */
  function withoutKey(text: string): string {
    return text.replaceAll(otx.apiKey, '…')
  }

  function toProblem(error: unknown, at: Date): SourceProblem {
    if (!(error instanceof TaxiwayError)) return { ...unknownProblem, at }
    return { code: error.code, message: withoutKey(error.message), at }
  }

  async function openKeeper(lease: HeldLease): Promise<SourceKeeper> {
    const sourceId = await getSourceId(intake.db, source)
    const { state } = await getSource(intake.db, source)
    return createSourceKeeper(
      state,
      (changed) => writeSourceState(intake.db, sourceId, lease.token, changed),
      reportFailures(log, 'writing how OTX is'),
    )
  }

  async function walk(
    lease: HeldLease,
    kept: SourceKeeper,
    feeds: ReturnType<typeof createAuthorFeeds>,
  ): Promise<void> {
    const { signal, fence } = lease
    kept.set((state) => walkBegan(state, intake.clock()))
    const outcome = await walkOtx(
      { ...intake, fence },
      {
        client,
        defaultTlp: otx.defaultTlp,
        confidence: otx.confidence,
        firstSyncDays: otx.firstSyncDays,
        falsePositives: otx.falsePositives,
        onMe: feeds.makeForMe,
        beforeTakeIn: feeds.makeForAuthors,
        signal,
        onProgress: (progress) => {
          metrics.takenIn(progress)
          log.debug(progress, 'took in a part of OTX')
          if (kept.state().nextTryAt) kept.set((state) => walkWentOn(state, intake.clock()))
          options.onWalkProgress?.(progress)
        },
      },
    )
    const now = intake.clock()
    const problems = [...outcome.problems, ...feeds.problems()].map(({ code, message }) => ({
      code,
      message: withoutKey(message),
      at: now,
    }))
    for (const { code, message } of problems) log.warn({ code }, message)
    kept.set((state) => walkWasWhole(state, problems, now))
    metrics.walks.inc({ outcome: 'whole' })
    metrics.lastWalk.setToCurrentTime()
    options.onWalk?.({})
  }

  async function run(lease: HeldLease): Promise<void> {
    const { signal, fence } = lease
    const feeds = createAuthorFeeds(otx, { ...intake, fence }, source, log)
    let kept: SourceKeeper | undefined
    let broken = 0
    while (!signal.aborted) {
      let pauseMs = pollMs
      try {
        if (!kept) {
          kept = await openKeeper(lease)
          keeper = kept
          // Whoever held the lease before may have been asked to stay away for longer.
          const { notBefore } = kept.state()
          await pause(Math.max(0, (notBefore?.getTime() ?? 0) - intake.clock().getTime()), signal)
        }
        if (signal.aborted) break
        await feeds.makeForKnown()
        await walk(lease, kept, feeds)
        broken = 0
      } catch (error) {
        if (signal.aborted) break
        broken += 1
        metrics.walks.inc({ outcome: 'broken off' })
        log.error(
          { err: error, task: 'the walk through OTX', inARow: broken },
          'the walk through OTX was broken off',
        )
        const now = intake.clock()
        const askedMs = askedPauseMs(error)
        const notBefore = askedMs === undefined ? undefined : after(now, askedMs)
        kept?.set((state) => walkBroke(state, toProblem(error, now), notBefore))
        pauseMs = pauseAfterBreak(error, broken, pollMs, Math.random())
        options.onWalk?.({ error: error as Error })
      }
      kept?.set((state) => waitsUntil(state, after(intake.clock(), pauseMs)))
      await pause(pauseMs, signal)
    }
    // The next holder reads what is written until now.
    await kept?.settled()
  }

  return { run, close: () => client.close() }
}

const unknownProblem = {
  code: 'INTERNAL_ERROR',
  message: 'the walk was broken off by an unexpected error, which the log has',
}

function after(moment: Date, ms: number): Date {
  return new Date(moment.getTime() + ms)
}
