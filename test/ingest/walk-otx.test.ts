import { sql } from 'kysely'
import t from 'tap'
import type { OtxFault } from '../../src/standins/otx-faults.ts'
import { forEachStore, openTestStore } from '../helpers/stores.ts'
import {
  asks,
  hostOf,
  hostsOf,
  indicatorOf,
  pulseOf,
  startFive,
  startOtx,
  startWalking,
} from './otx-walks.ts'

const newest = '2026-05-05T00:00:00.000Z'
const all = hostsOf(0, 5)

t.test('a walk takes in every pulse, tells of its progress and sets the watermark', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const { walk, pages, cursor, live, progress } = await startFive(t, db)
    t.same(await walk(), { pulses: 5, gone: 0, unfinished: 0, problems: [] })
    t.same(pages(), ['1/2', '2/2', '3/2'])
    t.same(await live(), all)
    const at = '2026-06-01T00:00:00.000Z'
    t.same(await cursor(), { watermark: newest, reconciliation: { at, missing: [] } })
    t.match(progress, [
      { totalPulses: 5, pulses: 2, reports: 2 },
      { totalPulses: 5, pulses: 4, reports: 2 },
      { totalPulses: 5, pulses: 5, reports: 1 },
    ])
  })
})

t.test('the next walk asks from an hour before the watermark on', async (t) => {
  const { db } = await openTestStore(t, 'postgresql')
  const { otx, walk, pagesDuring, modifiedSince, cursor, live } = await startFive(t, db)
  await walk()
  otx.revise('p0', { modified: '2026-05-06T00:00:00', indicators: [] })
  otx.add(pulseOf(5, { modified: '2026-05-07T00:00:00' }))
  t.same(await pagesDuring(walk()), ['1/2', '2/2'])
  t.equal(modifiedSince(), '2026-05-04T23:00:00.000')
  t.same(await live(), hostsOf(1, 6))
  t.match(await cursor(), { watermark: '2026-05-07T00:00:00.000Z' })
})

t.test(
  'a first walk takes in what was modified in so many days, and the next goes on',
  async (t) => {
    await forEachStore(t, async (t, { db }) => {
      const { walk, modifiedSince, live, cursor } = await startFive(t, db)
      await walk({ firstSyncDays: 29 })
      t.equal(modifiedSince(), '2026-05-03T00:00:00.000')
      t.same(await live(), hostsOf(2, 5))
      t.match(await cursor(), { watermark: newest })
      await walk({ firstSyncDays: 365 })
      t.equal(modifiedSince(), '2026-05-04T23:00:00.000')
      t.same(await live(), hostsOf(2, 5))
    })
  },
)

const faults: Readonly<Record<string, OtxFault>> = {
  'a gateway error': { kind: 'html-error', status: 502 },
  'too many requests': { kind: 'too-many-requests', retryAfter: '3' },
  'truncated JSON': { kind: 'truncated-json' },
  'an HTML page': { kind: 'html-page' },
  'a next page elsewhere': { kind: 'foreign-next', origin: 'https://elsewhere.taxiway-demo.com' },
  'a page that leads back': { kind: 'repeated-page' },
  'a server that stops before the headers': { kind: 'stalled', from: 'headers' },
  'a server that stops in the body': { kind: 'stalled', from: 'body' },
  'a reset connection': { kind: 'connection-reset' },
}

t.test('what came before a fault is kept, and the next walk goes on there', async (t) => {
  for (const [name, fault] of Object.entries(faults)) {
    await t.test(name, async (t) => {
      const { db } = await openTestStore(t, 'postgresql')
      const timeoutMs = fault.kind === 'stalled' ? 100 : 5_000
      const { otx, walk, pagesDuring, cursor, live } = await startFive(t, db)
      otx.misbehaveAt(asks.pages, { kind: 'none' }, fault)
      await t.rejects(walk({}, { timeoutMs }), { code: /^OTX_/, retryable: true })
      t.same(await live(), [hostOf(3), hostOf(4)])
      const place = { newest, offset: 2, pageSize: 2, count: 5 }
      t.match(await cursor(), { walk: place, watermark: undefined }, 'no watermark yet')
      t.same(await pagesDuring(walk()), ['2/2', '3/2'])
      t.same(await live(), all)
      t.match(await cursor(), { walk: undefined, watermark: newest })
    })
  }
})

t.test('how long OTX wants to be left alone is told', async (t) => {
  const { db } = await openTestStore(t, 'postgresql')
  const { otx, walk } = await startFive(t, db, { retries: 3 })
  otx.misbehaveAt(asks.me, { kind: 'too-many-requests', retryAfter: '900' })
  await t.rejects(walk(), { code: 'OTX_BUSY', retryAfterMs: 900_000 })
  t.equal(otx.requests.length, 1, 'and respected at once')
  otx.misbehaveAt(asks.pages, { kind: 'none' }, { kind: 'too-many-requests', retryAfter: '1200' })
  await t.rejects(walk(), { code: 'OTX_BUSY', retryAfterMs: 1_200_000 })
})

t.test('a walk that is told to stop keeps its last page', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const { walk, pagesDuring, cursor, live } = await startFive(t, db)
    const stopping = new AbortController()
    const reason = new Error('the service stops')
    const stopped = walk({
      signal: stopping.signal,
      onProgress: () => stopping.abort(reason),
    })
    await t.rejects(stopped, reason)
    t.same(await live(), hostsOf(3, 5))
    t.match(await cursor(), { walk: { newest, offset: 2 } })
    t.same(await pagesDuring(walk()), ['2/2', '3/2'])
    t.same(await live(), all)
  })
})

t.test('what cannot be read is recorded, and moves no watermark', async (t) => {
  const { db } = await openTestStore(t, 'postgresql')
  const { otx, walk, cursor, live } = await startFive(t, db)
  otx.add(pulseOf(5, { modified: '2200-01-01T00:00:00' }))
  otx.add(pulseOf(6, { tlp: 'purple', modified: '2026-05-30T00:00:00' }))
  otx.add(pulseOf(7, { indicators: [indicatorOf(70, { created: 'soon' }), indicatorOf(7)] }))
  await walk()
  t.same(await live(), [...all, hostOf(7)])
  t.match(await cursor(), { watermark: '2026-05-08T00:00:00.000Z' })
  const { rows } = await sql`select place, reason, times from rejections order by place`.execute(db)
  t.same(rows, [
    { place: 'pulse p5', reason: 'date-out-of-range', times: 1 },
    { place: 'pulse p6', reason: 'unknown-tlp', times: 1 },
    { place: 'pulse p7, indicator 70', reason: 'date-unreadable', times: 1 },
  ])
})

t.test('a pulse that changes while its list is walked is taken in by the next walk', async (t) => {
  const { db } = await openTestStore(t, 'postgresql')
  const { otx, walk, live } = await startFive(t, db)
  let revised = false
  await walk({
    onProgress: () => {
      if (revised) return
      revised = true
      const indicators = [indicatorOf(90)]
      otx.revise('p0', { modified: '2026-05-20T00:00:00', indicators })
    },
  })
  await walk()
  t.same(await live(), [...hostsOf(1, 5), hostOf(90)].sort())
})

t.test('a pulse that is too large is recorded, and the walk goes on behind it', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const { otx, walk, cursor, live } = await startFive(t, db, { maxBodyBytes: 8_000 })
    otx.add(pulseOf(6, { description: 'x'.repeat(9_000) }))
    otx.add(pulseOf(7))
    await walk()
    t.same(await live(), [...all, hostOf(7)])
    t.match(await cursor(), { watermark: '2026-05-08T00:00:00.000Z' })
    const { rows } = await sql`select place, reason from rejections`.execute(db)
    t.same(rows, [{ place: 'pulse 2 of the list', reason: 'too-large' }])
  })
})

t.test('a last pulse that is too large ends the walk', async (t) => {
  const { db } = await openTestStore(t, 'postgresql')
  const otx = await startOtx(t, [pulseOf(0, { description: 'x'.repeat(9_000) })])
  const { walk, cursor } = await startWalking(t, db, otx.url, { maxBodyBytes: 8_000 })
  t.match(await walk(), { problems: [], pulses: 0 })
  t.match(await cursor(), { walk: undefined })
  const { rows } = await sql`select reason from rejections`.execute(db)
  t.same(rows, [{ reason: 'too-large' }])
})

t.test('who has the key and whose pulses come is told before they are stored', async (t) => {
  const { db } = await openTestStore(t, 'postgresql')
  const { otx, walk } = await startFive(t, db)
  otx.revise('p3', { author_name: 'Quay Lab', modified: '2026-05-04T00:00:00' })
  otx.revise('p2', { author_name: '', modified: '2026-05-03T00:00:00' })
  const told: unknown[] = []
  await walk({
    onMe: (username) => {
      told.push(username)
    },
    beforeTakeIn: async (trx, authors) => {
      const { rows } = await sql`select count(*)::integer as count from reports`.execute(trx)
      told.push([authors, rows[0]])
    },
  })
  t.same(told, [
    'taxiway_demo',
    [['Harbour Watch', 'Quay Lab'], { count: 0 }],
    [['Harbour Watch'], { count: 2 }],
    [['Harbour Watch'], { count: 4 }],
  ])
})

t.test('an OTX that does not say whose key it is, is walked all the same', async (t) => {
  const { db } = await openTestStore(t, 'postgresql')
  const { otx, walk, live } = await startFive(t, db)
  otx.misbehaveAt(asks.me, { kind: 'html-error', status: 503 })
  const told: string[] = []
  const { problems } = await walk({ onMe: (username) => void told.push(username) })
  t.match(problems, [{ code: 'OTX_UNAVAILABLE', message: /^whose key it is: / }])
  t.same(told, [])
  t.same(await live(), all)
})

t.test('old indicators in a pulse of today are judged by their own age', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const { otx, walk, live } = await startFive(t, db)
    const years = ['2019', '2024', '2026'].map((year, n) =>
      indicatorOf(10 + n, { created: `${year}-05-20T00:00:00` }),
    )
    otx.add(pulseOf(5, { modified: '2026-05-31T00:00:00', indicators: years }))
    await walk()
    t.same(await live(), [...all, hostOf(12)].sort())
    const { rows } = await sql`
      select value, reason, rule from suppressions x join assertions a on a.id = x.assertion_id
        join indicators i on i.id = a.indicator_id order by value`.execute(db)
    t.same(rows, [
      { value: hostOf(10), reason: 'aged', rule: 'age:domain' },
      { value: hostOf(11), reason: 'aged', rule: 'age:domain' },
    ])
  })
})
