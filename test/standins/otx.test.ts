import t, { type Test } from 'tap'
import {
  beyondDepth,
  buildOtxStandin,
  largePagesFrom,
  type OtxStandinOptions,
  type StandinPulse,
} from '../../src/standins/otx.ts'
import type { OtxFault } from '../../src/standins/otx-faults.ts'

const apiKey = 'right'

const pulses: StandinPulse[] = [
  { id: 'a', author_name: 'Ann', modified: '2026-05-01T00:00:00', revision: 1 },
  { id: 'b', author_name: 'Bob', modified: '2026-05-03T00:00:00.123456', revision: 2 },
  {
    id: 'c',
    author_name: 'Ann',
    modified: '2026-05-02T00:00:00.5',
    indicators: [
      { id: 1, indicator: 'a.taxiway-demo.com', is_active: 1 },
      { id: 2, indicator: 'b.taxiway-demo.com', is_active: 0 },
    ],
  },
]

/** A stand-in that listens; `get` asks it over HTTP. */
async function start(t: Test, settings: Partial<OtxStandinOptions> = {}) {
  const log: string[] = []
  const standin = buildOtxStandin({
    pulses,
    apiKey,
    now: () => new Date('2026-06-01T12:00:00.250Z'),
    log: (line) => log.push(line),
    ...settings,
  })
  const url = await standin.app.listen({ port: 0, host: '127.0.0.1' })
  t.teardown(() => standin.app.close())
  const get = (path: string, key = apiKey) =>
    fetch(`${url}/api/v1${path}`, { headers: { 'x-otx-api-key': key } })
  const page = async (path: string) =>
    (await (await get(path)).json()) as {
      results: StandinPulse[]
      count: number
      next: string | null
      previous: string | null
    }
  return { standin, url, get, page, log }
}

const idsOf = ({ results }: { results: StandinPulse[] }) => results.map(({ id }) => id)

t.test('without the right key every path is refused', async (t) => {
  const { get, log } = await start(t)
  for (const path of ['/pulses/subscribed', '/users/me', '/pulses/a', '/nowhere']) {
    const response = await get(path, 'wrong')
    t.equal(response.status, 403)
    t.strictSame(await response.json(), { detail: 'Invalid API key' })
  }
  t.equal(log[0], 'GET /api/v1/pulses/subscribed')
  t.equal((await get('/users/me')).status, 200)
  t.equal((await get('/nowhere')).status, 404)
})

t.test('subscribed pulses come newest first in pages with absolute addresses', async (t) => {
  const { page, url } = await start(t)
  const first = await page('/pulses/subscribed?limit=2')
  t.strictSame(first, {
    results: [pulses[1], pulses[2]],
    count: 3,
    prefetch_pulse_ids: false,
    t: 0,
    t2: 0.01,
    t3: 0.02,
    previous: null,
    next: `${url}/api/v1/pulses/subscribed?limit=2&page=2`,
  })
  const second = await page('/pulses/subscribed?limit=2&page=2')
  t.strictSame(idsOf(second), ['a'])
  t.equal(second.next, null)
  t.equal(second.previous, `${url}/api/v1/pulses/subscribed?limit=2&page=1`)
})

t.test('pulses are chosen by date and by author', async (t) => {
  const { page } = await start(t)
  t.strictSame(idsOf(await page('/pulses/subscribed?modified_since=2026-05-02T00:00:00.5')), [
    'b',
    'c',
  ])
  t.strictSame(idsOf(await page('/pulses/subscribed?author_name=Ann')), ['c', 'a'])
})

t.test('a revised pulse moves to the front under a new revision', async (t) => {
  const { standin, page } = await start(t)
  standin.revise('a', { description: 'new' })
  const { results } = await page('/pulses/subscribed?limit=1')
  t.strictSame(results, [
    {
      id: 'a',
      author_name: 'Ann',
      modified: '2026-06-01T12:00:00.250000',
      revision: 2,
      description: 'new',
    },
  ])
  t.throws(() => standin.revise('z', {}), { message: 'the stand-in has no pulse z' })
})

t.test('added and removed pulses show in every list', async (t) => {
  const { standin, page, get } = await start(t)
  standin.add({ id: 'd', modified: '2026-05-04T00:00:00' })
  standin.remove('b')
  standin.remove('unknown')
  const list = (await page('/pulses/subscribed_pulse_ids')) as unknown as { results: string[] }
  t.strictSame(list.results, ['d', 'c', 'a'])
  t.equal((await get('/pulses/b')).status, 404)
  t.strictSame((await page('/pulses/events?since=2026-06-01T12:00:00')).results, [
    {
      id: 1,
      action: 'delete',
      object_type: 'pulse',
      object_id: 'b',
      created: '2026-06-01T12:00:00.250000',
    },
  ])
  t.strictSame((await page('/pulses/events?since=2026-06-01T12:00:01')).results, [])
})

t.test('a single pulse and its indicators can be asked for', async (t) => {
  const { page, get } = await start(t)
  t.strictSame(await (await get('/pulses/c')).json(), pulses[2])
  t.strictSame(idsOf(await page('/pulses/c/indicators')), [1])
  t.strictSame(idsOf(await page('/pulses/c/indicators?include_inactive=1')), [1, 2])
  t.match((await page('/pulses/c/indicators')).results[0], { false_positive: { assessment: '' } })
  t.equal((await get('/pulses/z/indicators')).status, 404)
})

t.test('numbers are served as the seeds spell them', async (t) => {
  const { get, standin } = await start(t)
  const { parseKeepingNumbers } = await import('../../src/standins/raw-json.ts')
  const text = '{"id":"n","revision":2.0,"huge":18446744073709551617,"__proto__":{"x":1}}'
  standin.add(parseKeepingNumbers(text) as StandinPulse)
  t.equal(await (await get('/pulses/n')).text(), text)
})

t.test('each fault is played once, then all is well again', async (t) => {
  const { standin, get, url } = await start(t)
  const play = async (fault: OtxFault) => {
    standin.misbehave(fault)
    return get('/pulses/subscribed?limit=2')
  }
  const gateway = await play({ kind: 'html-error', status: 504 })
  t.equal(gateway.status, 504)
  t.match(await gateway.text(), /^<html>/)
  const html = await play({ kind: 'html-page' })
  t.equal(html.status, 200)
  t.equal(html.headers.get('content-type'), 'text/html')
  const busy = await play({ kind: 'too-many-requests', retryAfter: '9' })
  t.equal(busy.status, 429)
  t.equal(busy.headers.get('retry-after'), '9')
  const busyToo = await play({ kind: 'too-many-requests' })
  t.equal(busyToo.headers.get('retry-after'), null)
  await t.rejects((await play({ kind: 'truncated-json' })).json(), SyntaxError)
  t.match(await (await play({ kind: 'foreign-next', origin: 'http://other.test' })).json(), {
    next: 'http://other.test/api/v1/pulses/subscribed?limit=2&page=1',
  })
  t.match(await (await play({ kind: 'repeated-page' })).json(), {
    next: `${url}/api/v1/pulses/subscribed?limit=2&page=1`,
  })
  t.match(await (await play({ kind: 'slow', pieceBytes: 50, pauseMs: 1 })).json(), { count: 3 })
  await t.rejects(play({ kind: 'connection-reset' }))
  t.match(await (await get('/pulses/subscribed')).json(), { count: 3, next: null })
})

t.test('more faults of answers and of pages', async (t) => {
  const { standin, get, url } = await start(t)
  const play = async (fault: OtxFault, path = '/pulses/subscribed?limit=2') => {
    standin.misbehave(fault)
    return get(path)
  }
  const later = await play({ kind: 'html-error', status: 503, retryAfter: '3' })
  t.strictSame([later.status, later.headers.get('retry-after')], [503, '3'])
  const refused = await play({ kind: 'refusal', status: 400, detail: 'no' })
  t.strictSame([refused.status, await refused.json()], [400, { detail: 'no' }])
  t.equal((await play({ kind: 'redirect', location: '/api/v1/users/me' })).redirected, true)
  t.equal(await (await play({ kind: 'empty-body' })).text(), '')
  t.strictSame(await (await play({ kind: 'other-json', json: [1] })).json(), [1])
  t.match(await (await play({ kind: 'next', next: 7 })).json(), { next: 7, count: 3 })
  t.match(await (await play({ kind: 'wrong-count', count: 99 })).json(), { count: 99 })
  const { results, next } = (await (await play({ kind: 'empty-page' })).json()) as {
    results: unknown[]
    next: string
  }
  t.strictSame(results, [])
  t.equal(next, `${url}/api/v1/pulses/subscribed?limit=2&page=2`)
  const again = await play({ kind: 'endless' }, '/pulses/subscribed?limit=2&page=8&again=1')
  t.match(await again.json(), {
    next: `${url}/api/v1/pulses/subscribed?limit=2&page=9&again=2`,
  })
  const half = await play({ kind: 'connection-reset', from: 'body' })
  t.equal(half.status, 200)
  await t.rejects(half.text())
  await t.rejects((await play({ kind: 'damaged-gzip' })).json())
  const bomb = await play({ kind: 'gzip-bomb', inflatedBytes: 100_000 })
  t.ok(Number(bomb.headers.get('content-length')) < 2_000)
  t.equal((await bomb.text()).length, 100_000)
  const odd = await play({ kind: 'encoding', name: 'x-odd' })
  t.equal(odd.headers.get('content-encoding'), 'x-odd')
  t.equal((await play({ kind: 'html-error', status: 502 }, '/pulses/gone')).status, 502)
  t.equal((await get('/pulses/gone')).status, 404)
})

t.test('faults are chosen by path and by condition, until all is to be well again', async (t) => {
  const { standin, get } = await start(t)
  const status = async (path: string) => (await get(path)).status
  standin.misbehaveAt('users/me', { kind: 'html-error', status: 502 })
  standin.misbehaveAt(({ query }) => query.page === '2', { kind: 'html-error', status: 503 })
  t.equal(await status('/pulses/subscribed'), 200)
  t.equal(await status('/pulses/subscribed?page=2'), 503)
  t.equal(await status('/pulses/subscribed?page=2'), 200)
  t.equal(await status('/users/me'), 502)
  t.equal(await status('/users/me'), 200)

  standin.misbehaveWhile(beyondDepth(2), { kind: 'html-error', status: 504 })
  t.equal(await status('/pulses/subscribed?limit=2'), 200)
  for (const _ of [1, 2]) t.equal(await status('/pulses/subscribed?limit=2&page=2'), 504)
  t.equal(await status('/pulses/subscribed?limit=1&page=2'), 200)
  t.equal(await status('/pulses/events?limit=2&page=2'), 200)
  standin.behave()
  t.equal(await status('/pulses/subscribed?limit=2&page=2'), 200)

  standin.misbehaveWhile(largePagesFrom(2, 1), { kind: 'html-error', status: 504 })
  t.equal(await status('/pulses/subscribed?limit=2'), 200)
  t.equal(await status('/pulses/subscribed?limit=2&page=2'), 504)
  t.equal(await status('/pulses/subscribed?limit=1&page=3'), 200)
})

t.test('something happens between two requests', async (t) => {
  const { standin, page } = await start(t)
  standin.onRequest(2, () => standin.remove('b'))
  standin.onRequest(
    ({ path, offset }) => path === 'pulses/subscribed' && offset === 2,
    async () => standin.add({ id: 'd', modified: '2026-05-09T00:00:00' }),
  )
  t.strictSame(idsOf(await page('/pulses/subscribed?limit=2')), ['b', 'c'])
  t.strictSame(idsOf(await page('/pulses/subscribed?limit=2')), ['c', 'a'])
  t.strictSame(idsOf(await page('/pulses/subscribed?limit=2&page=2')), ['a'])
  t.strictSame(idsOf(await page('/pulses/subscribed?limit=2&page=2')), ['a'])
})

t.test('subscriptions change the lists, and events tell of each change', async (t) => {
  const { standin, page, get } = await start(t, { username: 'harbour' })
  const listed = async () =>
    ((await page('/pulses/subscribed_pulse_ids')) as unknown as { results: string[] }).results
  standin.unsubscribe('b')
  t.strictSame(await listed(), ['c', 'a'])
  t.equal((await get('/pulses/b')).status, 200)
  standin.unsubscribeAuthor('Ann')
  t.strictSame(await listed(), [])
  standin.subscribe('b')
  standin.subscribe({ id: 'd', modified: '2026-05-09T00:00:00' })
  t.strictSame(await listed(), ['d', 'b'])
  standin.subscribeAuthor('Ann', { id: 'e', author_name: 'Ann', modified: '2026-05-08T00:00:00' })
  t.strictSame(await listed(), ['d', 'e', 'b', 'c', 'a'])
  const { results } = await page('/pulses/events?limit=20')
  t.strictSame(
    results.map((event) => [event.action, event.object_type, event.object_id]),
    [
      ['unsubscribe', 'pulse', 'b'],
      ['unsubscribe', 'user', 'Ann'],
      ['subscribe', 'pulse', 'b'],
      ['subscribe', 'pulse', 'd'],
      ['subscribe', 'user', 'Ann'],
    ],
  )
  t.match(await (await get('/users/me')).json(), { username: 'harbour' })
  t.throws(() => standin.unsubscribe('z'), { message: 'the stand-in has no pulse z' })
})

t.test('a pulse is listed with some of its indicators, and all are had by pages', async (t) => {
  const many = Array.from({ length: 100_000 }, (_, n) => ({ id: n, indicator: `i${n}` }))
  const refuted = { assessment: 'accepted' }
  const { standin, page, get } = await start(t, {
    indicatorsShown: 3,
    pulses: [
      ...pulses,
      { id: 'm', modified: '2026-05-09T00:00:00', indicators: many },
      {
        id: 'f',
        modified: '2026-05-08T00:00:00',
        indicators: [{ id: 1, false_positive: refuted }],
      },
    ],
  })
  const { results } = await page('/pulses/subscribed')
  t.match(results[0], { id: 'm', more_indicators: true, indicators: many.slice(0, 3) })
  // OTX's verdict stands beside the single indicators alone.
  t.strictSame(results[1]?.indicators, [{ id: 1 }])
  t.match((await page('/pulses/f/indicators')).results, [{ id: 1, false_positive: refuted }])
  t.strictSame(results.slice(2), [pulses[1], pulses[2], pulses[0]])
  t.match(await (await get('/pulses/m')).json(), { more_indicators: true })
  const last = await page('/pulses/m/indicators?limit=1000&page=100&include_inactive=1')
  t.equal(last.count, 100_000)
  t.equal(last.next, null)
  t.equal(last.results.length, 1000)
  t.match(last.results.at(-1), { id: 99_999, false_positive: { assessment: '' } })
  standin.shorten('c', 1)
  t.match(await (await get('/pulses/c')).json(), { more_indicators: true, indicators: [{ id: 1 }] })
})

t.test('pages may be smaller than asked for, end in 404 and come compressed', async (t) => {
  const { page, get } = await start(t, { maxLimit: 2, behindLastPage: 'not-found', gzip: true })
  t.strictSame(idsOf(await page('/pulses/subscribed?limit=50')), ['b', 'c'])
  t.strictSame(idsOf(await page('/pulses/subscribed?limit=50&page=2')), ['a'])
  const behind = await get('/pulses/subscribed?limit=50&page=3')
  t.equal(behind.status, 404)
  t.strictSame(await behind.json(), { detail: 'Invalid page.' })
  t.equal((await get('/pulses/subscribed')).headers.get('content-encoding'), 'gzip')
})
