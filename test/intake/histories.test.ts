import fc from 'fast-check'
import { sql } from 'kysely'
import t from 'tap'
import { removeReports } from '../../src/intake/remove-reports.ts'
import { sweep } from '../../src/intake/sweep.ts'
import { takeInPage } from '../../src/intake/take-in-page.ts'
import type { Assertion } from '../../src/model/assertion.ts'
import type { CollectionSettings } from '../../src/model/collection.ts'
import type { ReportWithAssertions } from '../../src/model/report.ts'
import { type Tlp, tlpRank } from '../../src/model/tlp.ts'
import { getSourceId } from '../../src/store/sources.ts'
import { findFaults, readLiveBlocks } from '../helpers/sound-feed.ts'
import { forEachStore } from '../helpers/stores.ts'
import {
  aCollection,
  anAssertion,
  createTestIntake,
  dayAfterStart,
  reportOn,
  type TestIntake,
} from './reports.ts'

const hosts = ['a', 'b', 'c', 'd'].map((name) => `${name}.taxiway-demo.com`)
const tlps = ['white', 'green', 'amber'] as const satisfies readonly Tlp[]
const bindings = ['urn:stix.mitre.org:xml:1.2', 'urn:stix.mitre.org:xml:1.1.1'] as const

const anyReport = fc
  .record({
    id: fc.integer({ min: 1, max: 4 }),
    tlp: fc.constantFrom(...tlps),
    tags: fc.subarray(['loader', 'wiper']),
    about: fc.uniqueArray(
      fc.record({
        host: fc.constantFrom(...hosts),
        title: fc.constantFrom('', 'One', 'Two'),
        fromDay: fc.integer({ min: -4, max: 0 }),
        untilDay: fc.option(fc.integer({ min: 1, max: 8 }), { nil: undefined }),
        active: fc.boolean(),
      }),
      { selector: ({ host }) => host, maxLength: 4 },
    ),
  })
  .map(({ id, tlp, tags, about }) =>
    reportOn(
      about.map(({ host, title, fromDay, untilDay, active }) =>
        anAssertion(host, {
          tlp,
          title,
          active,
          validFrom: dayAfterStart(fromDay),
          validUntil: untilDay === undefined ? undefined : dayAfterStart(untilDay),
        }),
      ),
      { externalId: `r${id}`, tlp, tags },
    ),
  )

const anyCollections = fc.tuple(
  ...['one', 'two'].map((name) =>
    fc
      .record({
        maxTlp: fc.constantFrom(...tlps),
        rule: fc.constantFrom<CollectionSettings['rule']>(
          { all: [] },
          { tag: 'loader' },
          { not: { tag: 'loader' } },
          { age: { atMostDays: 5 } },
          { age: { atLeastDays: 3 } },
        ),
        bindings: fc.subarray([...bindings], { minLength: 1 }),
      })
      .map((settings) => aCollection({ name, ...settings })),
  ),
)

type Step =
  | { readonly take: readonly ReportWithAssertions[] }
  | { readonly pages: ReportWithAssertions; readonly shown: number }
  | { readonly gone: readonly string[] }
  | { readonly settle: readonly CollectionSettings[] }
  | { readonly days: number }

const anyStep: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      take: fc.uniqueArray(anyReport, {
        selector: ({ report }) => report.externalId,
        minLength: 1,
        maxLength: 3,
      }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ pages: anyReport, shown: fc.integer({ min: 0, max: 2 }) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ gone: fc.subarray(['r1', 'r2', 'r3', 'r4'], { minLength: 1 }) }),
  },
  { weight: 1, arbitrary: fc.record({ settle: anyCollections }) },
  { weight: 2, arbitrary: fc.record({ days: fc.integer({ min: 1, max: 3 }) }) },
)

/** What the collections should hold: `collection binding host` of each indicator that they may show. */
function wantedBlocks(
  reports: Iterable<ReportWithAssertions>,
  collections: readonly CollectionSettings[],
  now: Date,
): string[] {
  const wanted = new Set<string>()
  for (const { report, assertions } of reports) {
    for (const assertion of assertions) {
      for (const { name, rule, maxTlp, bindings: chosen } of collections) {
        if (!survives(assertion, now) || tlpRank(assertion.tlp) > tlpRank(maxTlp)) continue
        if (!permits(rule, report.tags, assertion, now)) continue
        for (const binding of chosen) {
          wanted.add(`${name} ${bindings.indexOf(binding) + 1} ${assertion.value}`)
        }
      }
    }
  }
  return [...wanted].sort()
}

function survives({ active, validUntil }: Assertion, now: Date): boolean {
  return active && (validUntil === undefined || validUntil > now)
}

function permits(
  rule: CollectionSettings['rule'],
  tags: readonly string[],
  { validFrom }: Assertion,
  now: Date,
): boolean {
  if ('tag' in rule) return tags.includes('loader')
  if ('not' in rule) return !tags.includes('loader')
  if (!('age' in rule)) return true
  const days = (now.getTime() - validFrom.getTime()) / 86_400_000
  const { atLeastDays = 0, atMostDays = Number.POSITIVE_INFINITY } = rule.age
  return days >= atLeastDays && days < atMostDays
}

/** Takes a report in as OTX sends a large one: first a part of it, then all of it, a page at a time. */
async function takeInPages(
  intake: TestIntake,
  { pages: { report, assertions }, shown }: { pages: ReportWithAssertions; shown: number },
  revision: string,
): Promise<void> {
  const part = { report: { ...report, revision }, assertions: assertions.slice(0, shown) }
  await intake.take([{ ...part, rejections: [], comesInPages: true }])
  const sourceId = await getSourceId(intake.db, 'otx')
  const cuts = [assertions.slice(0, 2), assertions.slice(2)]
  for (const [index, page] of cuts.entries()) {
    const next = index === 0 ? { offset: 2, pageSize: 2 } : undefined
    const { externalId } = report
    await takeInPage(intake, { sourceId, externalId, assertions: page, rejections: [], next })
  }
}

t.test(
  'after every step of every history the feeds hold what they may show, and no more',
  async (t) => {
    await forEachStore(t, async (t, { db, kind }) => {
      let compared = 0
      const property = fc.asyncProperty(
        anyCollections,
        fc.array(anyStep, { minLength: 4, maxLength: 9 }),
        async (first, steps) => {
          await sql`truncate sources, reports, indicators, assertions, suppressions, rejections, collections,
          publications, blocks, packages, package_heads, withdrawals restart identity cascade`.execute(
            db,
          )
          await sql`update feed_clock set swept_until = null`.execute(db)
          const intake = createTestIntake(t, db)
          const reports = new Map<string, ReportWithAssertions>()
          let collections: readonly CollectionSettings[] = first
          await intake.settle(...collections)
          await sweep(intake)
          let day = 0
          let revision = 1
          for (const step of steps) {
            if ('take' in step) {
              await intake.take(step.take)
              for (const one of step.take) reports.set(one.report.externalId, one)
            } else if ('pages' in step) {
              revision += 1
              await takeInPages(intake, step, String(revision))
              reports.set(step.pages.report.externalId, step.pages)
            } else if ('gone' in step) {
              const sourceId = await getSourceId(db, 'otx')
              await removeReports(intake, sourceId, step.gone, 'deleted')
              for (const id of step.gone) reports.delete(id)
            } else if ('settle' in step) {
              collections = step.settle
              await intake.settle(...collections)
            } else {
              day += step.days
              intake.now = dayAfterStart(day)
              await sweep(intake)
            }
            const faults = await findFaults(db)
            if (Object.keys(faults).length > 0) throw new Error(JSON.stringify(faults))
            const found = (await readLiveBlocks(db))
              .map(({ collection, binding, value }) => `${collection} ${binding} ${value}`)
              .sort()
            const wanted = wantedBlocks(reports.values(), collections, intake.now)
            if (found.join() !== wanted.join()) throw new Error(`${found} instead of ${wanted}`)
            compared += found.length
          }
        },
      )
      await fc.assert(property, { seed: 3, numRuns: kind === 'postgresql' ? 40 : 10 })
      t.ok(compared > 100, `${compared} blocks were compared`)
    })
  },
)
