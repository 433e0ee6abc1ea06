import { isDeepStrictEqual } from 'node:util'
import type { CollectionSettings, Rule } from '../../src/model/collection.ts'
import type { ReportWithAssertions } from '../../src/model/report.ts'
import { tlpRank } from '../../src/model/tlp.ts'
import { bindings } from './program.ts'

interface Claim {
  readonly value: string
  readonly tlp: number
  readonly validUntil: Date | undefined
  /** a sweep has ended it */
  expired: boolean
}

interface KnownReport {
  readonly source: string
  readonly externalId: string
  readonly tags: readonly string[]
  readonly whole: ReportWithAssertions
  readonly claims: readonly Claim[]
}

export interface KnownRecall {
  readonly source?: string | undefined
  readonly report?: string | undefined
  readonly values?: readonly string[] | undefined
}

/**
 * What may be served, told from what the actors have done, not from the store: reports, recalls, the passing
 * of time and settings. While settings are being changed, the old and the new ones hold.
 */
export function createServed() {
  const reports = new Map<string, KnownReport>()
  const recalls = new Map<number, KnownRecall>()
  const settings = new Map<string, CollectionSettings[]>()

  function recalled(report: KnownReport, value: string): boolean {
    return [...recalls.values()].some(
      (one) =>
        one.source === report.source ||
        one.report === key(report.source, report.externalId) ||
        one.values?.includes(value),
    )
  }

  function permits({ rule, maxTlp }: CollectionSettings, report: KnownReport, claim: Claim) {
    return (
      !claim.expired &&
      claim.tlp <= tlpRank(maxTlp) &&
      ruleHolds(rule, report) &&
      !recalled(report, claim.value)
    )
  }

  return {
    takeIn(source: string, whole: ReportWithAssertions) {
      const { externalId, tags } = whole.report
      const id = key(source, externalId)
      // What has not changed is not judged anew.
      if (isDeepStrictEqual(reports.get(id)?.whole, whole)) return
      const claims = whole.assertions.map(({ value, tlp, validUntil }) => ({
        value,
        tlp: tlpRank(tlp),
        validUntil,
        expired: false,
      }))
      reports.set(id, { source, externalId, tags, whole, claims })
    },
    sweep(now: Date) {
      for (const { claims } of reports.values()) {
        for (const claim of claims)
          if (claim.validUntil && claim.validUntil <= now) claim.expired = true
      }
    },
    recall(id: number, what: KnownRecall) {
      recalls.set(id, what)
    },
    undo(id: number) {
      recalls.delete(id)
    },
    /** From now on the settings may be followed, or may not be yet. */
    apply(changed: readonly CollectionSettings[]) {
      for (const one of changed) settings.set(one.name, [...(settings.get(one.name) ?? []), one])
    },
    /** What has been applied is followed. */
    reconciled() {
      for (const [name, all] of settings) settings.set(name, all.slice(-1))
    },
    settingsOf: (name: string) => settings.get(name)?.at(-1),
    /** `collection binding value` of each indicator that may be there, of packages of reports with its report. */
    permitted(): ReadonlySet<string> {
      const found = new Set<string>()
      for (const alternatives of settings.values()) {
        for (const one of alternatives) {
          for (const report of reports.values()) {
            for (const claim of report.claims) {
              if (!permits(one, report, claim)) continue
              const { source, externalId } = report
              const shown =
                one.packaging === 'report'
                  ? `${key(source, externalId)} ${claim.value}`
                  : claim.value
              for (const binding of one.bindings) {
                found.add(blockName(one.name, bindings.indexOf(binding) + 1, shown))
              }
            }
          }
        }
      }
      return found
    },
  }
}

export type Served = ReturnType<typeof createServed>

export function blockName(collection: string, binding: number, subject: string): string {
  return `${collection} ${binding} ${subject}`
}

export function key(source: string, externalId: string): string {
  return `${source}/${externalId}`
}

function ruleHolds(rule: Rule, { source, tags }: KnownReport): boolean {
  if ('tag' in rule) return tags.includes('loader')
  if ('not' in rule) return source !== 'source 1'
  return true
}
