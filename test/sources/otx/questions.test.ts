import fc from 'fast-check'
import t from 'tap'
import { UpstreamError } from '../../../src/model/errors.ts'
import { allOf, failureOf, idsOf, start, startMadeUp } from './clients.ts'
import { anIndicator, aPulse } from './pulses.ts'

const moment = (minute: number) => `2026-05-01T00:${String(minute).padStart(2, '0')}:00`

t.test('the key tells whose it is', async (t) => {
  const { client, standin } = await start(t, {}, { username: 'Harbour\tWatch ' })
  standin.misbehave({ kind: 'html-page' }, { kind: 'other-json', json: { username: 7 } })
  t.strictSame(await client.me(), { username: 'Harbour Watch' })
  for (const json of [null, [], {}, { username: '' }, { username: ' \u0007' }]) {
    const { client } = await startMadeUp(t, () => json)
    t.match(await failureOf(client.me()), {
      code: 'OTX_NOT_A_PAGE',
      message: 'OTX answered JSON that is no user with a name',
      retryable: true,
    })
  }
})

t.test('a single pulse is found as it came, or not at all', async (t) => {
  const { client, standin } = await start(t)
  t.match(await client.findPulse('p3'), aPulse({ id: 'p3', modified: '2026-05-04T00:00:00' }))
  t.equal(await client.findPulse('nobody'), undefined)
  standin.misbehave({ kind: 'html-error', status: 502 }, { kind: 'truncated-json' })
  t.match(await client.findPulse('p3'), { id: 'p3' })
  // An overloaded OTX must not look like one that has no such pulse.
  standin.misbehaveWhile(() => true, { kind: 'html-error', status: 503 })
  t.match(await failureOf(client.findPulse('nobody')), { code: 'OTX_UNAVAILABLE' })
})

t.test('another pulse than was asked for is not taken for it', async (t) => {
  const { client, standin, retries } = await start(t)
  standin.misbehave({ kind: 'other-json', json: aPulse({ id: 'p2' }) })
  t.match(await client.findPulse('p3'), { id: 'p3' })
  t.match(retries, [{ error: { code: 'OTX_NOT_A_PAGE' } }])
  standin.misbehave({ kind: 'other-json', json: { ...aPulse({ id: null }), _id: 'p3' } })
  t.match(await client.findPulse('p3'), { _id: 'p3' })
})

t.test('whatever a pulse calls itself, its id leads to no other address', async (t) => {
  const { client, standin } = await start(t)
  for (const id of ['../users/me', 'p1/indicators', 'p1?x', 'p1#', 'a b', '%2e%2e', 'ä']) {
    t.equal(await client.findPulse(id), undefined)
    t.equal(standin.requests.at(-1), `/api/v1/pulses/${encodeURIComponent(id)}`)
  }
  const asked = standin.requests.length
  for (const id of ['.', '..', '']) {
    t.equal(await client.findPulse(id), undefined)
    t.match(await failureOf(allOf(client.indicatorPages(id))), { code: 'OTX_NOT_FOUND' })
  }
  t.equal(standin.requests.length, asked)
})

t.test('all indicators of a pulse are walked, also those switched off', async (t) => {
  const indicators = Array.from({ length: 2_500 }, (_, n) =>
    anIndicator({ id: n, is_active: n % 2 }),
  )
  const { client, standin } = await start(
    t,
    {},
    { pulses: [aPulse({ id: 'big', indicators })], indicatorsShown: 10 },
  )
  standin.misbehave({ kind: 'none' }, { kind: 'html-error', status: 504 })
  const pages = await allOf(client.indicatorPages('big'))
  t.strictSame(
    idsOf(pages),
    indicators.map(({ id }) => String(id)),
  )
  t.strictSame(
    pages.map(({ count, offset, pageSize }) => [count, offset, pageSize]),
    [
      [2_500, 0, 1024],
      [2_500, 1024, 512],
      [2_500, 1536, 512],
      [2_500, 2048, 512],
    ],
  )
  t.match(pages[0]?.results[0], { false_positive: { assessment: '' } })
  t.equal(standin.requests[0], '/api/v1/pulses/big/indicators?include_inactive=1&limit=1024&page=1')
  const rest = await allOf(client.indicatorPages('big', { offset: 1536, pageSize: 512 }))
  t.strictSame(
    idsOf(rest),
    indicators.slice(1536).map(({ id }) => String(id)),
  )
})

t.test('a pulse that is gone is told from a page that is', async (t) => {
  const indicators = Array.from({ length: 6 }, (_, n) => anIndicator({ id: n }))
  const { client, standin } = await start(
    t,
    {},
    { pulses: [aPulse({ id: 'big', indicators })], behindLastPage: 'not-found' },
  )
  t.match(await failureOf(allOf(client.indicatorPages('gone'))), {
    code: 'OTX_NOT_FOUND',
    message: 'OTX answered HTTP 404: Not found.',
    retryable: false,
  })
  t.match(await failureOf(allOf(client.indicatorPages('big', { offset: 8 }))), {
    code: 'OTX_NO_SUCH_PAGE',
    retryable: false,
  })
  standin.onRequest(standin.requests.length + 2, () => standin.remove('big'))
  const walking = allOf(client.indicatorPages('big', { pageSize: 2 }))
  t.match(await failureOf(walking), { code: 'OTX_NOT_FOUND' })
})

t.test('an author is walked alone', async (t) => {
  const pulses = ['Ann', 'Bob & Sons', 'Ann'].map((author, n) =>
    aPulse({ id: `p${n}`, author_name: author, modified: moment(n) }),
  )
  const { walk } = await start(t, {}, { pulses })
  t.strictSame(idsOf(await walk({ author: 'Bob & Sons' })), ['p1'])
  t.strictSame(idsOf(await walk({ author: 'Ann' })), ['p2', 'p0'])
})

t.test('an abort ends every question', async (t) => {
  const { client, standin } = await start(t)
  const signal = AbortSignal.abort(new Error('stopping'))
  const questions: (() => Promise<unknown>)[] = [
    () => client.me(signal),
    () => client.findPulse('p1', signal),
    () => client.events(new Date(0), signal),
    () => client.subscribedPulseIds(signal),
    () => allOf(client.indicatorPages('p1', { signal })),
  ]
  for (const ask of questions) await t.rejects(ask(), { message: 'stopping' })
  t.strictSame(standin.requests, [])
})

t.test(
  'whatever JSON an upstream makes up, each question ends in an answer or an UpstreamError',
  async (t) => {
    const any = fc.jsonValue({ maxDepth: 3 })
    const nexts = fc.oneof(
      fc.constantFrom(null, '', '?page=2', '?page=3&limit=1', '/elsewhere', 7, 'http://['),
      fc.string(),
    )
    const page = fc.record(
      {
        results: fc.oneof(fc.array(any, { maxLength: 5 }), any),
        count: fc.oneof(fc.integer({ min: -2, max: 9 }), any),
        next: nexts,
      },
      { requiredKeys: [] },
    )
    let answers: readonly unknown[] = []
    let asked = 0
    const { client, walk } = await startMadeUp(t, () => JSON.stringify(answers[asked++] ?? null), {
      retries: 1,
    })
    const questions: (() => Promise<unknown>)[] = [
      () => walk(),
      () => allOf(client.indicatorPages('p1', { offset: 3, pageSize: 4 })),
      () => client.subscribedPulseIds(),
      () => client.events(new Date(0)),
      () => client.findPulse('p1'),
      () => client.me(),
    ]
    const property = fc.asyncProperty(
      fc.array(fc.oneof(page, page, any), { maxLength: 6 }),
      fc.constantFrom(...questions),
      async (made, ask) => {
        answers = made
        asked = 0
        const error = await ask().then(
          () => undefined,
          (error) => error,
        )
        return error === undefined || error instanceof UpstreamError
      },
    )
    await fc.assert(property, { numRuns: 300 })
    t.pass()
  },
)
