import { sql } from 'kysely'
import t, { type Test } from 'tap'
import { UpstreamError } from '../../src/model/errors.ts'
import type { OtxStandinOptions, StandinPulse } from '../../src/standins/otx.ts'
import type { OtxStandinCondition } from '../../src/standins/otx-behaviour.ts'
import type { Db } from '../../src/store/db.ts'
import { forEachStore, openTestStore } from '../helpers/stores.ts'
import { asks, hostOf, hostsOf, indicatorOf, pulseOf, startOtx, startWalking } from './otx-walks.ts'

const indicators = (from: number, to: number, change: object = {}) =>
  Array.from({ length: to - from }, (_, n) => indicatorOf(from + n, change))

/** A pulse of 3,000 indicators, of which two are sent with it, and two small ones. */
const pulses = (): StandinPulse[] => [
  pulseOf(0, { indicators: [indicatorOf(10_000)] }),
  pulseOf(1, { indicators: indicators(0, 3_000) }),
  pulseOf(2, { indicators: [indicatorOf(10_001)] }),
]
const small = [hostOf(10_000), hostOf(10_001)]
const whole = [...hostsOf(0, 3_000), ...small].sort()

async function start(t: Test, db: Db, options: Partial<OtxStandinOptions> = {}) {
  const started = await startOtx(t, pulses(), { indicatorsShown: 2, ...options })
  const walking = await startWalking(t, db, started.url)
  const pages = () =>
    started.requestsOf('indicators').map(({ pathname, searchParams }) => {
      const [, id] = /pulses\/(\w+)\//.exec(pathname) ?? []
      return `${id} ${searchParams.get('page')}/${searchParams.get('limit')}`
    })
  const pagesDuring = async (work: Promise<unknown>) => {
    const before = pages().length
    await work
    return pages().slice(before)
  }
  return { ...started, ...walking, pages, pagesDuring }
}

const all = ['p1 1/1024', 'p1 2/1024', 'p1 3/1024']
const pageOf =
  (page: number): OtxStandinCondition =>
  (request) =>
    asks.indicators(request) && request.page === page

t.test('a pulse with more indicators is read page by page, once', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const { walk, live, pages, progress } = await start(t, db)
    t.match(await walk(), { pulses: 3, unfinished: 0, problems: [] })
    t.same(await live(), whole)
    t.same(pages(), all)
    t.match(progress.at(-1), { reports: 1, pulses: 3, totalPulses: 3 })
    await walk()
    t.same(pages(), all, 'the same pulse again costs no request')
    t.same(await live(), whole)
  })
})

t.test('the pages of the list come first', async (t) => {
  const { db } = await openTestStore(t, 'postgresql')
  const { otx, walk } = await start(t, db)
  await walk()
  const paths = otx.requests.map((one) => one.replace('/api/v1/', '').split('?')[0])
  t.same(
    paths.filter((path, index) => path !== paths[index - 1]),
    [
      'users/me',
      'pulses/events',
      'pulses/subscribed',
      'pulses/p1/indicators',
      'pulses/subscribed_pulse_ids',
    ],
  )
})

t.test('what fails stays unfinished and goes on at its page; the others are read', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const { otx, walk, live, pagesDuring } = await start(t, db)
    otx.add(pulseOf(3, { indicators: indicators(5_000, 5_003) }))
    otx.misbehaveAt(({ path, page }) => path === 'pulses/p1/indicators' && page === 2, {
      kind: 'html-error',
      status: 503,
    })
    t.match(await walk(), {
      unfinished: 1,
      problems: [{ code: 'OTX_UNAVAILABLE', message: /^the indicators of pulse p1: / }],
    })
    t.same(await live(), [...hostsOf(0, 1_024), ...hostsOf(5_000, 5_003), ...small].sort())
    t.same(await pagesDuring(walk()), ['p1 2/1024', 'p1 3/1024'])
    t.same(await live(), [...whole, ...hostsOf(5_000, 5_003)].sort())
  })
})

t.test('after a walk that was broken off, the unfinished pulses come first', async (t) => {
  const { db } = await openTestStore(t, 'postgresql')
  const { otx, walk, live } = await start(t, db)
  otx.misbehaveAt(asks.pages, { kind: 'none' }, { kind: 'html-page' })
  await t.rejects(walk(), UpstreamError)
  t.same(await live(), [...hostsOf(0, 2), hostOf(10_001)].sort())
  otx.misbehaveAt(asks.pages, { kind: 'html-page' })
  await t.rejects(walk(), UpstreamError)
  t.same(await live(), [...hostsOf(0, 3_000), hostOf(10_001)].sort())
})

t.test('a new revision begins the reading anew', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const { otx, walk, live, pagesDuring } = await start(t, db)
    otx.misbehaveAt(pageOf(2), { kind: 'html-page' })
    await walk()
    const change = { indicators: indicators(2_000, 5_000), modified: '2026-05-20T00:00:00' }
    otx.revise('p1', change)
    t.same(await pagesDuring(walk()), all)
    t.same(await live(), [...hostsOf(2_000, 5_000), ...small].sort(), 'nothing of the old one')
  })
})

t.test('until the last page nothing that was there before is retracted', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const { otx, walk, live } = await start(t, db)
    await walk()
    otx.revise('p1', { indicators: indicators(2_000, 5_000), modified: '2026-05-20T00:00:00' })
    otx.misbehaveAt(pageOf(3), { kind: 'html-page' })
    t.match(await walk(), { unfinished: 1 })
    t.same(await live(), [...hostsOf(0, 4_048), ...small].sort())
    t.match(await walk(), { unfinished: 0 })
    t.same(await live(), [...hostsOf(2_000, 5_000), ...small].sort())
  })
})

t.test('a list of indicators that becomes shorter is read again', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const { otx, walk, live, pages } = await start(t, db)
    otx.onRequest(pageOf(2), () => {
      otx.revise('p1', { indicators: indicators(10, 3_000), modified: '2026-05-02T00:00:00' })
    })
    t.match(await walk(), { unfinished: 0, problems: [] })
    t.same(pages().slice(-3), all)
    t.same(await live(), [...hostsOf(10, 3_000), ...small].sort())
  })
})

t.test('a place behind the end of the indicators leads to their first page', async (t) => {
  const { db } = await openTestStore(t, 'postgresql')
  const { otx, walk, live, pagesDuring } = await start(t, db, { behindLastPage: 'not-found' })
  otx.misbehaveAt(pageOf(3), { kind: 'html-page' })
  await walk()
  otx.revise('p1', { indicators: indicators(0, 1_000), modified: '2026-05-02T00:00:00' })
  t.same(await pagesDuring(walk()), ['p1 3/1024', 'p1 1/1024'])
  t.same(await live(), [...hostsOf(0, 1_000), ...small].sort())
})

t.test('a pulse that is gone when its indicators are asked for is gone', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const { otx, walk, live } = await start(t, db)
    otx.onRequest(pageOf(2), () => otx.remove('p1'))
    t.match(await walk(), { gone: 1, unfinished: 0, problems: [] })
    t.same(await live(), small)
    const { rows } = await sql`select gone from reports where external_id = 'p1'`.execute(db)
    t.same(rows, [{ gone: 'deleted' }])
  })
})

t.test('with false positives asked for, every changed pulse is read in pages', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const { otx, walk, live, pages } = await start(t, db)
    otx.add(
      pulseOf(3, {
        indicators: [
          indicatorOf(10_002, { false_positive: { assessment: 'accepted' } }),
          indicatorOf(10_003),
        ],
      }),
    )
    const settings = { falsePositives: true }
    t.match(await walk(settings), { unfinished: 0, problems: [] })
    t.equal(pages().length, 3 + 3)
    t.same(await live(), [...whole, hostOf(10_003)].sort())
    await walk(settings)
    t.equal(pages().length, 6, 'once')
    const { rows } = await sql`
      select value, rule from suppressions x join assertions a on a.id = x.assertion_id
        join indicators i on i.id = a.indicator_id`.execute(db)
    t.same(rows, [{ value: hostOf(10_002), rule: 'source:false-positive' }])
  })
})

t.test('indicators that cannot be read are recorded, whichever page they stand on', async (t) => {
  const { db } = await openTestStore(t, 'postgresql')
  const { otx, walk, live } = await start(t, db)
  const bad = indicatorOf(7_000, { created: 'soon' })
  const change = { indicators: [...indicators(0, 3_000), bad], modified: '2026-05-20T00:00:00' }
  otx.revise('p1', change)
  await walk()
  t.same(await live(), whole)
  const { rows } = await sql`select place, reason from rejections`.execute(db)
  t.same(rows, [{ place: 'pulse p1, indicator 7000', reason: 'date-unreadable' }])
})

t.test('an indicator that is too large is recorded, and the others are read', async (t) => {
  const { db } = await openTestStore(t, 'postgresql')
  const started = await startOtx(
    t,
    [
      pulseOf(0, {
        indicators: [
          ...indicators(0, 3),
          indicatorOf(3, { content: 'x'.repeat(9_000) }),
          ...indicators(4, 9),
        ],
      }),
    ],
    { indicatorsShown: 1 },
  )
  const { walk, live } = await startWalking(t, db, started.url, { maxBodyBytes: 8_000 })
  t.match(await walk(), { unfinished: 0, problems: [] })
  t.same(await live(), [...hostsOf(0, 3), ...hostsOf(4, 9)].sort())
  const { rows } = await sql`select place, reason from rejections`.execute(db)
  t.same(rows, [{ place: 'pulse p0, indicators[3]', reason: 'too-large' }])
})

t.test(
  'when several pulses in a row fail, OTX is left alone, and those are tried last',
  async (t) => {
    const { db } = await openTestStore(t, 'postgresql')
    const { otx, walk, pagesDuring } = await start(t, db)
    for (const n of [3, 4, 5, 6]) {
      otx.add(pulseOf(n, { indicators: indicators(n * 100, n * 100 + 5) }))
    }
    otx.misbehaveAt(asks.indicators, ...Array(3).fill({ kind: 'html-page' }))
    const first = await pagesDuring(walk().then((done) => t.match(done, { unfinished: 5 })))
    t.equal(first.length, 3)
    const second = await pagesDuring(walk().then((done) => t.match(done, { unfinished: 0 })))
    t.notOk(first.includes(second[0] as string))
  },
)
