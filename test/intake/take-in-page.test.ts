import { sql } from 'kysely'
import t, { type Test } from 'tap'
import { takeInPage } from '../../src/intake/take-in-page.ts'
import type { Assertion } from '../../src/model/assertion.ts'
import type { Db } from '../../src/store/db.ts'
import { findReportInPages, readUnfinishedIds } from '../../src/store/readings.ts'
import { getSourceId } from '../../src/store/sources.ts'
import { assertSoundFeed, readLiveBlocks, readLiveValues } from '../helpers/sound-feed.ts'
import { forEachStore } from '../helpers/stores.ts'
import { aCollection, anAssertion, createTestIntake, reportOn } from './reports.ts'

const hostOf = (n: number) => `h${n}.taxiway-demo.com`
const hosts = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, n) => hostOf(from + n)).sort()
const claim = (n: number, change: Partial<Assertion> = {}) => anAssertion(hostOf(n), change)

/** A store that has taken in the head of a report, and takes its pages in. */
async function start(t: Test, db: Db) {
  const intake = createTestIntake(t, db)
  await intake.settle(aCollection())
  const sourceId = await getSourceId(db, 'otx')
  const page = async (assertions: readonly Assertion[], next?: number) => {
    const awaited = await takeInPage(intake, {
      sourceId,
      externalId: 'r1',
      assertions,
      rejections: [],
      next: next === undefined ? undefined : { offset: next, pageSize: 1024 },
    })
    await assertSoundFeed(t, db)
    return awaited
  }
  const begin = (values: readonly (string | Assertion)[], revision = '1') =>
    intake.take([{ ...reportOn(values, { revision }), comesInPages: true }])
  const live = () => readLiveValues(db, 'all')
  const reading = async () => (await findReportInPages(db, sourceId, 'r1'))?.reading
  const unfinished = () => readUnfinishedIds(db, sourceId)
  return { intake, sourceId, page, begin, live, reading, unfinished }
}

t.test('a report is whole with its last page, and costs a digest from then on', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const { page, begin, live, reading, unfinished } = await start(t, db)
    await begin([hostOf(0)])
    t.same(await live(), [hostOf(0)], 'what came with it is there at once')
    t.match(await reading(), { begun: false, offset: 0 })
    t.match(await begin([hostOf(0)]), { unchangedReports: 1, assertions: 0 })

    t.ok(await page([claim(0), claim(1)], 2))
    t.match(await reading(), { begun: true, offset: 2, pageSize: 1024 })
    t.match(await begin([hostOf(0)]), { unchangedReports: 1 }, 'its place is kept')
    t.match(await reading(), { offset: 2 })
    t.same(await unfinished(), ['r1'])

    t.ok(await page([claim(2)]))
    t.same(await live(), hosts(0, 3))
    t.same(await unfinished(), [])
    t.match(await begin([hostOf(0)]), { unchangedReports: 1, assertions: 0 })
    t.same(await unfinished(), [])
    t.notOk(await page([claim(3)]), 'no page is awaited any more')
    t.same(await live(), hosts(0, 3))
  })
})

t.test('only its last page retracts what it no longer holds', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const { page, begin, live } = await start(t, db)
    await begin([hostOf(0)])
    await page([claim(0), claim(1), claim(2)])
    await begin([hostOf(1)], '2')
    t.same(await live(), hosts(0, 3))
    await page([claim(1)], 1)
    t.same(await live(), hosts(0, 3))
    await page([claim(3)])
    t.same(await live(), [hostOf(1), hostOf(3)])
    const { rows } = await sql`select reason, rule from suppressions`.execute(db)
    t.same(rows, Array(2).fill({ reason: 'retracted', rule: 'report:revision' }))
  })
})

t.test('a new revision begins the reading anew', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const { page, begin, live, reading } = await start(t, db)
    await begin([hostOf(0)])
    await page([claim(0), claim(1)], 2)
    await begin([hostOf(4)], '2')
    t.match(await reading(), { begun: false, offset: 0 })
    await page([claim(4)])
    t.same(await live(), [hostOf(4)], 'nothing of the reading that was left')
  })
})

const better = {
  'one that counts and one that is switched off': [{ title: 'On' }, { active: false }],
  'one that ends later and one that ends sooner': [
    { title: 'On', validUntil: new Date('2026-09-01T00:00:00Z') },
    { validUntil: new Date('2026-07-01T00:00:00Z') },
  ],
  'one without an end and one that has expired': [
    { title: 'On' },
    { validUntil: new Date('2026-05-20T00:00:00Z') },
  ],
} as const

for (const [name, [good, bad]] of Object.entries(better)) {
  t.test(`of two pages' claims the better one stays: ${name}`, async (t) => {
    await forEachStore(t, async (t, { db }) => {
      const { page, begin } = await start(t, db)
      for (const [revision, [first, second]] of [
        [good, bad],
        [bad, good],
      ].entries()) {
        await begin([], String(revision + 1))
        await page([claim(0, first)], 1)
        await page([claim(0, second), claim(1)])
        const blocks = await readLiveBlocks(db)
        t.same(blocks.map(({ value }) => value).sort(), hosts(0, 2))
        t.match(blocks.find(({ value }) => value === hostOf(0))?.content, 'On')
      }
    })
  })
}

t.test('what the pages say replaces what came with the report, better or not', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const { page, begin, live } = await start(t, db)
    await begin([hostOf(0), hostOf(1)])
    await page([claim(0, { refuted: true }), claim(1)])
    t.same(await live(), [hostOf(1)])
  })
})

t.test('what was called a false positive does not come back until the pages say so', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const { page, begin, live } = await start(t, db)
    await begin([hostOf(0), hostOf(1)])
    await page([claim(0, { refuted: true }), claim(1)])
    t.match(await begin([hostOf(0), hostOf(1), hostOf(2)], '2'), { published: 1 })
    t.same(await live(), hosts(1, 3))
    await page([claim(0), claim(1), claim(2)])
    t.same(await live(), hosts(0, 3))
  })
})

t.test('a page larger than a transaction that was cut short is made whole', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const { intake, sourceId, begin, page, live, reading } = await start(t, db)
    await begin([])
    const assertions = hosts(0, 6_000).map((host) => anAssertion(host))
    const end = new Error('the process ended')
    const request = { sourceId, externalId: 'r1', assertions, rejections: [], next: undefined }
    const ended = takeInPage(intake, request, () => {
      throw end
    })
    await t.rejects(ended, end)
    const begun = (await live()).length
    t.ok(begun > 0 && begun < 6_000)
    t.match(await reading(), { begun: true, offset: 0 })
    await page(assertions)
    t.same(await live(), hosts(0, 6_000))
    t.equal(await reading(), undefined)
  })
})

t.test('a revision that retracts more than a transaction holds ends whole', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const { intake, sourceId, begin, page, live, reading } = await start(t, db)
    await begin([])
    await page(hosts(0, 6_000).map((host) => anAssertion(host)))
    await begin([], '2')
    const end = new Error('the process ended')
    const request = { sourceId, externalId: 'r1', rejections: [], next: undefined }
    const ended = takeInPage(intake, { ...request, assertions: [claim(1)] }, () => {
      throw end
    })
    await t.rejects(ended, end)
    await assertSoundFeed(t, db)
    const left = (await live()).length
    t.ok(left > 1 && left < 6_000, 'a part of it was retracted')
    t.match(await reading(), { begun: true })
    await page([claim(1)])
    t.same(await live(), [hostOf(1)])
    t.equal(await reading(), undefined)
  })
})
