import type { Intake } from '../intake/intake.ts'
import { type IncomingReport, type TakenIn, takeIn } from '../intake/take-in.ts'
import { UpstreamError } from '../model/errors.ts'
import type { Rejection } from '../model/report.ts'
import type { Tlp } from '../model/tlp.ts'
import type { OtxClient } from '../sources/otx/client.ts'
import { isRejection, type PulseOptions, pulseToReport } from '../sources/otx/pulse.ts'
import type { Db } from '../store/db.ts'
import type { WalkedPage } from './step-over.ts'

export interface OtxWalkSettings {
  readonly client: OtxClient
  /** for pulses that name no level */
  readonly defaultTlp: Tlp
  readonly confidence: number
  /** how old pulses may be that a first walk takes in */
  readonly firstSyncDays?: number
  /** whether OTX is asked of each changed pulse which of its indicators are false positives */
  readonly falsePositives?: boolean
  /** how often the ids of what is subscribed are compared with what is stored */
  readonly reconcileHours?: number
  readonly signal?: AbortSignal
  readonly onProgress?: (progress: OtxWalkProgress) => void
  /** told whose key it is */
  readonly onMe?: (username: string) => Promise<void> | void
  /** behind the intake lock, before anything is written, in each transaction that takes reports in */
  readonly beforeTakeIn?: (trx: Db, authors: readonly string[]) => Promise<void>
}

export interface OtxWalkProgress extends TakenIn {
  /** pulses that the walk has in all, where OTX says so */
  readonly totalPulses: number | undefined
  /** seen so far in this walk */
  readonly pulses: number
}

export interface WalkProblem {
  readonly code: string
  readonly message: string
}

/** A walk under way. */
export interface Walk {
  readonly intake: Intake
  readonly settings: OtxWalkSettings
  readonly sourceId: number
  /** pulses modified before it are not asked for in a first walk */
  readonly firstSync: Date
  readonly problems: WalkProblem[]
  readonly seen: { pulses: number; totalPulses: number | undefined; gone: number }
}

// What OTX asks to wait for longer than that, a walk does not try again on another way.
const longestWaitMs = 300_000

/** Does what the walk can do without: when OTX does not answer, that is a problem and not the end. */
export async function attempt<T>(
  walk: Walk,
  what: string,
  work: () => Promise<T>,
): Promise<T | undefined> {
  try {
    return await work()
  } catch (error) {
    noteProblem(walk, what, error)
    return undefined
  }
}

/** @throws the error, when it is none of OTX's or one that ends the walk */
export function noteProblem({ problems }: Walk, what: string, error: unknown): void {
  if (!(error instanceof UpstreamError)) throw error
  const { retryAfterMs = 0 } = error as { readonly retryAfterMs?: number }
  if (retryAfterMs > longestWaitMs) throw error
  problems.push({ code: error.code, message: `${what}: ${error.message}` })
}

export function pulseOptions({ settings, intake }: Walk, place: string): PulseOptions {
  const { defaultTlp, confidence } = settings
  return { defaultTlp, confidence, now: intake.clock(), place }
}

export function tellProgress({ settings, seen }: Walk): (done: TakenIn) => void {
  return (done) =>
    settings.onProgress?.({ ...done, totalPulses: seen.totalPulses, pulses: seen.pulses })
}

/** For `before` of whatever is taken in. */
export function beforeTakeIn(
  { settings }: Walk,
  reports: readonly Pick<IncomingReport, 'report'>[],
): (trx: Db) => Promise<void> {
  const authors = [...new Set(reports.map(({ report }) => report.author))].filter(Boolean)
  return async (trx) => {
    if (authors.length > 0) await settings.beforeTakeIn?.(trx, authors)
  }
}

/** Pulses of one page, as they are taken in. */
export interface PulsePage {
  readonly reports: readonly IncomingReport[]
  readonly rejections: readonly Rejection[]
  /** the newest `modified` among them */
  readonly newest: string | undefined
}

export function readPulses(
  walk: Walk,
  { results, offset, tooLarge }: Pick<WalkedPage, 'results' | 'offset' | 'tooLarge'>,
): PulsePage {
  const reports: IncomingReport[] = []
  const rejections: Rejection[] = tooLarge ? [tooLargeRecord(placeOf(offset), tooLarge)] : []
  let newest: string | undefined
  for (const [index, json] of results.entries()) {
    const read = pulseToReport(json, pulseOptions(walk, placeOf(offset + index)))
    if (isRejection(read)) {
      rejections.push(read)
      continue
    }
    const { report, assertions, moreIndicators } = read
    const comesInPages =
      moreIndicators || (walk.settings.falsePositives === true && assertions.length > 0)
    reports.push({ report, assertions, rejections: read.rejections, comesInPages })
    const modified = report.modified.toISOString()
    if (!newest || modified > newest) newest = modified
  }
  return { reports, rejections, newest }
}

export function tooLargeRecord(place: string, { message }: Error): Rejection {
  return { place, reason: 'too-large', detail: message }
}

/** Takes the pulses of a page in. */
export async function takeInPulses(
  walk: Walk,
  { reports, rejections }: PulsePage,
  passed: (trx: Db) => Promise<void>,
): Promise<void> {
  const { intake, sourceId } = walk
  const before = beforeTakeIn(walk, reports)
  await takeIn(intake, { sourceId, reports, rejections, before, passed }, tellProgress(walk))
}

function placeOf(offset: number): string {
  return `pulse ${offset + 1} of the list`
}
