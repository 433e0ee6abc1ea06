import fc from 'fast-check'
import t from 'tap'
import { UpstreamError } from '../../../src/model/errors.ts'
import type { OtxFault } from '../../../src/standins/otx-faults.ts'
import { allOf, failureOf, idsOf, start, startMadeUp } from './clients.ts'
import { anIndicator, aPulse } from './pulses.ts'

const moment = (minute: number) => `2026-05-01T00:${String(minute).padStart(2, '0')}:00`

t.test('the ids of all subscribed pulses are had whole', async (t) => {
  const pulses = Array.from({ length: 2_500 }, (_, n) => ({ id: `p${n}`, modified: moment(0) }))
  const { client, standin } = await start(t, {}, { pulses })
  const ids = await client.subscribedPulseIds()
  t.equal(ids.size, 2_500)
  t.ok(pulses.every(({ id }) => ids.has(id)))
  t.strictSame(standin.requests, [
    '/api/v1/pulses/subscribed_pulse_ids?limit=1024&page=1',
    '/api/v1/pulses/subscribed_pulse_ids?limit=1024&page=2',
    '/api/v1/pulses/subscribed_pulse_ids?limit=1024&page=3',
  ])
  const empty = await start(t, {}, { pulses: [] })
  t.strictSame([...(await empty.client.subscribedPulseIds())], [])
})

t.test('an OTX that gives a thousand ids at once is asked for fewer', async (t) => {
  const pulses = Array.from({ length: 2_500 }, (_, n) => ({ id: `p${n}`, modified: moment(0) }))
  const { client, standin } = await start(t, {}, { pulses, maxLimit: 1000 })
  standin.misbehave({ kind: 'none' }, { kind: 'none' }, { kind: 'html-error', status: 504 })
  t.equal((await client.subscribedPulseIds()).size, 2_500)
})

t.test('ids that changed while they were read are read anew', async (t) => {
  const pulses = Array.from({ length: 2_000 }, (_, n) => ({ id: `p${n}`, modified: moment(0) }))
  const { client, standin } = await start(t, {}, { pulses })
  standin.onRequest(2, () => standin.remove('p0'))
  standin.onRequest(5, () => standin.add({ id: 'new', modified: moment(1) }))
  const ids = await client.subscribedPulseIds()
  t.equal(ids.size, 2_000)
  t.ok(ids.has('new'))
  t.notOk(ids.has('p0'))
  t.equal(standin.requests.length, 7)
})

t.test('a part of the ids is never taken for all', async (t) => {
  const mixedUp: [what: string, answer: Parameters<typeof startMadeUp>[1]][] = [
    ['a page that comes twice', ({ page, next }) => list(['a', 'b'], 4, page < 2 && next.href)],
    ['fewer than counted', () => list(['a'], 2, null)],
    ['no count', () => list(['a'], undefined, null)],
  ]
  for (const [what, answer] of mixedUp) {
    const { client } = await startMadeUp(t, answer)
    const error = await failureOf(client.subscribedPulseIds())
    t.match(error, { code: 'OTX_IDS_INCOMPLETE', retryable: true }, what)
  }
  for (const strange of [[7], [''], [null], [{ id: 'a' }]]) {
    const { client } = await startMadeUp(t, () => list(strange, 1, null))
    t.match(await failureOf(client.subscribedPulseIds()), { code: 'OTX_NOT_A_PAGE' })
  }
  const faults: OtxFault[] = [
    { kind: 'truncated-json' },
    { kind: 'empty-page' },
    { kind: 'html-page' },
    { kind: 'other-json', json: { results: [], count: 3, next: null } },
  ]
  for (const fault of faults) {
    const { client, standin } = await start(t)
    standin.misbehave(fault)
    t.equal((await client.subscribedPulseIds()).size, 5, fault.kind)
    standin.misbehaveWhile(() => true, fault)
    await t.rejects(client.subscribedPulseIds(), UpstreamError)
  }
})

function list(results: unknown[], count: number | undefined, next: string | false | null) {
  return { results, count, next: next || null }
}

t.test('events come oldest first, each once, over all pages', async (t) => {
  let now = Date.parse('2026-05-01T00:00:00Z')
  const tick = () => {
    now += 1_000
    return new Date(now)
  }
  const pulses = Array.from({ length: 300 }, (_, n) =>
    aPulse({ id: `p${n}`, author_name: n === 0 ? 'Ann' : 'Bob', modified: moment(0) }),
  )
  const { client, standin } = await start(t, {}, { pulses, now: tick })
  standin.unsubscribeAuthor('Ann')
  for (let n = 1; n < 300; n++) standin.remove(`p${n}`)
  const events = await client.events(new Date('2026-05-01T00:00:00Z'))
  t.equal(events.length, 300)
  t.strictSame(events[0], {
    action: 'unsubscribe',
    objectType: 'user',
    objectId: 'Ann',
    created: new Date('2026-05-01T00:00:01Z'),
  })
  t.match(events[299], { action: 'delete', objectType: 'pulse', objectId: 'p299' })
  t.equal(
    standin.requests[0],
    '/api/v1/pulses/events?limit=256&page=1&since=2026-05-01T00%3A00%3A00.000',
  )
  t.equal((await client.events(new Date('2026-05-01T00:04:59Z'))).length, 2)
})

t.test('events that cannot be read are left out', async (t) => {
  const event = {
    id: 1,
    action: 'delete',
    object_type: 'pulse',
    object_id: 'a',
    created: '2026-05-01T00:00:02',
  }
  const { client } = await startMadeUp(t, () => ({
    next: '',
    results: [
      event,
      { ...event, id: 2 },
      { ...event, object_id: 5_000_000_001, action: ' Unsubscribe', object_type: 'USER' },
      { ...event, action: 'merge', created: '2026-05-01T00:00:01Z' },
      { ...event, object_id: null },
      { ...event, object_id: '  ' },
      { ...event, object_id: {} },
      { ...event, created: 'yesterday' },
      { ...event, created: 5 },
      { ...event, action: null },
      { ...event, object_type: [] },
      null,
      'delete',
      [],
    ],
  }))
  const created = new Date('2026-05-01T00:00:02Z')
  t.strictSame(await client.events(new Date(0)), [
    {
      action: 'merge',
      objectType: 'pulse',
      objectId: 'a',
      created: new Date('2026-05-01T00:00:01Z'),
    },
    { action: 'delete', objectType: 'pulse', objectId: 'a', created },
    { action: 'unsubscribe', objectType: 'user', objectId: '5000000001', created },
  ])
})

t.test('more events than can be kept are an error', async (t) => {
  const { client } = await startMadeUp(t, ({ offset, limit, next }) => ({
    next: next.href,
    results: Array.from({ length: limit }, (_, n) => ({
      action: 'delete',
      object_type: 'pulse',
      object_id: `p${offset + n}`,
      created: moment(0),
    })),
  }))
  t.match(await failureOf(client.events(new Date(0))), { code: 'OTX_TOO_MANY_EVENTS' })
})

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
