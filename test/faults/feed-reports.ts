import type { Assertion } from '../../src/model/assertion.ts'
import type { ReportWithAssertions } from '../../src/model/report.ts'
import { createRandom } from './feed-random.ts'

/** What a report is made from: it travels to the process that takes it in, the report does not. */
export interface ReportPlan {
  readonly source: string
  readonly report: number
  readonly version: number
  readonly size: number
  /** decides what this version drops and retitles */
  readonly seed: number
}

export const publishers = ['publisher-1', 'publisher-2', 'publisher-3'] as const
export const reportsEach = 7

// Small enough that reports of different sources overlap.
const pool = 3_500
const day = 86_400_000
const firstDay = Date.UTC(2026, 4, 1)
const farEnd = new Date(Date.UTC(2099, 0, 1))

/** How a block says that it shows a claim of this report: its STIX description names both. */
export function reportMark(source: string, report: number): string {
  return `${source}/r${report} (`
}

export function externalIdOf(report: number): string {
  return `r${report}`
}

/** Report n of each source begins at the same place in the pool, so that sources share indicators. */
export function observableOf(
  report: number,
  index: number,
): { type: 'domain' | 'md5'; value: string } {
  const number = (report * 311 + index) % pool
  return number % 5 === 0
    ? { type: 'md5', value: number.toString(16).padStart(32, 'c') }
    : { type: 'domain', value: `h${number}.taxiway-demo.com` }
}

export function makeReport(plan: ReportPlan, now: number): ReportWithAssertions {
  const { source, report, version, size } = plan
  const random = createRandom(plan.seed)
  const assertions: Assertion[] = []
  for (let index = 0; index < size; index++) {
    if (random.chance(0.1)) continue
    assertions.push({
      ...observableOf(report, index),
      externalId: undefined,
      title: random.chance(0.3) ? `Version ${version}` : 'As before',
      description: '',
      role: '',
      tlp: random.chance(0.05) ? 'green' : 'white',
      confidence: 50,
      validFrom: new Date(firstDay),
      // An end of its own, however far, so that none ages.
      validUntil: random.chance(0.03) ? new Date(now + 500 + random.below(4_000)) : farEnd,
      active: true,
    })
  }
  return {
    report: {
      externalId: externalIdOf(report),
      name: `${source}/r${report}`,
      description: '',
      author: 'Tests',
      tlp: 'white',
      public: true,
      revision: String(version),
      created: new Date(firstDay),
      modified: new Date(firstDay + version * day),
      adversary: '',
      tags: [],
      references: [],
      targetedCountries: [],
      industries: [],
      malwareFamilies: [],
      attackIds: [],
    },
    assertions,
    rejections: [],
  }
}
