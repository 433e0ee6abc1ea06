import { type JudgeSettings, judge, nextJudgement, type Suppression } from '../curation/judge.ts'
import type { Assertion } from '../model/assertion.ts'
import { normalForm } from '../model/normal-form.ts'
import { isObservableType } from '../model/observable.ts'
import type { Report } from '../model/report.ts'
import { tlpRank } from '../model/tlp.ts'

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
    readonly validFrom: Date
    readonly validUntil: Date | undefined
    readonly active: boolean
  }
  readonly judgeAt: Date | undefined
  readonly suppressions: readonly Suppression[]
}

/**
 * Judges a report's assertions. Those of one report that turn out to be of one observable become one:
 * the one that survives, and of several that do the one that holds the longest.
 */
export function judgeReport(
  report: Pick<Report, 'public'>,
  assertions: readonly Assertion[],
  now: Date,
  settings: JudgeSettings,
): readonly JudgedAssertion[] {
  const judged = new Map<string, JudgedAssertion>()
  for (const assertion of assertions) {
    const one = judgeAssertion(report, assertion, now, settings)
    const key = `${one.type} ${one.value}`
    const other = judged.get(key)
    if (!other || isBetter(one, other)) judged.set(key, one)
  }
  return [...judged.values()]
}

function judgeAssertion(
  report: Pick<Report, 'public'>,
  assertion: Assertion,
  now: Date,
  settings: JudgeSettings,
): JudgedAssertion {
  const { active, validUntil } = assertion
  const normal = isObservableType(assertion.type)
    ? normalForm(assertion.type, assertion.value)
    : undefined
  const type = normal?.ok ? normal.type : assertion.type
  const value = normal?.ok ? normal.value : assertion.value
  const problem = normal?.ok === false ? normal.problem : undefined
  const input = { type, value, problem, active, validUntil, public: report.public }
  return {
    type,
    value,
    columns: {
      externalId: assertion.externalId,
      title: assertion.title,
      description: assertion.description,
      role: assertion.role,
      tlp: tlpRank(assertion.tlp),
      confidence: assertion.confidence,
      validFrom: assertion.validFrom,
      validUntil,
      active,
    },
    judgeAt: nextJudgement(input, now),
    suppressions: judge(input, now, settings),
  }
}

function isBetter(one: JudgedAssertion, other: JudgedAssertion): boolean {
  const survives = one.suppressions.length === 0
  if (survives !== (other.suppressions.length === 0)) return survives
  return end(one) > end(other)
}

function end({ columns }: JudgedAssertion): number {
  return columns.validUntil?.getTime() ?? Number.POSITIVE_INFINITY
}
