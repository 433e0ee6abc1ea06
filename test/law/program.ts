import fc from 'fast-check'
import type { CollectionSettings } from '../../src/model/collection.ts'
import type { ReportWithAssertions } from '../../src/model/report.ts'
import type { Tlp } from '../../src/model/tlp.ts'
import { aCollection, anAssertion, reportOn, start } from '../intake/reports.ts'
import type { Kill } from './scheduler.ts'

/** A schedule: what each actor is to do, and how they are interleaved. */
export interface Program {
  /** of the interleaving */
  readonly seed: number
  readonly burst: number
  /** below 1: commits are late, so that others come before them */
  readonly commitWeight: number
  /** µs by which each reading of the database's clock is later than the last */
  readonly tick: number
  readonly collections: readonly CollectionSettings[]
  /** reports that each source takes in, one after the other */
  readonly sources: readonly (readonly ReportWithAssertions[])[]
  readonly settings: readonly CollectionSettings[]
  readonly recalls: readonly RecallStep[]
  readonly sweeps: number
  readonly clock: readonly ClockStep[]
  readonly pollers: readonly PollerPlan[]
  readonly kills: readonly Kill[]
}

export type RecallStep =
  | { readonly what: 'source'; readonly source: number }
  | { readonly what: 'report'; readonly source: number; readonly id: string }
  | { readonly what: 'indicators'; readonly values: readonly string[] }
  | { readonly what: 'undo' }

export type ClockStep =
  /** time goes on, for everybody */
  | { readonly pass: number }
  /** the database's clock alone is set */
  | { readonly set: number }
  /** its high-water mark is saved */
  | { readonly save: true }
  /** what nobody reads any more is deleted */
  | { readonly purge: true }

export interface PollerPlan {
  /** index into `streams` */
  readonly stream: number
  /** from which end it goes on: the one that it was answered or the one that it had asked for */
  readonly goesOnFrom: 'answer' | 'asked'
  /** whether it asks for an end, the time by its own clock; who goes on from such ends always does */
  readonly asksEnd: boolean
  /** µs by which its clock is ahead */
  readonly clockOffset: number
  /** forgets the fractions of a second of where it goes on from */
  readonly wholeSeconds: boolean
  readonly slow: boolean
  /** goes on to ask for parts until it is answered an empty one, as cabby does */
  readonly readsPastTheEnd: boolean
  readonly polls: readonly {
    /** asks for the count first */
    readonly peeks: boolean
    /** after the second part, the third and so on: which part it asks for once more */
    readonly replays: readonly number[]
    /** how the answer reaches it; broken off, or lost after it was sent whole, it is asked for again */
    readonly end: 'whole' | 'broken off' | 'lost'
  }[]
}

export const bindings = ['urn:stix.mitre.org:xml:1.2', 'urn:stix.mitre.org:xml:1.1.1'] as const

/** What can be polled; the settings may take the second away for a time. */
export const streams = [
  { collection: 'one', binding: 1 },
  { collection: 'one', binding: 2 },
  { collection: 'two', binding: 1 },
] as const

const second = 1_000_000
const minute = 60 * second
const hour = 60 * minute
const day = 24 * hour

const hosts = ['a', 'b', 'c', 'd', 'e', 'f', 'g'].map((name) => `${name}.taxiway-demo.com`)
const tlps = ['white', 'green', 'amber'] as const satisfies readonly Tlp[]
const reportIds = ['r1', 'r2', 'r3']

const anyReport = fc
  .record({
    id: fc.constantFrom(...reportIds),
    tlp: fc.constantFrom(...tlps),
    loader: fc.boolean(),
    about: fc.uniqueArray(
      fc.record({
        host: fc.constantFrom(...hosts),
        title: fc.constantFrom('', 'One', 'Two'),
        hours: fc.option(fc.constantFrom(1, 2, 10, 30), { nil: undefined, freq: 4 }),
      }),
      { selector: ({ host }) => host, maxLength: 6, size: 'max' },
    ),
  })
  .map(({ id, tlp, loader, about }) =>
    reportOn(
      about.map(({ host, title, hours }) =>
        anAssertion(host, {
          tlp,
          title,
          validUntil: hours === undefined ? undefined : hoursAfterStart(hours),
        }),
      ),
      { externalId: id, tlp, tags: loader ? ['loader'] : [] },
    ),
  )

function hoursAfterStart(hours: number): Date {
  return new Date(start.getTime() + hours * 3_600_000)
}

function anySettings(name: string) {
  return fc
    .record({
      maxTlp: fc.constantFrom(...tlps),
      rule: fc.constantFrom<CollectionSettings['rule']>(
        { all: [] },
        { all: [] },
        { tag: 'loader' },
        { not: { source: 'source 1' } },
      ),
      bindings:
        name === 'two'
          ? fc.constant([bindings[0]])
          : fc.constantFrom([...bindings], [...bindings], [...bindings], [bindings[0]]),
      pageSize: fc.constantFrom(undefined, 1, 2, 2, 3, 5),
      refreshDays: fc.constantFrom(undefined, undefined, 1, 2),
      packaging: fc.constantFrom('indicator', 'report'),
    })
    .map((settings) => aCollection({ name, ...settings }))
}

const anySource = fc.array(anyReport, { minLength: 1, maxLength: 5, size: 'max' })

const anyRecall: fc.Arbitrary<RecallStep> = fc.oneof(
  fc.record({ what: fc.constant('source' as const), source: fc.nat({ max: 1 }) }),
  fc.record({
    what: fc.constant('report' as const),
    source: fc.nat({ max: 1 }),
    id: fc.constantFrom(...reportIds),
  }),
  fc.record({
    what: fc.constant('indicators' as const),
    values: fc.subarray(hosts, { minLength: 1, maxLength: 3 }),
  }),
  fc.record({ what: fc.constant('undo' as const) }),
)

const anyClockStep: fc.Arbitrary<ClockStep> = fc.oneof(
  fc.record({ pass: fc.constantFrom(second, minute, hour, 13 * hour, day) }),
  fc.record({ set: fc.constantFrom(-second, -minute, -10 * minute, -hour, minute, hour) }),
  fc.record({ save: fc.constant(true as const) }),
  { weight: 1, arbitrary: fc.record({ purge: fc.constant(true as const) }) },
)

const anyClockOffset = fc.constantFrom(-day, -hour, -second, 0, 0, 1, second, hour, day)

const anyPoller: fc.Arbitrary<PollerPlan> = fc.record({
  stream: fc.constantFrom(0, 0, 1, 2),
  goesOnFrom: fc.constantFrom('answer', 'asked'),
  asksEnd: fc.boolean(),
  clockOffset: anyClockOffset,
  wholeSeconds: fc.constantFrom(false, false, false, false, true),
  slow: fc.constantFrom(false, false, true),
  readsPastTheEnd: fc.constantFrom(false, false, true),
  polls: fc.array(
    fc.record({
      peeks: fc.constantFrom(false, false, false, true),
      replays: fc.array(fc.nat({ max: 5 }), { maxLength: 3 }),
      end: fc.constantFrom('whole', 'whole', 'whole', 'whole', 'broken off', 'lost'),
    }),
    { minLength: 1, maxLength: 6, size: 'max' },
  ),
})

const anyKill: fc.Arbitrary<Kill> = fc.record({
  step: fc.integer({ min: 1, max: 500 }),
  moment: fc.constantFrom('before', 'after', 'blocked'),
})

export const anyProgram: fc.Arbitrary<Program> = fc.record({
  seed: fc.integer(),
  burst: fc.constantFrom(0, 0.5, 0.9),
  commitWeight: fc.constantFrom(1, 0.1, 0.02),
  tick: fc.constantFrom(1, 100, second),
  collections: fc.tuple(anySettings('one'), anySettings('two')),
  sources: fc.array(anySource, { minLength: 1, maxLength: 3 }),
  settings: fc.array(fc.oneof(anySettings('one'), anySettings('two')), { maxLength: 2 }),
  recalls: fc.array(anyRecall, { maxLength: 3 }),
  sweeps: fc.nat({ max: 2 }),
  clock: fc.array(anyClockStep, { maxLength: 6 }),
  pollers: fc.array(anyPoller, { minLength: 2, maxLength: 6, size: 'max' }),
  kills: fc.array(anyKill, { maxLength: 3 }),
})
