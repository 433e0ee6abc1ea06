import fc from 'fast-check'
import t from 'tap'
import { type Reason, reasonNames } from '../../src/curation/reasons.ts'
import { addOverride, endOverride, expireOverrides } from '../../src/intake/override.ts'
import { sweep } from '../../src/intake/sweep.ts'
import { OverrideRefused } from '../../src/model/errors.ts'
import type { ObservableType } from '../../src/model/observable.ts'
import { findIndicatorIds } from '../../src/store/assertions.ts'
import { writePolicy } from '../../src/store/judging.ts'
import { readOverrides } from '../../src/store/overrides.ts'
import { assertSoundFeed, readLiveValues } from '../helpers/sound-feed.ts'
import { forEachStore, openTestStore } from '../helpers/stores.ts'
import {
  aCollection,
  anAssertion,
  createTestIntake,
  dayAfterStart,
  reportOn,
  type TestIntake,
} from './reports.ts'

const address = anAssertion('10.1.2.3', { type: 'ipv4', validFrom: dayAfterStart(-1) })
const off = anAssertion('off.taxiway-demo.com', { validFrom: dayAfterStart(-1), active: false })

async function idOf({ db }: TestIntake, type: ObservableType, value: string): Promise<number> {
  const [id] = await findIndicatorIds(db, [{ type, value }])
  if (id === undefined) throw new Error(`${value} is not in the store`)
  return id
}

/** Lifts a reason from indicators for so many days after the start. */
async function override(
  intake: TestIntake,
  indicatorIds: readonly number[],
  reason: string,
  days: number,
  rule?: string,
) {
  return addOverride(intake, {
    indicatorIds,
    reason,
    rule,
    because: 'case 4711',
    by: 'ana',
    expiresAt: dayAfterStart(days),
  })
}

t.test('an override lifts one reason from all assertions, those to come too', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const intake = createTestIntake(t, db)
    await intake.settle(aCollection())
    await intake.take([reportOn([address])])
    const live = () => readLiveValues(db, 'all')
    t.same(await live(), [])

    const id = await idOf(intake, 'ipv4', address.value)
    const made = await override(intake, [id], 'private-address', 10)
    t.match(made, { ids: [Number], published: 1, withdrawn: 0 })
    await assertSoundFeed(t, db)
    t.same(await live(), [address.value])
    t.match(await readOverrides(db), [
      {
        id: made.ids[0] as number,
        type: 'ipv4',
        value: address.value,
        reason: 'private-address',
        rule: undefined,
        because: 'case 4711',
        madeBy: 'ana',
        expiresAt: dayAfterStart(10),
        endedAt: undefined,
        lifts: 1,
      },
    ])

    await intake.take([reportOn([address], { externalId: 'r2' })], { source: 'lab' })
    t.match(await readOverrides(db), [{ lifts: 2 }])
    const [served] = await readLiveValues(db, 'all')
    t.equal(served, address.value)

    // Another reason comes up, which nobody has lifted.
    await intake.take([reportOn([{ ...address, active: false }], { revision: '2' })])
    await intake.take(
      [reportOn([{ ...address, active: false }], { externalId: 'r2', revision: '2' })],
      { source: 'lab' },
    )
    t.same(await live(), [])
    t.match(await override(intake, [id], 'inactive', 10), { published: 1 })
    t.same(await live(), [address.value])
    await assertSoundFeed(t, db)
  })
})

t.test('an override ends at its moment, and before when it is ended', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const intake = createTestIntake(t, db)
    await intake.settle(aCollection())
    await intake.take([reportOn([address, off])])
    const live = () => readLiveValues(db, 'all')
    const ids = [
      await idOf(intake, 'ipv4', address.value),
      await idOf(intake, 'domain', off.value),
    ] as const
    await override(intake, [ids[0]], 'private-address', 2)
    const { ids: made } = await override(intake, [ids[1]], 'inactive', 2)
    const number = made[0] as number
    t.same(await live(), [address.value, off.value])

    t.same(await endOverride(intake, number, 'ben'), { published: 0, withdrawn: 1 })
    await assertSoundFeed(t, db)
    t.same(await live(), [address.value])
    await t.rejects(endOverride(intake, number, 'ben'), {
      code: 'OVERRIDE_REFUSED',
      message: /ended at 2026-06-01T00:00:00.000Z by ben already/,
    })
    await t.rejects(endOverride(intake, 4711, 'ben'), { message: /there is no override 4711/ })

    intake.now = dayAfterStart(1.999)
    t.same(await expireOverrides(intake), { published: 0, withdrawn: 0 })
    t.same(await live(), [address.value])
    intake.now = dayAfterStart(2)
    t.match(await sweep(intake), { withdrawn: 1 })
    await assertSoundFeed(t, db)
    t.same(await live(), [])
    t.same(await readOverrides(db, { current: intake.now }), [])
    t.match(await sweep(intake), { withdrawn: 0, published: 0 })
    const over = (await readOverrides(db, { indicatorId: ids[0] }))[0]?.id as number
    await t.rejects(endOverride(intake, over, 'ben'), { message: /is over since 2026-06-03/ })
  })
})

t.test('the last word on the same reason counts, also a shorter one', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const intake = createTestIntake(t, db)
    await intake.settle(aCollection())
    await intake.take([reportOn([address])])
    const id = await idOf(intake, 'ipv4', address.value)
    await override(intake, [id], 'private-address', 20)
    await override(intake, [id, id], 'private-address', 1)
    t.match(await readOverrides(db), [
      { expiresAt: dayAfterStart(1), endedAt: undefined, lifts: 1 },
      { expiresAt: dayAfterStart(20), endedBy: 'ana', lifts: 0 },
    ])
    intake.now = dayAfterStart(1)
    await sweep(intake)
    await assertSoundFeed(t, db)
    t.same(await readLiveValues(db, 'all'), [])
  })
})

t.test('an override of one rule leaves the other rules of that reason', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const intake = createTestIntake(t, db)
    await intake.settle(aCollection())
    await intake.take([reportOn([address])])
    const id = await idOf(intake, 'ipv4', address.value)
    const live = () => readLiveValues(db, 'all')
    await override(intake, [id], 'private-address', 5, 'range:192.168.0.0/16')
    t.match(await readOverrides(db), [{ rule: 'range:192.168.0.0/16', lifts: 0 }])
    t.same(await live(), [])
    await override(intake, [id], 'private-address', 5, 'range:10.0.0.0/8')
    t.same(await live(), [address.value])
    await assertSoundFeed(t, db)
  })
})

t.test('it may be made before there is anything to lift', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const intake = createTestIntake(t, db)
    await intake.settle(aCollection())
    const fine = { ...off, active: true }
    await intake.take([reportOn([fine])])
    const id = await idOf(intake, 'domain', off.value)
    t.match(await override(intake, [id], 'inactive', 5), { published: 0, withdrawn: 0 })
    await intake.take([reportOn([off], { revision: '2' })])
    t.same(await readLiveValues(db, 'all'), [off.value])
  })
})

t.test('what was retracted and lifted is judged by all else, and still ends', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const intake = createTestIntake(t, db)
    await intake.settle(aCollection())
    const held = (value: string) =>
      anAssertion(value, { validFrom: dayAfterStart(-1), validUntil: dayAfterStart(30) })
    const names = ['kept', 'ours'].map((name) => `${name}.taxiway-demo.com`)
    await intake.take([reportOn(names.map(held))])
    await intake.take([reportOn([], { revision: '2' })])
    const live = () => readLiveValues(db, 'all')
    t.same(await live(), [])
    await writePolicy(db, { ownDomains: [names[1]] })
    const ids = await Promise.all(names.map((name) => idOf(intake, 'domain', name)))
    await override(intake, ids, 'retracted', 90)
    await assertSoundFeed(t, db)
    t.same(await live(), [names[0]], 'our own name stays out')
    t.match(await sweep(intake), { withdrawn: 0 })
    intake.now = dayAfterStart(30)
    await sweep(intake)
    await assertSoundFeed(t, db)
    t.same(await live(), [])
  })
})

t.test('overrides that cannot be are refused with the way out', async (t) => {
  const { db } = await openTestStore(t, 'postgresql')
  const intake = createTestIntake(t, db)
  await intake.take([reportOn([address])])
  const id = await idOf(intake, 'ipv4', address.value)
  const good = {
    indicatorIds: [id],
    reason: 'private-address',
    rule: undefined,
    because: 'case 4711',
    by: 'ana',
    expiresAt: dayAfterStart(1),
  }
  const refusals = [
    [{ reason: 'own-network' }, /cannot be lifted: change ownDomains or ownRanges/],
    [{ reason: 'not-public' }, /cannot be lifted: set nonPublic/],
    [{ reason: 'dislike' }, /no reason "dislike"; those that can be lifted: .*private-address/],
    [{ reason: 'constructor' }, /no reason "constructor"/],
    [{ because: ' ' }, /must say because of what/],
    [{ by: '' }, /must say who/],
    [{ rule: ' ' }, /the rule is empty/],
    [{ expiresAt: dayAfterStart(0) }, /in the future/],
    [{ expiresAt: new Date(Number.NaN) }, /in the future/],
    [{ expiresAt: dayAfterStart(366.1) }, /366 days at most/],
  ] as const
  for (const [change, message] of refusals) {
    await t.rejects(addOverride(intake, { ...good, ...change }), {
      code: 'OVERRIDE_REFUSED',
      message,
    })
  }
  t.same(await readOverrides(db), [])
  await t.rejects(addOverride(intake, { ...good, reason: 'x' }), OverrideRefused)
})

// --- What must be served, by a plain model -----------------------------------------------------------

const values = ['10.0.0.1', '10.0.0.2', 'p.taxiway-demo.com', 'q.taxiway-demo.com'] as const
const sources = ['otx', 'lab'] as const
const liftable: readonly Reason[] = ['private-address', 'inactive', 'expired']
const days = fc.integer({ min: 1, max: 12 })
const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('assert' as const),
      source: fc.nat({ max: 1 }),
      // Of each value: whether the report has it, is it active, and when it ends.
      says: fc.array(
        fc.option(fc.record({ active: fc.boolean(), days: fc.option(days, { nil: undefined }) })),
        { minLength: values.length, maxLength: values.length },
      ),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('override' as const),
      value: fc.nat({ max: values.length - 1 }),
      reason: fc.constantFrom(...liftable, 'retracted' as const),
      rule: fc.boolean(),
      days,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('end' as const), which: fc.nat({ max: 9 }) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('wait' as const),
      days: fc.integer({ min: 1, max: 4 }),
    }),
  },
)

interface Said {
  readonly active: boolean
  readonly until: Date | undefined
  retracted: boolean
}

interface Lifted {
  readonly id: number
  readonly value: string
  readonly reason: string
  readonly rule: string | undefined
  readonly until: Date
}

/** The one rule by which each of these reasons speaks here. */
const rules: Readonly<Record<string, string>> = {
  'private-address': 'range:10.0.0.0/8',
  inactive: 'source:active',
  expired: 'source:valid-until',
  retracted: 'report:revision',
}

async function play(
  t: Parameters<typeof assertSoundFeed>[0],
  intake: TestIntake,
  steps: readonly Step[],
) {
  const { db } = intake
  const said = new Map<string, Said>()
  let overrides: Lifted[] = []
  let revision = 0
  const against = (value: string, one: Said): string[] => [
    ...(value.startsWith('10.') ? ['private-address'] : []),
    ...(one.active ? [] : ['inactive']),
    ...(one.until && one.until <= intake.now ? ['expired'] : []),
    ...(one.retracted ? ['retracted'] : []),
  ]
  const isLifted = (value: string, reason: string) =>
    overrides.some(
      (one) =>
        one.value === value &&
        one.reason === reason &&
        one.until > intake.now &&
        (one.rule === undefined || one.rule === rules[reason]),
    )
  const mustServe = () =>
    values
      .filter((value) =>
        sources.some((source) => {
          const one = said.get(`${source} ${value}`)
          return one && against(value, one).every((reason) => isLifted(value, reason))
        }),
      )
      .toSorted()
  for (const one of steps) {
    if (one.kind === 'assert') {
      const source = sources[one.source] as string
      revision += 1
      const found = values.flatMap((value, index) => {
        const says = one.says[index]
        const old = said.get(`${source} ${value}`)
        if (!says) {
          if (old) old.retracted = true
          return []
        }
        const until =
          says.days === undefined
            ? undefined
            : new Date(intake.now.getTime() + says.days * 86_400_000)
        said.set(`${source} ${value}`, { active: says.active, until, retracted: false })
        const type = value.startsWith('10.') ? 'ipv4' : 'domain'
        return [
          anAssertion(value, {
            type,
            active: says.active,
            validFrom: intake.now,
            validUntil: until ?? dayAfterStart(4_000),
          }),
        ]
      })
      await intake.take([reportOn(found, { externalId: source, revision: `${revision}` })], {
        source,
      })
    } else if (one.kind === 'override') {
      const value = values[one.value] as string
      const type = value.startsWith('10.') ? 'ipv4' : 'domain'
      const [id] = await findIndicatorIds(db, [{ type, value }])
      if (id === undefined) continue
      const rule = one.rule ? rules[one.reason] : undefined
      const until = new Date(intake.now.getTime() + one.days * 86_400_000)
      const made = await addOverride(intake, {
        indicatorIds: [id],
        reason: one.reason,
        rule,
        because: 'x',
        by: 'ana',
        expiresAt: until,
      })
      overrides = overrides.filter(
        (other) => !(other.value === value && other.reason === one.reason && other.rule === rule),
      )
      overrides.push({ id: made.ids[0] as number, value, reason: one.reason, rule, until })
    } else if (one.kind === 'end') {
      const current = overrides.filter(({ until }) => until > intake.now)
      const chosen = current[one.which % Math.max(1, current.length)]
      if (!chosen) continue
      await endOverride(intake, chosen.id, 'ben')
      overrides = overrides.filter((other) => other !== chosen)
    } else {
      intake.now = new Date(intake.now.getTime() + one.days * 86_400_000)
      await sweep(intake)
    }
    await assertSoundFeed(t, db)
    t.same(await readLiveValues(db, 'all'), mustServe(), JSON.stringify(one))
  }
}

type Step = typeof step extends fc.Arbitrary<infer T> ? T : never

for (const [kind, runs] of [
  ['postgresql', 12],
  ['embedded', 4],
] as const) {
  t.test(`what is served is what a plain model says, on ${kind}`, async (t) => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 8, maxLength: 20 }), async (steps) => {
        await t.test('a history', async (t) => {
          const { db } = await openTestStore(t, kind)
          const intake = createTestIntake(t, db)
          await intake.settle(aCollection())
          await play(t, intake, steps)
          if (!t.passing()) throw new Error('the model is contradicted')
        })
      }),
      { numRuns: runs, endOnFailure: true },
    )
  })
}

t.test('every reason is either liftable, or says what to do instead', async (t) => {
  const { db } = await openTestStore(t, 'postgresql')
  const intake = createTestIntake(t, db)
  await intake.take([reportOn([address])])
  const id = await idOf(intake, 'ipv4', address.value)
  for (const reason of reasonNames) {
    const outcome = await override(intake, [id], reason, 1).then(
      () => 'made',
      (error: Error) => error.message,
    )
    t.match(outcome, /^made$|cannot be lifted: \S/, reason)
  }
})
