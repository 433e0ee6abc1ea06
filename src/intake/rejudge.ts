import { isDeepStrictEqual } from 'node:util'
import { nextJudgement, rulesVersion } from '../curation/judge.ts'
import { recordedReasons } from '../curation/reasons.ts'
import { normalForm } from '../model/normal-form.ts'
import { isObservableType } from '../model/observable.ts'
import { prepareBlocks } from '../publish/prepare.ts'
import { publish } from '../publish/publish.ts'
import { readIndicatorIds } from '../store/assertions.ts'
import { readCollections } from '../store/collections.ts'
import type { Db } from '../store/db.ts'
import { adoptRules, readJudgingState, saveJudged } from '../store/judging.ts'
import { applyOverrides } from '../store/overrides.ts'
import {
  type NewVerdict,
  readVerdicts,
  type StoredVerdict,
  writeVerdicts,
} from '../store/verdicts.ts'
import { type Intake, writeInTurn } from './intake.ts'
import { toRecorded } from './judge-report.ts'
import type { Judging } from './judging.ts'

const batchIndicators = 2_500

export interface Rejudged {
  /** assertions whose verdict has changed */
  readonly changed: number
  readonly published: number
  readonly withdrawn: number
}

/**
 * Judges anew what is stored, when the policy, a warninglist or the rules have changed since. Cut short, it
 * goes on where it was.
 */
export async function rejudge(
  intake: Intake,
  onProgress: (done: Rejudged & { readonly indicators: number }) => void = () => {},
): Promise<Rejudged> {
  const total = { changed: 0, published: 0, withdrawn: 0 }
  await adoptRules(intake.db, rulesVersion)
  for (let state = await readJudgingState(intake.db); state.judgedVersion < state.version; ) {
    const done = await writeInTurn(intake, async (trx, now) => {
      // Prepared behind the lock: whoever takes in meanwhile judges by the same version or begins anew.
      const judging = await intake.readJudging(trx)
      const { judgingVersion, judgedThrough } = await readJudgingState(trx)
      const after = judgingVersion === judging.version ? judgedThrough : 0
      const ids = await readIndicatorIds(trx, after, batchIndicators)
      const last = ids.length < batchIndicators ? undefined : ids.at(-1)
      const changed = await judgeStored(trx, ids, judging, now)
      await saveJudged(trx, judging.version, last)
      const result = await publishChanges(intake, trx, changed, now)
      return { ...result, indicators: ids.length, changed: changed.length }
    })
    total.changed += done.changed
    total.published += done.published
    total.withdrawn += done.withdrawn
    onProgress(done)
    state = await readJudgingState(intake.db)
  }
  return total
}

/** Judges these indicators anew and publishes what follows; needs the intake lock. */
export async function rejudgeIndicators(
  intake: Intake,
  trx: Db,
  indicatorIds: readonly number[],
  now: Date,
): Promise<Rejudged> {
  await judgeStored(trx, indicatorIds, await intake.readJudging(trx), now)
  await applyOverrides(trx, indicatorIds, now)
  const done = await publishChanges(intake, trx, indicatorIds, now)
  return { ...done, changed: indicatorIds.length }
}

async function publishChanges(intake: Intake, trx: Db, ids: readonly number[], now: Date) {
  const collections = await readCollections(trx)
  const prepared = await prepareBlocks(trx, ids, collections, intake.producer, now)
  return { published: await publish(trx, prepared), withdrawn: prepared.withdrawn }
}

/** @returns the indicators that have an assertion with another verdict than before */
async function judgeStored(
  db: Db,
  indicatorIds: readonly number[],
  { judge }: Judging,
  now: Date,
): Promise<readonly number[]> {
  const changed: NewVerdict[] = []
  const indicators = new Set<number>()
  for (const stored of await readVerdicts(db, indicatorIds)) {
    // What was recorded where it happened stays; the rest counts again should an override lift it.
    const recorded = stored.suppressions.filter(({ reason }) => isRecorded(reason))
    const { type, value } = stored
    const form = isObservableType(type) ? normalForm(type, value) : undefined
    const problem = form?.ok === false ? form.problem : undefined
    const verdict = judge({ ...stored, confidence: stored.assertedConfidence, problem }, now)
    const wanted = {
      assertionId: stored.assertionId,
      confidence: verdict.confidence,
      endsAt: verdict.endsAt,
      judgeAt: nextJudgement(verdict, now),
      suppressions: [...toRecorded(verdict), ...recorded],
      remarks: verdict.remarks,
    }
    if (isSame(stored, wanted)) continue
    changed.push(wanted)
    indicators.add(stored.indicatorId)
  }
  await writeVerdicts(db, changed, now)
  const ids = [...indicators]
  await applyOverrides(db, ids, now)
  return ids
}

function isSame(stored: StoredVerdict, wanted: NewVerdict): boolean {
  const essence = ({ confidence, endsAt, suppressions, remarks }: StoredVerdict | NewVerdict) => [
    confidence,
    endsAt?.getTime(),
    suppressions.map(({ reason, rule, detail }) => `${reason}\0${rule}\0${detail}`).sort(),
    remarks.map(({ rule, detail }) => `${rule}\0${detail}`),
  ]
  return isDeepStrictEqual(essence(stored), essence(wanted))
}

function isRecorded(reason: string): boolean {
  return (recordedReasons as readonly string[]).includes(reason)
}
