import type { Judge } from '../curation/judge.ts'
import { completePolicy, type PolicySettings } from '../curation/policy.ts'
import { isSuppressedBy, type RecordedReason } from '../store/assertions.ts'
import { planByIndex } from '../store/blocks.ts'
import type { Db } from '../store/db.ts'
import { findServed } from '../store/live.ts'
import {
  type CountingOverride,
  readCountingOverrides,
  readIndicatorsToJudge,
  readVerdicts,
  type StoredVerdict,
} from '../store/verdicts.ts'
import type { Intake } from './intake.ts'
import { prepareJudge } from './judging.ts'
import { judgeAgain } from './rejudge.ts'

const batchAssertions = 5_000

export interface PolicyPreview {
  /** how many were looked at */
  readonly indicators: number
  /** served now, and by this policy no more */
  readonly keptOut: number
  /** of these, by the reasons that would come up, the most first; one may have several */
  readonly reasons: readonly { readonly reason: string; readonly indicators: number }[]
  /** kept out now, and by this policy no more; whether it is served is each collection's rule */
  readonly back: number
  /** served now and then, with another end or another confidence */
  readonly otherwise: number
}

/**
 * What applying a policy would change now, without writing: memory is bounded, nobody waits for it, and what
 * others write meanwhile may be missing.
 */
export async function previewPolicy(
  { db, clock }: Pick<Intake, 'db' | 'clock'>,
  settings: PolicySettings,
  onProgress: (indicators: number) => void = () => {},
): Promise<PolicyPreview> {
  const judge = await prepareJudge(db, completePolicy(settings))
  const total = { indicators: 0, keptOut: 0, back: 0, otherwise: 0 }
  const reasons = new Map<string, number>()
  let after: number | undefined = 0
  while (after !== undefined) {
    const from: number = after
    const { outcomes, next } = await db.transaction().execute(async (trx) => {
      await planByIndex(trx)
      const { ids, last } = await readIndicatorsToJudge(trx, from, batchAssertions)
      const outcomes = await judgeWithoutWriting(trx, ids, judge, clock())
      return { outcomes, next: last ? undefined : ids.at(-1) }
    })
    for (const { change, reasons: found } of outcomes) {
      total.indicators += 1
      if (change === undefined) continue
      total[change] += 1
      for (const reason of found) reasons.set(reason, (reasons.get(reason) ?? 0) + 1)
    }
    onProgress(total.indicators)
    after = next
  }
  const sorted = [...reasons].sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1))
  return {
    ...total,
    reasons: sorted.map(([reason, indicators]) => ({ reason, indicators })),
  }
}

interface Outcome {
  readonly change: 'keptOut' | 'back' | 'otherwise' | undefined
  /** of what would be kept out */
  readonly reasons: ReadonlySet<string>
}

async function judgeWithoutWriting(
  db: Db,
  ids: readonly number[],
  judge: Judge,
  now: Date,
): Promise<readonly Outcome[]> {
  const overrides = await readCountingOverrides(db, ids, now)
  const drafts = new Map<number, Draft>()
  for (const stored of await readVerdicts(db, ids)) {
    const draft = drafts.get(stored.indicatorId) ?? newDraft()
    drafts.set(stored.indicatorId, draft)
    addTo(draft, stored, judge, overrides.get(stored.indicatorId) ?? [], now)
  }
  const changing = [...drafts].filter(([, one]) => one.before !== one.after || one.differs)
  const served = await findServed(
    db,
    changing.map(([id]) => id),
  )
  return [...drafts].map(([id, { before, after, differs, reasons }]): Outcome => {
    if (!before && after) return { change: 'back', reasons: none }
    if (!before || !served.has(id)) return { change: undefined, reasons: none }
    if (!after) return { change: 'keptOut', reasons }
    return { change: differs ? 'otherwise' : undefined, reasons: none }
  })
}

interface Draft {
  /** whether an assertion survives */
  before: boolean
  after: boolean
  differs: boolean
  readonly reasons: Set<string>
}

const none: ReadonlySet<string> = new Set()

function newDraft(): Draft {
  return { before: false, after: false, differs: false, reasons: new Set() }
}

function addTo(
  draft: Draft,
  stored: StoredVerdict,
  judge: Judge,
  overrides: readonly CountingOverride[],
  now: Date,
): void {
  const verdict = judgeAgain(stored, judge, now)
  const against = verdict.suppressions.filter((one) => !isLifted(one, overrides))
  const survives = !isSuppressedBy(against)
  if (!stored.suppressed) draft.before = true
  if (survives) draft.after = true
  if (!stored.suppressed && !survives) {
    for (const { reason, counts = true } of against) if (counts) draft.reasons.add(reason)
  }
  const same =
    stored.confidence === verdict.confidence &&
    stored.endsAt?.getTime() === verdict.endsAt?.getTime()
  if (stored.suppressed === survives || (survives && !same)) draft.differs = true
}

function isLifted({ reason, rule }: RecordedReason, overrides: readonly CountingOverride[]) {
  return overrides.some(
    (one) => one.reason === reason && (one.rule === undefined || one.rule === rule),
  )
}
