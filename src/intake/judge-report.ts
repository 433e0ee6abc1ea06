import { type Judge, nextJudgement, type Remark, type Verdict } from '../curation/judge.ts'
import { leftToCollections } from '../curation/reasons.ts'
import type { Assertion } from '../model/assertion.ts'
import { normalForm } from '../model/normal-form.ts'
import { isObservableType } from '../model/observable.ts'
import type { Report } from '../model/report.ts'
import { tlpRank } from '../model/tlp.ts'
import { isSuppressedBy, type RecordedReason } from '../store/assertions.ts'

/** What judging asks of a report. */
export interface JudgedReport extends Pick<Report, 'public' | 'author'> {
  /** by name */
  readonly source: string
}

export interface JudgedAssertion {
  readonly type: string
  /** the normal form, or the value as it came where there is none */
  readonly value: string
  readonly columns: {
    readonly externalId: string | undefined
    readonly title: string
    readonly description: string
    readonly role: string
    readonly tlp: number
    readonly confidence: number
    readonly assertedConfidence: number
    readonly validFrom: Date
    readonly validUntil: Date | undefined
    readonly endsAt: Date | undefined
    readonly active: boolean
    readonly refuted: boolean
    readonly judgeAt: Date | undefined
    readonly suppressions: readonly RecordedReason[]
    readonly remarks: readonly Remark[]
    readonly sightings: number | undefined
  }
}

/**
 * Judges a report's assertions. Those of one report that turn out to be of one observable become one:
 * the one that survives, and of several that do the one that holds the longest.
 */
export function judgeReport(
  report: JudgedReport,
  assertions: readonly Assertion[],
  now: Date,
  judge: Judge,
): readonly JudgedAssertion[] {
  const judged = new Map<string, JudgedAssertion>()
  for (const assertion of assertions) {
    const one = judgeAssertion(report, assertion, now, judge)
    const key = `${one.type} ${one.value}`
    const other = judged.get(key)
    if (!other || isBetterClaim(claimOf(one), claimOf(other))) judged.set(key, one)
  }
  return [...judged.values()]
}

function judgeAssertion(
  report: JudgedReport,
  assertion: Assertion,
  now: Date,
  judge: Judge,
): JudgedAssertion {
  const { active, refuted = false, validFrom, validUntil } = assertion
  const normal = isObservableType(assertion.type)
    ? normalForm(assertion.type, assertion.value)
    : undefined
  const type = normal?.ok ? normal.type : assertion.type
  const value = normal?.ok ? normal.value : assertion.value
  const verdict = judge(
    {
      type,
      value,
      problem: normal?.ok === false ? normal.problem : undefined,
      active,
      refuted,
      validFrom,
      validUntil,
      confidence: assertion.confidence,
      public: report.public,
      author: report.author,
      source: report.source,
    },
    now,
  )
  return {
    type,
    value,
    columns: {
      externalId: assertion.externalId,
      title: assertion.title,
      description: assertion.description,
      role: assertion.role,
      tlp: tlpRank(assertion.tlp),
      confidence: verdict.confidence,
      assertedConfidence: assertion.confidence,
      validFrom,
      validUntil,
      endsAt: verdict.endsAt,
      active,
      refuted,
      judgeAt: nextJudgement(verdict, now),
      suppressions: toRecorded(verdict),
      remarks: verdict.remarks,
      sightings: assertion.sightings,
    },
  }
}

/** A verdict's reasons as they are stored. */
export function toRecorded({ suppressions }: Pick<Verdict, 'suppressions'>): RecordedReason[] {
  return suppressions.map((one) => ({ ...one, counts: !leftToCollections.includes(one.reason) }))
}

/** What decides which of two claims of one report on one observable stays. */
export interface Claim {
  readonly survives: boolean
  readonly endsAt: Date | undefined
}

/** The one that survives, and of several that do the one that holds the longest. */
export function isBetterClaim(one: Claim, other: Claim): boolean {
  if (one.survives !== other.survives) return one.survives
  return end(one) > end(other)
}

export function claimOf({ columns }: JudgedAssertion): Claim {
  return { survives: !isSuppressedBy(columns.suppressions), endsAt: columns.endsAt }
}

function end({ endsAt }: Claim): number {
  return endsAt?.getTime() ?? Number.POSITIVE_INFINITY
}
