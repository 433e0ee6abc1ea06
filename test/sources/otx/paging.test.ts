import t from 'tap'
import { beyondDepth, largePagesFrom } from '../../../src/standins/otx.ts'
import {
  failureOf,
  gatewayError,
  idsOf,
  type ListRequest,
  limitsOf,
  manyPulses,
  names,
  start,
  startMadeUp,
} from './clients.ts'

t.test('an answer beyond the limit is given up without keeping it', async (t) => {
  const { walk, standin } = await start(t, { maxBodyBytes: 500 })
  t.match(await failureOf(walk()), {
    code: 'OTX_BODY_TOO_LARGE',
    message: 'record 1 of the list: an answer of OTX is longer than 500 bytes',
    retryable: false,
    offset: 0,
  })
  t.equal(standin.requests.length, 2)
})

t.test(
  'a gateway error halves the page and keeps the place, for the rest of the walk',
  async (t) => {
    const { walk, standin, waits } = await start(t, { pageSize: 8 }, { pulses: manyPulses(20) })
    standin.misbehave({ kind: 'none' }, gatewayError, { kind: 'html-error', status: 502 })
    const pages = await walk()
    t.strictSame(idsOf(pages), names(0, 20))
    t.strictSame(limitsOf(standin.requests), [
      [8, 1],
      [8, 2],
      [4, 3],
      [2, 5],
      [2, 6],
      [2, 7],
      [2, 8],
      [2, 9],
      [2, 10],
    ])
    t.strictSame(
      pages.map(({ offset, pageSize, nextOffset }) => [offset, pageSize, nextOffset]),
      [
        [0, 8, 8],
        [8, 2, 10],
        [10, 2, 12],
        [12, 2, 14],
        [14, 2, 16],
        [16, 2, 18],
        [18, 2, undefined],
      ],
    )
    t.strictSame(waits, [500, 1000])
  },
)

t.test('silence halves the page too; other faults do not', async (t) => {
  const { walk, standin } = await start(
    t,
    { pageSize: 4, timeoutMs: 300 },
    { pulses: manyPulses(6) },
  )
  standin.misbehave(
    { kind: 'html-page' },
    { kind: 'too-many-requests' },
    { kind: 'connection-reset', from: 'body' },
    { kind: 'none' },
    { kind: 'stalled', from: 'body' },
  )
  t.strictSame(idsOf(await walk()), names(0, 6))
  t.strictSame(limitsOf(standin.requests), [
    [4, 1],
    [4, 1],
    [4, 1],
    [4, 1],
    [4, 2],
    [2, 3],
  ])
})

t.test('a list of which OTX gives large pages near its head only is walked whole', async (t) => {
  const { walk, client, standin } = await start(
    t,
    { pageSize: 32, retries: 2 },
    { pulses: manyPulses(150) },
  )
  standin.misbehaveWhile(largePagesFrom(64, 1), gatewayError)
  t.strictSame(idsOf(await walk()), names(0, 150))
  // 504 while limit × page is above 70: beyond that, nothing helps, and what was had is kept.
  standin.behave()
  standin.misbehaveWhile(beyondDepth(70), gatewayError)
  const walked: string[] = []
  const walking = async () => {
    for await (const page of client.subscribedPages()) walked.push(...idsOf([page]))
  }
  t.match(await failureOf(walking()), { code: 'OTX_UNAVAILABLE' })
  t.strictSame(walked, names(0, 70))
})

t.test('with no retries a gateway error is an error at once', async (t) => {
  const { walk, standin } = await start(t, { retries: 0 })
  standin.misbehave(gatewayError)
  t.match(await failureOf(walk()), { code: 'OTX_UNAVAILABLE', retryable: true })
  t.equal(standin.requests.length, 1)
})

t.test('an upstream that asks for a long rest is not asked for less', async (t) => {
  const { walk, standin } = await start(t)
  standin.misbehave({ kind: 'html-error', status: 503, retryAfter: '3600' })
  t.match(await failureOf(walk()), { code: 'OTX_UNAVAILABLE', retryAfterMs: 3_600_000 })
  t.equal(standin.requests.length, 1)
})

t.test('a record that is too large is asked for alone, and named where it stays so', async (t) => {
  const pulses = manyPulses(20).map((pulse, n) =>
    n === 5 ? { ...pulse, description: 'x'.repeat(3_000) } : pulse,
  )
  const large = await start(t, { pageSize: 8, maxBodyBytes: 4_000 }, { pulses })
  t.strictSame(idsOf(await large.walk()), names(0, 20))
  t.strictSame(large.waits, [])
  // Behind it pages grow again, as their places permit.
  t.strictSame(limitsOf(large.standin.requests).slice(-2), [
    [8, 2],
    [8, 3],
  ])

  const tooLarge = await start(t, { pageSize: 8, maxBodyBytes: 2_500 }, { pulses })
  const walked: string[] = []
  const walking = async () => {
    for await (const page of tooLarge.client.subscribedPages()) walked.push(...idsOf([page]))
  }
  const error = await failureOf(walking())
  t.match(error, { code: 'OTX_BODY_TOO_LARGE', retryable: false, offset: 5 })
  t.strictSame(walked, names(0, 5))
  t.strictSame(idsOf(await tooLarge.walk({ offset: 6 })), names(6, 20))
})

t.test('a page of several records may have a quarter of what one may have', async (t) => {
  const settings = { pulses: manyPulses(8) }
  const [page] = await (await start(t, { pageSize: 8 }, settings)).walk()
  const bytes = Number(page?.bytes)
  const fits = await start(t, { pageSize: 8, maxBodyBytes: 4 * bytes }, settings)
  t.equal((await fits.walk()).length, 1)
  const halved = await start(t, { pageSize: 8, maxBodyBytes: 4 * bytes - 4 }, settings)
  t.strictSame(
    (await halved.walk()).map(({ pageSize }) => pageSize),
    [4, 4],
  )
})

t.test('a list of which OTX gives fewer than asked for is walked by its own pages', async (t) => {
  for (const [maxLimit, pageSize] of [
    [3, 8],
    [5, 8],
    [1, 4],
    [7, 64],
  ] as const) {
    const { walk, standin } = await start(t, { pageSize }, { pulses: manyPulses(30), maxLimit })
    // Offsets that trusted the size asked for would now lead past records.
    standin.misbehave({ kind: 'none' }, { kind: 'none' }, { kind: 'none' }, gatewayError)
    const pages = await walk()
    t.strictSame(idsOf(pages), names(0, 30), `${maxLimit} of ${pageSize}`)
    for (const { offset, results } of pages) {
      t.equal(`r${offset}`, (results[0] as { id: string }).id)
    }
  }
})

t.test('pages that leave out records here and there are taken as they are', async (t) => {
  const left = names(0, 32).filter((id) => !['r3', 'r13', 'r20'].includes(id))
  const listing = ({ offset, limit, next }: ListRequest) => ({
    results: names(offset, Math.min(32, offset + limit))
      .filter((id) => left.includes(id))
      .map((id) => ({ id })),
    next: offset + limit < 32 ? next.href : null,
    count: 32,
  })
  const { walk } = await startMadeUp(t, listing, { pageSize: 8 })
  t.strictSame(idsOf(await walk()), left)
  const { walk: uncounted } = await startMadeUp(
    t,
    (request) => ({ ...listing(request), count: null }),
    { pageSize: 8 },
  )
  t.strictSame(idsOf(await uncounted()), left)
})
