import t from 'tap'
import { UpstreamError } from '../../../src/model/errors.ts'
import type { OtxFault } from '../../../src/standins/otx-faults.ts'
import { failureOf, start, startMadeUp } from './clients.ts'
import { aPulse } from './pulses.ts'

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
