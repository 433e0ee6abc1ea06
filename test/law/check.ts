import fc from 'fast-check'
import type { Harness } from './harness.ts'
import { type Changes, type Played, play } from './play.ts'
import { anyProgram } from './program.ts'

export type Totals = Record<keyof Omit<Played, 'trace'>, number>

export interface Checked {
  /** how many schedules were played until the law was seen broken, or in all */
  readonly schedules: number
  readonly totals: Totals
  /** what broke the law: seed, path, the smallest program found and its interleaving */
  readonly failure: string | undefined
}

export interface CheckOptions {
  readonly seed: number
  /** goes straight to what a failure has named */
  readonly path?: string | undefined
  readonly schedules: number
  /** how long a failing program may be made smaller; 0: it is told as it was found */
  readonly shrinkMs?: number
  readonly changes?: Changes
}

/** Plays so many random schedules, or until one breaks the law. */
export async function checkSchedules(harness: Harness, options: CheckOptions): Promise<Checked> {
  const { seed, path, shrinkMs = 0, changes = {} } = options
  const totals = {} as Totals
  let schedules = 0
  let failedAt = 0
  const property = fc.asyncProperty(anyProgram, async (program) => {
    if (failedAt === 0) schedules += 1
    // A program that is being made smaller passes as soon as the time for that is over.
    else if (performance.now() - failedAt > shrinkMs) return
    try {
      const { trace: _, ...counts } = await play(harness, program, changes)
      for (const name of Object.keys(counts) as (keyof Totals)[]) {
        totals[name] = (totals[name] ?? 0) + counts[name]
      }
    } catch (error) {
      failedAt ||= performance.now()
      throw error
    }
  })
  const details = await fc.check(property, {
    seed,
    ...(path === undefined ? {} : { path }),
    numRuns: options.schedules,
    endOnFailure: shrinkMs === 0,
  })
  const [program] = details.counterexample ?? []
  const failure = details.failed
    ? `LAW_SEED=${details.seed} LAW_PATH=${details.counterexamplePath}, program ${fc.stringify(program)}
` + `${(details.errorInstance as Error | null)?.message}`
    : undefined
  return { schedules, totals, failure }
}

/** Plays schedules, drawn from seeds that follow each other, until the time is over or one breaks the law. */
export async function checkForSoLong(
  harness: Harness,
  ms: number,
  options: Omit<CheckOptions, 'schedules'>,
  onChecked: (checked: Checked) => void = () => {},
): Promise<Checked> {
  const end = performance.now() + ms
  let seed = options.seed
  let schedules = 0
  for (;;) {
    const checked = await checkSchedules(harness, { ...options, seed, schedules: 10 })
    onChecked(checked)
    schedules += checked.schedules
    if (checked.failure !== undefined || performance.now() > end) return { ...checked, schedules }
    seed += 1
  }
}
