import { sql } from 'kysely'
import t from 'tap'
import { addOverride } from '../../src/intake/override.ts'
import { recall, settleRecalls, undoRecall } from '../../src/intake/recall.ts'
import { sweep } from '../../src/intake/sweep.ts'
import type { IndicatorStory } from '../../src/model/indicator-story.ts'
import { nearObservables } from '../../src/model/near.ts'
import type { ObservableType } from '../../src/model/observable.ts'
import { findLeftOut } from '../../src/stix/profiles.ts'
import type { Db } from '../../src/store/db.ts'
import { readIndicatorStory } from '../../src/store/indicator-story.ts'
import { findNamedIndicators } from '../../src/store/named-indicators.ts'
import { findNearIndicators } from '../../src/store/near-indicators.ts'
import { readLiveValues } from '../helpers/sound-feed.ts'
import { forEachStore, openTestStore } from '../helpers/stores.ts'
import {
  aCollection,
  anAssertion,
  createTestIntake,
  dayAfterStart,
  reportOn,
  start,
} from '../intake/reports.ts'

const host = (name: string) => `${name}.taxiway-demo.com`
const yesterday = dayAfterStart(-1)

async function storyOf(db: Db, value: string, now = start): Promise<IndicatorStory> {
  const [[one] = []] = await findNamedIndicators(db, [value])
  if (!one) throw new Error(`${value} is not in the store`)
  return readIndicatorStory(db, one, findLeftOut, now)
}

/** Of each collection whether it holds the indicator, and why not. */
function whyByCollection({ collections }: IndicatorStory): Record<string, unknown> {
  return Object.fromEntries(
    collections.map(({ name, holds, why }) => [
      name,
      holds && why.length === 0 ? 'holds' : why.map(({ kind, text }) => `${kind}: ${text}`),
    ]),
  )
}

t.test('a story has the assertions with their reports, verdicts and blocks', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const intake = createTestIntake(t, db)
    await intake.settle(
      aCollection({ bindings: ['urn:stix.mitre.org:xml:1.2', 'urn:stix.mitre.org:xml:1.1.1'] }),
    )
    const value = host('a')
    await intake.take([
      reportOn([
        anAssertion(value, { validFrom: yesterday, validUntil: dayAfterStart(9), role: 'c2' }),
      ]),
      reportOn([anAssertion(value, { validFrom: yesterday, active: false, tlp: 'amber' })], {
        externalId: 'r2',
        name: 'Old',
        author: 'Nobody',
        modified: new Date('2026-05-01T00:00:00Z'),
      }),
    ])
    const story = await storyOf(db, 'A[.]taxiway-demo[.]com')
    t.match(story, {
      type: 'domain',
      value,
      recalls: [],
      overrides: [],
      assertions: [
        {
          source: 'otx',
          report: {
            externalId: 'r1',
            name: 'Loaders',
            author: 'Harbour Watch',
            whole: true,
            current: true,
            gone: undefined,
            public: true,
          },
          role: 'c2',
          tlp: 'white',
          assertedConfidence: 50,
          confidence: 50,
          validFrom: yesterday,
          validUntil: dayAfterStart(9),
          endsAt: dayAfterStart(9),
          active: true,
          suppressed: false,
          suppressions: [],
        },
        {
          report: { externalId: 'r2', author: 'Nobody' },
          tlp: 'amber',
          validUntil: undefined,
          endsAt: dayAfterStart(89),
          active: false,
          suppressed: true,
          suppressions: [
            {
              reason: 'inactive',
              rule: 'source:active',
              since: start,
              counts: true,
              liftedBy: undefined,
            },
          ],
        },
      ],
    })
    const [collection] = story.collections
    t.match(collection, { name: 'all', holds: true, why: [], accounts: [] })
    t.match(collection?.streams, [
      {
        binding: 'urn:stix.mitre.org:xml:1.2',
        live: true,
        blocks: 1,
        superseded: 0,
        withdrawnAt: undefined,
      },
      { binding: 'urn:stix.mitre.org:xml:1.1.1', live: true, blocks: 1 },
    ])
    const first = collection?.streams[0]
    t.same(first?.since, first?.firstPublished)

    await intake.take([
      reportOn([anAssertion(value, { validFrom: yesterday, role: 'dropper' })], { revision: '2' }),
    ])
    const revised = (await storyOf(db, value)).collections[0]?.streams[0]
    t.match(revised, { live: true, blocks: 2, superseded: 1, since: first?.since as Date })
    t.ok((revised?.lastPublished as Date) >= (first?.lastPublished as Date))

    await intake.take([reportOn([], { revision: '3' })])
    const gone = await storyOf(db, value)
    t.match(
      gone.assertions.map((one) => one.report?.current),
      [false, true],
    )
    t.match(gone.collections, [
      {
        holds: false,
        why: [{ kind: 'suppressed' }],
        streams: [{ live: false, since: undefined, withdrawnAt: Date }, { live: false }],
      },
    ])
  })
})

t.test('each collection tells exactly why it does not hold an indicator', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const intake = createTestIntake(t, db)
    await intake.settle(
      aCollection({ name: 'all', maxTlp: 'green' }),
      aCollection({ name: 'white', maxTlp: 'white' }),
      aCollection({ name: 'lab', maxTlp: 'red', rule: { source: ['lab', 'cellar'] } }),
      aCollection({
        name: 'picky',
        maxTlp: 'green',
        rule: {
          all: [
            { not: { author: 'Harbour Watch' } },
            { any: [{ tag: 'ransomware' }, { confidence: { atLeast: 70 } }] },
            { age: { atMostDays: 30 } },
            { type: ['domain', 'url'] },
          ],
        },
      }),
      aCollection({ name: 'esa', profile: 'esa', maxTlp: 'green' }),
      aCollection({ name: 'inner', nonPublic: true, maxTlp: 'green' }),
    )
    await intake.take([
      reportOn([anAssertion(host('g'), { validFrom: yesterday, tlp: 'green' })], {
        tags: ['Botnet'],
      }),
      reportOn([anAssertion(host('p'), { validFrom: yesterday })], {
        externalId: 'r2',
        public: false,
      }),
      reportOn([anAssertion('someone@taxiway-demo.com', { type: 'email', validFrom: yesterday })], {
        externalId: 'r3',
      }),
    ])
    const picky =
      'rule: its rule does not select it: the author is Harbour Watch, which it leaves out, and no tag is ransomware (it has Botnet), and the confidence is 50, not at least 70'
    const lab = 'rule: its rule does not select it: the source is otx, not lab or cellar'
    t.same(whyByCollection(await storyOf(db, host('g'))), {
      all: 'holds',
      esa: 'holds',
      inner: 'holds',
      white: ['tlp: TLP green is above its maxTlp, white'],
      lab: [lab],
      picky: [picky],
    })
    const hidden = 'not-public: the report is not public; it has no nonPublic'
    t.match(whyByCollection(await storyOf(db, host('p'))), {
      inner: 'holds',
      all: [hidden],
      white: [hidden],
      lab: [hidden, lab],
    })
    t.match(whyByCollection(await storyOf(db, 'someone@taxiway-demo.com')), {
      all: 'holds',
      esa: ['profile: its profile esa has no e-mail addresses: the ESA drops them'],
      picky: [/the type is email, not domain or url$/],
    })
  })
})

t.test(
  'what the story says of each collection is what is served, whatever the rules',
  async (t) => {
    const { db } = await openTestStore(t, 'postgresql')
    const intake = createTestIntake(t, db)
    const rules = [
      { all: [] },
      { any: [] },
      { not: { all: [] } },
      { not: { any: [{ source: 'otx' }, { tag: 'x' }] } },
      {
        any: [{ all: [{ author: 'Harbour Watch' }, { type: 'ipv4' }] }, { not: { tlp: 'white' } }],
      },
      { age: { atLeastDays: 2 } },
      { not: { age: { atMostDays: 2 } } },
      { confidence: { atMost: 40 } },
      { not: { not: { tag: ['B', 'x'] } } },
    ] as const
    await intake.settle(
      ...rules.map((rule, n) =>
        aCollection({
          name: `c${n}`,
          rule,
          maxTlp: n % 2 ? 'green' : 'white',
          profile: n % 3 ? 'esa' : 'full',
        }),
      ),
    )
    const values = [host('a'), host('b'), '11.22.33.9', 'someone@taxiway-demo.com']
    await intake.take([
      reportOn(
        [
          anAssertion(host('a'), { validFrom: yesterday }),
          anAssertion(host('b'), { validFrom: dayAfterStart(-3), confidence: 30, tlp: 'green' }),
          anAssertion('11.22.33.9', { type: 'ipv4', validFrom: yesterday }),
          anAssertion('someone@taxiway-demo.com', { type: 'email', validFrom: yesterday }),
        ],
        { tags: ['b'] },
      ),
      reportOn([anAssertion(host('a'), { validFrom: yesterday, tlp: 'green' })], {
        externalId: 'r2',
        author: 'Other',
        public: false,
      }),
    ])
    await intake.take(
      [reportOn([anAssertion('11.22.33.9', { type: 'ipv4', validFrom: yesterday })])],
      { source: 'lab' },
    )
    for (const value of values) {
      for (const { name, holds, why } of (await storyOf(db, value)).collections) {
        const served = (await readLiveValues(db, name)).includes(value)
        t.equal(holds, served, `${value} in ${name}`)
        t.equal(why.length === 0, served, `${value} in ${name}: ${why.map(({ text }) => text)}`)
        t.notOk(
          why.some(({ kind }) => kind === 'pending'),
          `${value} in ${name} is settled`,
        )
      }
    }
  },
)

t.test('what is about to change is told', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const intake = createTestIntake(t, db)
    await intake.settle(aCollection())
    await intake.take([reportOn([anAssertion(host('a'), { validFrom: yesterday })])])
    await sql`update collections set settings_version = settings_version + 1, rule = '{"source":"lab"}'`.execute(
      db,
    )
    t.match(whyByCollection(await storyOf(db, host('a'))), {
      all: [
        /^pending: about to be taken out, when it follows its changed settings: its rule does not/,
      ],
    })
    await sweep(intake)
    await sql`update collections set settings_version = settings_version + 1, rule = '{"all":[]}'`.execute(
      db,
    )
    t.match(whyByCollection(await storyOf(db, host('a'))), {
      all: ['pending: about to be published, when it follows its changed settings'],
    })
  })
})

t.test('withdrawals and overrides are told as long as they count', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const intake = createTestIntake(t, db)
    await intake.settle(aCollection())
    await intake.take([
      reportOn([
        anAssertion('10.1.2.3', { type: 'ipv4', validFrom: yesterday }),
        anAssertion(host('b'), { validFrom: yesterday }),
      ]),
    ])
    const [[one] = []] = await findNamedIndicators(db, ['10.1.2.3'])
    await addOverride(intake, {
      indicatorIds: [one?.id as number],
      reason: 'private-address',
      rule: undefined,
      because: 'case 4711',
      by: 'ana',
      expiresAt: dayAfterStart(3),
    })
    const lifted = await storyOf(db, '10.1.2.3')
    t.match(lifted.overrides, [{ id: 1, because: 'case 4711', lifts: 1 }])
    t.match(lifted.assertions, [
      { suppressed: false, suppressions: [{ liftedBy: { override: 1, until: dayAfterStart(3) } }] },
    ])
    const why = { reason: 'ours', by: 'ben' }
    const ids = []
    for (const subject of [
      { source: 'otx' },
      { report: { source: 'otx', externalId: 'r1' } },
      { indicators: [{ type: 'ipv4' as ObservableType, value: '10.1.2.3' }] },
    ]) {
      ids.push((await recall(intake, { subject, ...why })).id)
    }
    await settleRecalls(intake)
    const [first, second, third] = ids as [number, number, number]
    const story = await storyOf(db, '10.1.2.3')
    t.match(story.recalls, [
      { id: third, subject: 'indicator', reason: 'ours', recalledBy: 'ben' },
      { id: second, subject: 'report otx/r1' },
      { id: first, subject: 'source otx' },
    ])
    t.same(story.assertions[0]?.recalls, [third, second, first])
    t.match(whyByCollection(story), { all: ['withdrawn: taken out by withdrawals 1, 2, 3'] })
    const other = await storyOf(db, host('b'))
    t.same(
      other.recalls.map(({ id }) => id),
      [second, first],
      "another indicator's is not among them",
    )
    for (const id of ids) await undoRecall(intake, id, 'ana')
    await settleRecalls(intake)
    t.match(await storyOf(db, '10.1.2.3'), { recalls: [], collections: [{ holds: true, why: [] }] })
  })
})

t.test('a withdrawal parts two times of being served', async (t) => {
  const { db } = await openTestStore(t, 'postgresql')
  const intake = createTestIntake(t, db)
  await intake.settle(aCollection())
  await intake.take([reportOn([anAssertion(host('a'), { validFrom: yesterday })])])
  const before = (await storyOf(db, host('a'))).collections[0]?.streams[0]
  const indicators = [{ type: 'domain' as const, value: host('a') }]
  const { id } = await recall(intake, { subject: { indicators }, reason: 'x', by: 'ana' })
  await settleRecalls(intake)
  t.match((await storyOf(db, host('a'))).collections[0]?.streams, [
    { live: false, withdrawnAt: Date },
  ])
  await undoRecall(intake, id, 'ana')
  await settleRecalls(intake)
  const after = (await storyOf(db, host('a'))).collections[0]?.streams[0]
  t.match(after, {
    live: true,
    blocks: 2,
    withdrawnAt: undefined,
    firstPublished: before?.firstPublished as Date,
  })
  t.ok((after?.since as Date) > (before?.since as Date))
})

t.test('what lies near an indicator is found', async (t) => {
  const nearOf = (type: ObservableType, value: string) =>
    nearObservables({ type, value }).map((one) => `${one.type} ${one.value}`)
  t.same(nearOf('domain', 'a.b.evil.co.uk'), ['domain b.evil.co.uk', 'domain evil.co.uk'])
  t.same(nearOf('url', 'https://x.evil.com:8080/a?b'), [
    'url http://x.evil.com:8080/a?b',
    'domain x.evil.com',
    'domain evil.com',
  ])
  t.match(nearOf('url', 'http://11.22.33.9/'), [
    'url https://11.22.33.9/',
    'ipv4 11.22.33.9',
    'cidr 11.22.33.8/31',
  ])
  t.match(nearOf('url', 'http://[2001:db8::1]/'), [
    String,
    'ipv6 2001:db8::1',
    'cidr 2001:db8::/127',
  ])
  t.same(nearOf('email', 'a@evil.com'), ['domain evil.com'])
  t.same(nearOf('ipv4', '11.22.33.9').at(-1), 'cidr 11.0.0.0/8')
  t.same(
    nearOf('cidr', '11.22.33.8/30').slice(-4),
    [8, 9, 10, 11].map((n) => `ipv4 11.22.33.${n}`),
  )
  t.same(nearOf('cidr', '0.0.0.0/0'), [])
  t.same(nearOf('md5', 'd41d8cd98f00b204e9800998ecf8427e'), [])

  await forEachStore(t, async (t, { db }) => {
    const intake = createTestIntake(t, db)
    await intake.settle(aCollection())
    await intake.take([
      reportOn([
        anAssertion(host('a'), { validFrom: yesterday }),
        anAssertion('11.22.33.0/24', { type: 'cidr', validFrom: yesterday }),
      ]),
    ])
    const find = async (type: ObservableType, value: string) =>
      (await findNearIndicators(db, [{ type, value }], 5)).map((one) => `${one.value} ${one.state}`)
    t.same(await find('url', `https://x.${host('a')}/p`), [`${host('a')} served`])
    t.same(await find('ipv4', '11.22.33.77'), ['11.22.33.0/24 unselected'])
    t.same(await find('domain', host('a')), [])
  })
})
