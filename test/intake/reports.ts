import type { Test } from 'tap'
import type { WarninglistEffect, WarninglistKind } from '../../src/curation/warninglists.ts'
import { applyCollections } from '../../src/intake/apply-collections.ts'
import type { Intake } from '../../src/intake/intake.ts'
import { createReadJudging } from '../../src/intake/judging.ts'
import { reconcileCollections } from '../../src/intake/reconcile.ts'
import {
  type IncomingReport,
  type TakeInRequest,
  type TakenIn,
  takeIn,
} from '../../src/intake/take-in.ts'
import type { Assertion } from '../../src/model/assertion.ts'
import type { CollectionSettings } from '../../src/model/collection.ts'
import type { ObservableType } from '../../src/model/observable.ts'
import type { Report, ReportWithAssertions } from '../../src/model/report.ts'
import { defaultIdNamespace } from '../../src/stix/ids.ts'
import type { Db } from '../../src/store/db.ts'
import { raiseJudgingVersion } from '../../src/store/judging.ts'
import { getSourceId } from '../../src/store/sources.ts'
import { assertSoundFeed } from '../helpers/sound-feed.ts'

export const start = new Date('2026-06-01T00:00:00Z')

const dayMs = 86_400_000

/** `start` and so many days. */
export function dayAfterStart(days: number): Date {
  return new Date(start.getTime() + days * dayMs)
}

export function aReport(change: Partial<Report> = {}): Report {
  return {
    externalId: 'r1',
    name: 'Loaders',
    description: 'What they fetch.',
    author: 'Harbour Watch',
    tlp: 'white',
    public: true,
    revision: '1',
    created: new Date('2026-05-01T00:00:00Z'),
    modified: new Date('2026-05-02T00:00:00Z'),
    adversary: '',
    tags: [],
    references: ['https://blog.taxiway-demo.com/1'],
    targetedCountries: [],
    industries: [],
    malwareFamilies: [],
    attackIds: [],
    ...change,
  }
}

export function anAssertion(value: string, change: Partial<Assertion> = {}): Assertion {
  return {
    type: 'domain',
    value,
    externalId: undefined,
    title: '',
    description: '',
    role: '',
    tlp: 'white',
    confidence: 50,
    validFrom: new Date('2026-05-01T00:00:00Z'),
    validUntil: undefined,
    active: true,
    ...change,
  }
}

/** A report with an assertion on each of these domains, and on whatever else is given. */
export function reportOn(
  values: readonly (string | Assertion)[],
  change: Partial<Report> = {},
): ReportWithAssertions {
  const report = aReport(change)
  const assertions = values.map((value) =>
    typeof value === 'string' ? anAssertion(value, { tlp: report.tlp }) : value,
  )
  return { report, assertions, rejections: [] }
}

export function aCollection(change: Partial<CollectionSettings> = {}): CollectionSettings {
  return {
    name: 'all',
    description: 'Everything.',
    rule: { all: [] },
    maxTlp: 'white',
    type: 'data-feed',
    inbox: false,
    nonPublic: false,
    bindings: ['urn:stix.mitre.org:xml:1.2'],
    profile: 'full',
    packaging: 'indicator',
    cidr: 'omit',
    pageSize: undefined,
    refreshDays: undefined,
    ...change,
  }
}

/** Stores a warninglist as an operator's addition is, of whole names that keep out unless told otherwise. */
export async function aWarninglist(
  db: Db,
  list: {
    readonly name?: string
    readonly effect?: WarninglistEffect
    readonly kind?: WarninglistKind
    readonly types?: readonly ObservableType[]
    readonly entries: readonly string[]
  },
): Promise<void> {
  const { name = 'harmless', effect = 'block', kind = 'string', types = ['domain'], entries } = list
  await db
    .insertInto('warninglists')
    .values({
      name,
      title: `The list ${name}`,
      description: '',
      list_version: 1,
      kind,
      effect,
      origin: 'added',
      types: [...types],
      entries: entries.join('\n'),
      entry_count: entries.length,
      digest: `${name} ${entries.join()}`,
      changed_at: start,
    })
    .execute()
  await raiseJudgingVersion(db)
}

export interface TestIntake extends Intake {
  /** what `clock` tells */
  now: Date
  /** Takes reports of a source in and holds the feed to its law. */
  take(reports: readonly IncomingReport[], more?: TakeMore): Promise<TakenIn>
  /** Stores the settings of collections and makes the feeds follow. */
  settle(...collections: readonly CollectionSettings[]): Promise<void>
}

export interface TakeMore extends Partial<Omit<TakeInRequest, 'sourceId' | 'reports'>> {
  readonly source?: string
}

/** An intake with a clock that the test sets. Whatever is taken in through it, the feed is checked. */
export function createTestIntake(t: Test, db: Db): TestIntake {
  const intake: TestIntake = {
    db,
    producer: { name: 'Taxiway', idNamespace: defaultIdNamespace },
    readJudging: createReadJudging(),
    now: start,
    clock: () => intake.now,
    async take(reports, { source = 'otx', rejections = [], cursor } = {}) {
      const sourceId = await getSourceId(db, source)
      const done: TakenIn[] = []
      await takeIn(intake, { sourceId, reports, rejections, cursor }, (one) => done.push(one))
      await assertSoundFeed(t, db)
      return done.reduce(add)
    },
    async settle(...collections) {
      await applyCollections(db, collections)
      await reconcileCollections(intake)
      await assertSoundFeed(t, db)
    },
  }
  return intake
}

function add(one: TakenIn, other: TakenIn): TakenIn {
  const names = Object.keys(one) as (keyof TakenIn)[]
  return Object.fromEntries(names.map((name) => [name, one[name] + other[name]])) as never
}
