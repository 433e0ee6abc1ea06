import t from 'tap'
import { ConfigError } from '../../../src/model/errors.ts'
import { createOtxClient, type OtxClientOptions } from '../../../src/sources/otx/client.ts'
import type { OtxFault } from '../../../src/standins/otx-faults.ts'
import { apiKey, everyId, failureOf, idsOf, start } from './clients.ts'

t.test('a walk yields every page in order and ends with the last', async (t) => {
  const { walk, standin } = await start(t)
  const pages = await walk()
  t.strictSame(
    pages.map(({ results, bytes, ...page }) => [results.length, page]),
    [
      [2, { count: 5, offset: 0, pageSize: 2, nextOffset: 2 }],
      [2, { count: 5, offset: 2, pageSize: 2, nextOffset: 4 }],
      [1, { count: 5, offset: 4, pageSize: 2, nextOffset: undefined }],
    ],
  )
  t.strictSame(idsOf(pages), everyId)
  t.ok(pages.every(({ bytes }) => bytes > 100))
  t.strictSame(standin.requests, [
    '/api/v1/pulses/subscribed?limit=2&page=1',
    '/api/v1/pulses/subscribed?limit=2&page=2',
    '/api/v1/pulses/subscribed?limit=2&page=3',
  ])
})

t.test('a page is asked for only when its caller is ready for it', async (t) => {
  const { client, standin } = await start(t)
  for await (const _ of client.subscribedPages()) break
  t.equal(standin.requests.length, 1)
})

t.test('a walk starts at a given record and a given date', async (t) => {
  const { walk, standin } = await start(t)
  t.strictSame(idsOf(await walk({ offset: 2 })), ['p2', 'p1', 'p0'])
  t.strictSame(idsOf(await walk({ modifiedSince: new Date('2026-05-03T00:00:00Z') })), [
    'p4',
    'p3',
    'p2',
  ])
  t.equal(
    standin.requests.at(-1),
    '/api/v1/pulses/subscribed?limit=2&modified_since=2026-05-03T00%3A00%3A00.000&page=2',
  )
})

t.test('the address may name the site or the API, with or without a slash', async (t) => {
  const { url, walk } = await start(t)
  t.strictSame(idsOf(await walk()), everyId)
  for (const spelling of [`${url}/`, `${url}/api/v1`, `${url}/api/v1/`]) {
    const other = createOtxClient({ url: spelling, apiKey })
    t.teardown(() => other.close())
    for await (const page of other.subscribedPages()) t.strictSame(idsOf([page]), everyId)
  }
})

t.test('settings that cannot work are refused with the variable to change', async (t) => {
  const refused = (change: Partial<OtxClientOptions>) => () =>
    createOtxClient({ url: 'https://otx.test', apiKey, ...change })
  t.throws(refused({ url: 'otx.alienvault.com' }), ConfigError)
  t.throws(refused({ url: 'ftp://otx.test' }), { message: /TAXIWAY_OTX_URL/ })
  t.throws(refused({ url: 'https://me:secret@otx.test' }), { message: /^((?!secret).)*$/ })
  t.throws(refused({ apiKey: 'two\nlines' }), { message: /^TAXIWAY_OTX_API_KEY ((?!lines).)*$/ })
})

t.test('each passing fault is mended by asking again', async (t) => {
  const faults: [fault: OtxFault, code: string][] = [
    [{ kind: 'html-page' }, 'OTX_NOT_JSON'],
    [{ kind: 'truncated-json' }, 'OTX_NOT_JSON'],
    [{ kind: 'too-many-requests' }, 'OTX_BUSY'],
    [{ kind: 'foreign-next', origin: 'http://elsewhere.test' }, 'OTX_FOREIGN_NEXT'],
    [{ kind: 'repeated-page' }, 'OTX_REPEATED_PAGE'],
    [{ kind: 'connection-reset' }, 'OTX_UNREACHABLE'],
  ]
  for (const [fault, code] of faults) {
    const { walk, standin, retries } = await start(t)
    standin.misbehave({ kind: 'none' }, fault)
    t.strictSame(idsOf(await walk()), everyId, fault.kind)
    t.strictSame(
      retries.map(({ attempt, error }) => [attempt, error.code]),
      [[1, code]],
    )
    t.equal(standin.requests.length, 4)
  }
})

t.test('slow bytes are waited for, silence is not', async (t) => {
  const { walk, standin, retries } = await start(t, { timeoutMs: 300 })
  standin.misbehave({ kind: 'slow', pieceBytes: 200, pauseMs: 1 })
  t.strictSame(idsOf(await walk()), everyId)
  t.strictSame(retries, [])
  standin.misbehave({ kind: 'stalled', from: 'headers' }, { kind: 'stalled', from: 'body' })
  t.strictSame(idsOf(await walk()), everyId)
  t.strictSame(
    retries.map(({ error }) => error.code),
    ['OTX_TIMEOUT', 'OTX_TIMEOUT'],
  )
})

t.test('an answer that never ends is given up as a whole', async (t) => {
  const { walk, standin } = await start(t, { timeoutMs: 40, retries: 0 })
  standin.misbehave({ kind: 'slow', pieceBytes: 1, pauseMs: 10 })
  t.match(await failureOf(walk()), { code: 'OTX_TIMEOUT', retryable: true })
})

t.test('delays double up to a minute, and half of each is chance', async (t) => {
  const slow = await start(t, { retries: 8 })
  const fault: OtxFault = { kind: 'html-error', status: 503 }
  slow.standin.misbehave(...Array.from({ length: 8 }, () => fault))
  await slow.walk()
  t.strictSame(slow.waits, [500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000])
  const late = await start(t, { random: () => 0.5 })
  late.standin.misbehave(fault, fault)
  await late.walk()
  t.strictSame(late.waits, [750, 1500])
})

const busy = (retryAfter?: string): OtxFault => ({
  kind: 'too-many-requests',
  ...(retryAfter !== undefined && { retryAfter }),
})

t.test('Retry-After is honoured as seconds and as a date, up to five minutes', async (t) => {
  const asked: [retryAfter: string | undefined, waitMs: number][] = [
    ['7', 7_000],
    ['Mon, 01 Jun 2026 00:00:30 GMT', 30_000],
    ['Monday, 01-Jun-26 00:00:20 GMT', 20_000],
    ['Mon Jun  1 00:00:10 2026', 10_000],
    ['300', 300_000],
    // What is neither, or has passed, is as good as none.
    [undefined, 500],
    ['soon', 500],
    ['0', 500],
    ['-5', 500],
    ['-99999999999', 500],
    ['1e3', 500],
    ['7, 9', 500],
    ['2026-06-01T00:00:30Z', 500],
    ['1.1.2099', 500],
    ['1 Jun 2026 00:00:30 GMT', 500],
    ['Mon, 01 Jun 2020 00:00:30 GMT', 500],
    ['Mon, 99 Jun 2026 99:00:30 GMT', 500],
  ]
  const { walk, standin, waits } = await start(t)
  for (const [retryAfter, waitMs] of asked) {
    waits.length = 0
    standin.misbehave(busy(retryAfter))
    await walk()
    t.strictSame(waits, [waitMs], String(retryAfter))
  }
})

t.test('a longer Retry-After ends the walk at once and says when to come back', async (t) => {
  const asked: [retryAfter: string, retryAfterMs: number][] = [
    ['301', 301_000],
    ['Mon, 01 Jun 2026 01:00:00 GMT', 3_600_000],
    ['999999999999999999999999', 86_400_000],
    ['Fri, 31 Dec 9999 23:59:59 GMT', 86_400_000],
  ]
  const { walk, standin, waits } = await start(t)
  for (const [retryAfter, retryAfterMs] of asked) {
    standin.misbehave(busy(retryAfter))
    t.match(await failureOf(walk()), { code: 'OTX_BUSY', retryable: true, retryAfterMs })
  }
  t.strictSame(waits, [])
})

t.test('the last fault is thrown when no retry is left', async (t) => {
  const { walk, standin, waits } = await start(t)
  standin.misbehave(
    { kind: 'html-page' },
    { kind: 'html-page' },
    { kind: 'html-page' },
    { kind: 'html-error', status: 504 },
  )
  t.match(await failureOf(walk()), {
    code: 'OTX_UNAVAILABLE',
    message: 'OTX answered HTTP 504',
    retryable: true,
  })
  t.equal(waits.length, 3)
})

t.test('an abort ends a request under way and a wait', async (t) => {
  const { walk, standin, client } = await start(t)
  standin.misbehave({ kind: 'stalled', from: 'headers' })
  const controller = new AbortController()
  const walking = walk({ signal: controller.signal })
  standin.app.server.once('request', () => controller.abort(new Error('stopping')))
  await t.rejects(walking, { message: 'stopping' })
  await t.rejects(client.subscribedPages({ signal: controller.signal }).next(), {
    message: 'stopping',
  })

  const stopping = new AbortController()
  const patient = await start(t, {
    onRetry: () => stopping.abort(new Error('stopping too')),
    clock: { now: Date.now, sleep: async (_, signal) => signal.throwIfAborted() },
  })
  patient.standin.misbehave({ kind: 'html-page' })
  await t.rejects(patient.walk({ signal: stopping.signal }), { message: 'stopping too' })
})

t.test('a closed port is an error that may pass', async (t) => {
  const { standin, walk } = await start(t, { retries: 1 })
  await standin.app.close()
  const error = await failureOf(walk())
  t.match(error, { code: 'OTX_UNREACHABLE', message: /ECONNREFUSED/, retryable: true })
})
