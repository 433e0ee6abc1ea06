import { isDeepStrictEqual } from 'node:util'
import { type Judge, nextJudgement, rulesVersion } from '../curation/judge.ts'
import { recordedReasons } from '../curation/reasons.ts'
import { normalForm } from '../model/normal-form.ts'
import { isObservableType } from '../model/observable.ts'
import type { RecordedReason } from '../store/assertions.ts'
import type { Db } from '../store/db.ts'
import { adoptRules, readJudgingState, saveJudged } from '../store/judging.ts'
import {
  type NewVerdict,
  readIndicatorsToJudge,
  readVerdicts,
  type StoredVerdict,
  writeVerdicts,
} from '../store/verdicts.ts'
import { type Intake, writeInTurn } from './intake.ts'
import { toRecorded } from './judge-report.ts'
import { publishTouched } from './publish-touched.ts'

// Where nothing changes a transaction takes 60 ms, where everything does half a second: so long other
// writers wait, and no longer.
const batchAssertions = 2_500

export interface Rejudged {
  /** assertions whose verdict has changed */
  readonly changed: number
  readonly published: number
  readonly withdrawn: number
}

export interface RejudgeProgress extends Rejudged {
  /** judged in this transaction */
  readonly indicators: number
}

/**
 * Judges anew what is stored, when the policy, a warninglist or the rules have changed since, and publishes
 * what follows. Cut short, it goes on where it was; several processes may do it at once, and share the work.
 */
export async function rejudge(
  intake: Intake,
  onProgress: (done: RejudgeProgress) => void = () => {},
): Promise<Rejudged> {
  const total = { changed: 0, published: 0, withdrawn: 0 }
  await adoptRules(intake.db, rulesVersion)
  for (;;) {
    const { judgedVersion, version } = await readJudgingState(intake.db)
    if (judgedVersion >= version || intake.signal?.aborted) return total
    const done = await writeInTurn(intake, (trx, now) => rejudgeBatch(intake, trx, now))
    if (!done) return total
    total.changed += done.changed
    total.published += done.published
    total.withdrawn += done.withdrawn
    onProgress(done)
  }
}

/** @returns undefined when all verdicts follow the rules by now */
async function rejudgeBatch(
  intake: Intake,
  trx: Db,
  now: Date,
): Promise<RejudgeProgress | undefined> {
  // Read behind the lock: whoever takes in meanwhile judges by the same version or begins anew.
  const { version, judge } = await intake.readJudging(trx)
  const state = await readJudgingState(trx)
  if (state.judgedVersion >= version) return undefined
  const after = state.judgingVersion === version ? state.judgedThrough : 0
  const { ids, last } = await readIndicatorsToJudge(trx, after, batchAssertions)
  const { changed, indicators } = await judgeStored(trx, ids, judge, now)
  await saveJudged(trx, version, last ? undefined : ids.at(-1))
  const blocks =
    indicators.size > 0
      ? await publishTouched(intake, trx, indicators, now)
      : { published: 0, withdrawn: 0 }
  return { ...blocks, changed, indicators: ids.length }
}

/** Judges these indicators anew and publishes what follows; needs the intake lock. */
export async function rejudgeIndicators(
  intake: Intake,
  trx: Db,
  indicatorIds: readonly number[],
  now: Date,
): Promise<Rejudged> {
  const { judge } = await intake.readJudging(trx)
  const { changed } = await judgeStored(trx, indicatorIds, judge, now)
  return { ...(await publishTouched(intake, trx, indicatorIds, now)), changed }
}

/** @returns how many assertions have another verdict than before, and the indicators of these */
async function judgeStored(db: Db, indicatorIds: readonly number[], judge: Judge, now: Date) {
  const writes: NewVerdict[] = []
  const indicators = new Set<number>()
  let changed = 0
  for (const stored of await readVerdicts(db, indicatorIds)) {
    const wanted = judgeAgain(stored, judge, now)
    const same = isSame(stored, wanted)
    if (same && stored.judgeAt?.getTime() === wanted.judgeAt?.getTime()) continue
    writes.push(wanted)
    if (same) continue
    changed += 1
    indicators.add(stored.indicatorId)
  }
  await writeVerdicts(db, writes, now)
  return { changed, indicators }
}

/**
 * The verdict that a stored assertion would have now. What was recorded of it stays; the rest is judged beside
 * it, so that nothing comes up unjudged when an analyst lifts what was recorded.
 */
export function judgeAgain(stored: StoredVerdict, judge: Judge, now: Date): NewVerdict {
  const { type, value } = stored
  const form = isObservableType(type) ? normalForm(type, value) : undefined
  const problem = form?.ok === false ? form.problem : undefined
  const verdict = judge({ ...stored, confidence: stored.assertedConfidence, problem }, now)
  const recorded = stored.suppressions.filter(isRecorded)
  return {
    assertionId: stored.assertionId,
    confidence: verdict.confidence,
    endsAt: verdict.endsAt,
    judgeAt: isSettled(stored, recorded) ? undefined : nextJudgement(verdict, now),
    suppressions: [...recorded, ...toRecorded(verdict)],
    remarks: verdict.remarks,
  }
}

/** What was recorded is never judged by time alone, unless an analyst has lifted that. */
function isSettled({ judgeAt }: StoredVerdict, recorded: readonly RecordedReason[]): boolean {
  return recorded.length > 0 && judgeAt === undefined
}

function isSame(stored: StoredVerdict, wanted: NewVerdict): boolean {
  // Most have nothing against them, and a million are compared.
  const plain = stored.suppressions.length + stored.remarks.length === 0
  if (plain !== (wanted.suppressions.length + wanted.remarks.length === 0)) return false
  return (
    stored.confidence === wanted.confidence &&
    stored.endsAt?.getTime() === wanted.endsAt?.getTime() &&
    (plain || isDeepStrictEqual(findings(stored), findings(wanted)))
  )
}

function findings({ suppressions, remarks }: Pick<NewVerdict, 'suppressions' | 'remarks'>) {
  return [
    suppressions
      .map(({ reason, rule, detail, counts = true }) => `${reason}\0${rule}\0${detail}\0${counts}`)
      .sort(),
    remarks.map(({ rule, detail }) => `${rule}\0${detail}`),
  ]
}

function isRecorded({ reason }: RecordedReason): boolean {
  return (recordedReasons as readonly string[]).includes(reason)
}
