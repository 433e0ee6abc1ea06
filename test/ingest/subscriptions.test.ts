import { sql } from 'kysely'
import t, { type Test } from 'tap'
import type { Db } from '../../src/store/db.ts'
import { forEachStore, openTestStore } from '../helpers/stores.ts'
import {
  asks,
  fivePulses,
  hostOf,
  hostsOf,
  indicatorOf,
  pulseOf,
  startOtx,
  startWalking,
} from './otx-walks.ts'

async function start(t: Test, db: Db) {
  const started = await startOtx(t, fivePulses())
  const walking = await startWalking(t, db, started.url)
  const reasons = async () => {
    const { rows } = await sql`
      select value, rule from suppressions x join assertions a on a.id = x.assertion_id
        join indicators i on i.id = a.indicator_id where reason = 'gone' order by value`.execute(db)
    return rows
  }
  /** Some days go by, so that the ids are compared again. */
  const laterBy = (days: number) => {
    walking.intake.now = new Date(walking.intake.now.getTime() + days * 86_400_000)
  }
  return { ...started, ...walking, reasons, laterBy }
}

t.test('what is deleted or unsubscribed at OTX is gone at the next walk', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const { otx, walk, live, reasons } = await start(t, db)
    await walk()
    otx.remove('p1')
    otx.unsubscribe('p2')
    t.match(await walk(), { gone: 2, problems: [] })
    t.same(await live(), [hostOf(0), hostOf(3), hostOf(4)])
    t.same(await reasons(), [
      { value: hostOf(1), rule: 'source:deleted' },
      { value: hostOf(2), rule: 'source:unsubscribed' },
    ])
    t.match(await walk(), { gone: 0 })
  })
})

t.test('of several events about one pulse the last decides', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const { otx, walk, live } = await start(t, db)
    await walk()
    otx.unsubscribe('p1')
    otx.subscribe('p1')
    otx.unsubscribe('p2')
    otx.subscribe('p2')
    otx.unsubscribe('p2')
    t.match(await walk(), { gone: 1 })
    t.same(await live(), [hostOf(0), hostOf(1), hostOf(3), hostOf(4)])
  })
})

t.test('an event is followed once, though it is seen again for a while', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const { otx, walk, live, requestsOf } = await start(t, db)
    await walk()
    otx.unsubscribe('p4')
    await walk()
    t.same(await live(), hostsOf(0, 4))
    // It is listed again, of which no event tells.
    otx.add(pulseOf(4, { modified: '2026-05-20T00:00:00' }))
    t.match(await walk(), { gone: 0 })
    t.same(await live(), hostsOf(0, 5))
    t.match(await walk(), { gone: 0 })
    t.same(await live(), hostsOf(0, 5))
    const since = requestsOf('events').map(({ searchParams }) => searchParams.get('since'))
    t.same(since.slice(2), Array(2).fill('2026-05-31T11:00:01.000'), 'an hour before the last')
  })
})

t.test('a pulse that is subscribed to is taken in whatever its age', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const { otx, walk, live, cursor } = await start(t, db)
    await walk()
    otx.subscribe(pulseOf(7, { modified: '2020-01-01T00:00:00' }))
    otx.subscribe(pulseOf(8, { modified: '2020-01-01T00:00:00' }))
    otx.misbehaveAt(asks.pulse, { kind: 'html-error', status: 504 })
    const { problems } = await walk()
    t.match(problems, [{ code: 'OTX_UNAVAILABLE', message: /^pulse p7: / }])
    t.same(await live(), [...hostsOf(0, 5), hostOf(8)], 'the other one is taken in')
    t.match(await cursor(), { fetch: ['p7'] }, 'and this one is not forgotten')
    t.match(await walk(), { problems: [] })
    t.same(await live(), [...hostsOf(0, 5), ...hostsOf(7, 9)])
    t.match(await cursor(), { fetch: undefined })
  })
})

t.test('a pulse that is gone before it was fetched is not asked for again', async (t) => {
  const { db } = await openTestStore(t, 'postgresql')
  const { otx, walk, cursor, requestsOf } = await start(t, db)
  await walk()
  otx.subscribe(pulseOf(7))
  otx.misbehaveAt(asks.pulse, { kind: 'refusal', status: 404, detail: 'Not found.' })
  t.match(await walk(), { problems: [] })
  t.match(await cursor(), { fetch: undefined })
  await walk()
  t.equal(requestsOf('pulse').length, 1)
})

t.test('when several pulses in a row cannot be had, the others wait', async (t) => {
  const { db } = await openTestStore(t, 'postgresql')
  const { otx, walk, cursor, requestsOf } = await start(t, db)
  await walk()
  const old = { modified: '2020-01-01T00:00:00' }
  for (const n of [5, 6, 7, 8, 9]) otx.subscribe(pulseOf(n, old))
  otx.misbehaveAt(asks.pulse, ...Array(3).fill({ kind: 'html-page' }))
  t.equal((await walk()).problems.length, 3)
  t.equal(requestsOf('pulse').length, 3)
  t.match(await cursor(), { fetch: ['p8', 'p9', 'p5', 'p6', 'p7'] }, 'and come first next time')
  t.match(await walk(), { problems: [] })
})

t.test('of an author who is subscribed to, older pulses are taken in too', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const { otx, walk, live, cursor, requestsOf } = await start(t, db)
    await walk()
    const author_name = 'Quay Lab'
    otx.subscribeAuthor(
      author_name,
      pulseOf(5, { author_name, modified: '2026-03-01T00:00:00' }),
      pulseOf(6, { author_name, modified: '2026-02-01T00:00:00' }),
      pulseOf(7, { author_name, modified: '2026-01-01T00:00:00' }),
      pulseOf(8, { author_name, modified: '2020-01-01T00:00:00' }),
    )
    const isAuthors = ({ query }: { query: Readonly<Record<string, string | undefined>> }) =>
      query.author_name !== undefined
    otx.misbehaveAt(isAuthors, { kind: 'none' }, { kind: 'html-page' })
    const { problems } = await walk()
    t.match(problems, [{ code: 'OTX_NOT_JSON', message: /^the pulses of Quay Lab: / }])
    t.same(await live(), hostsOf(0, 7))
    t.match(await cursor(), { authors: [{ author: 'Quay Lab', offset: 2 }] })
    t.match(await walk(), { problems: [] })
    t.same(await live(), hostsOf(0, 8), 'as far back as a first walk goes')
    t.match(await cursor(), { authors: undefined, watermark: '2026-05-05T00:00:00.000Z' })
    const asked = requestsOf('pages').filter(({ searchParams }) => searchParams.has('author_name'))
    t.equal(asked.length, 3)
    t.ok(asked.every(({ searchParams }) => searchParams.get('author_name') === author_name))
  })
})

t.test(
  'an author who is left takes two lists of ids to be gone, without waiting a day',
  async (t) => {
    await forEachStore(t, async (t, { db }) => {
      const { otx, walk, live, reasons } = await start(t, db)
      otx.revise('p3', { author_name: 'Quay Lab', modified: '2026-05-04T00:00:00' })
      await walk()
      otx.unsubscribeAuthor('Quay Lab')
      t.match(await walk(), { gone: 0 })
      t.same(await live(), hostsOf(0, 5))
      t.match(await walk(), { gone: 1 })
      t.same(await live(), [...hostsOf(0, 3), hostOf(4)])
      t.same(await reasons(), [{ value: hostOf(3), rule: 'source:unsubscribed' }])

      otx.subscribeAuthor('Quay Lab')
      t.match(await walk(), { gone: 0 })
      t.same(await live(), hostsOf(0, 5))
    })
  },
)

t.test('events that cannot be had are no end, and are followed later', async (t) => {
  const { db } = await openTestStore(t, 'postgresql')
  const { otx, walk, live } = await start(t, db)
  await walk()
  otx.remove('p1')
  for (const fault of [
    { kind: 'html-error', status: 504 },
    { kind: 'refusal', status: 404, detail: 'Not found.' },
    { kind: 'empty-body' },
  ] as const) {
    otx.misbehaveAt(asks.events, fault)
    t.match(await walk(), { gone: 0, problems: [{ message: /^the events: / }] })
    t.same(await live(), hostsOf(0, 5))
  }
  t.match(await walk(), { gone: 1, problems: [] })
})

/** The pulse leaves the lists, of which no event tells. */
function vanish(otx: Awaited<ReturnType<typeof start>>['otx'], id: string) {
  otx.remove(id)
  otx.misbehaveWhile(asks.events, { kind: 'other-json', json: { results: [], count: 0 } })
}

t.test('what two lists of ids in a row lack is gone', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const { otx, walk, live, laterBy, reasons, requestsOf } = await start(t, db)
    await walk()
    vanish(otx, 'p2')
    await walk()
    t.equal(requestsOf('ids').length, 1, 'no second list on the same day')
    laterBy(1)
    t.match(await walk(), { gone: 0 })
    t.same(await live(), hostsOf(0, 5))
    laterBy(1)
    t.match(await walk(), { gone: 1 })
    t.same(await live(), [...hostsOf(0, 2), ...hostsOf(3, 5)])
    t.same(await reasons(), [{ value: hostOf(2), rule: 'source:unsubscribed' }])
    t.equal(requestsOf('ids').length, 3)
  })
})

t.test('how often the ids are compared can be set', async (t) => {
  const { db } = await openTestStore(t, 'postgresql')
  const { otx, walk } = await start(t, db)
  await walk({ reconcileHours: 0 })
  vanish(otx, 'p2')
  t.match(await walk({ reconcileHours: 0 }), { gone: 0 })
  t.match(await walk({ reconcileHours: 0 }), { gone: 1 })
})

t.test('one wrong list of ids removes nothing', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const { otx, walk, live, laterBy } = await start(t, db)
    await walk()
    const json = { results: ['p4'], count: 1, next: null, previous: null }
    for (let day = 0; day < 3; day += 1) {
      laterBy(1)
      otx.misbehaveAt(asks.ids, { kind: 'other-json', json })
      t.match(await walk(), { gone: 0 })
      laterBy(1)
      t.match(await walk(), { gone: 0 }, 'the list after it is right')
    }
    t.same(await live(), hostsOf(0, 5))
  })
})

t.test('an empty list of ids is a problem, never an order', async (t) => {
  const { db } = await openTestStore(t, 'postgresql')
  const { otx, walk, live, laterBy } = await start(t, db)
  await walk()
  const json = { results: [], count: 0, next: null, previous: null }
  otx.misbehaveWhile(asks.ids, { kind: 'other-json', json })
  for (let day = 0; day < 3; day += 1) {
    laterBy(1)
    t.match(await walk(), { gone: 0, problems: [{ code: 'OTX_NOTHING_SUBSCRIBED' }] })
  }
  t.same(await live(), hostsOf(0, 5))
})

t.test(
  'a list of ids that cannot be had is a problem, and asked for by the next walk',
  async (t) => {
    const { db } = await openTestStore(t, 'postgresql')
    const { otx, walk, requestsOf } = await start(t, db)
    otx.misbehaveAt(asks.ids, { kind: 'truncated-json' })
    t.match(await walk(), { problems: [{ code: 'OTX_NOT_JSON' }] })
    t.match(await walk(), { problems: [] })
    t.match(await walk(), { problems: [] })
    t.equal(requestsOf('ids').length, 2)
  },
)

t.test('a pulse that was gone and is listed again is fetched', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const { otx, walk, live, laterBy } = await start(t, db)
    await walk()
    otx.unsubscribe('p0')
    await walk()
    t.same(await live(), hostsOf(1, 5))
    // It is back under its old date, of which no event tells.
    otx.add(pulseOf(0, { indicators: [indicatorOf(0), indicatorOf(9)] }))
    await walk()
    t.same(await live(), hostsOf(1, 5), 'the walk by date passes it over')
    laterBy(1)
    t.match(await walk(), { problems: [] })
    t.same(await live(), [...hostsOf(0, 5), hostOf(9)])
  })
})
