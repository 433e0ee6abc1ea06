import t, { type Test } from 'tap'
import { buildOtxStandin, type StandinPulse } from '../../src/standins/otx.ts'
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
async function start(t: Test) {
  const log: string[] = []
  const standin = buildOtxStandin({
    pulses,
    apiKey,
    now: () => new Date('2026-06-01T12:00:00.250Z'),
    log: (line) => log.push(line),
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
