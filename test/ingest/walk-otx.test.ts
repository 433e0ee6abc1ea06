import { sql } from 'kysely'
import t, { type Test } from 'tap'
import { type OtxWalkProgress, walkOtx } from '../../src/ingest/walk-otx.ts'
import { UpstreamError } from '../../src/model/errors.ts'
import { createOtxClient, type OtxClientOptions } from '../../src/sources/otx/client.ts'
import { buildOtxStandin, type StandinPulse } from '../../src/standins/otx.ts'
import type { OtxFault } from '../../src/standins/otx-faults.ts'
import type { Db } from '../../src/store/db.ts'
import { getSourceId, readCursor, saveCursor } from '../../src/store/sources.ts'
import { assertSoundFeed, readLiveValues } from '../helpers/sound-feed.ts'
import { forEachStore, openTestStore } from '../helpers/stores.ts'
import { aCollection, createTestIntake } from '../intake/reports.ts'
import { anIndicator, aPulse } from '../sources/otx/pulses.ts'

const apiKey = 'k3y-of-the-tests'
const hostOf = (n: number) => `h${n}.taxiway-demo.com`
const pulseOf = (n: number, change: StandinPulse = {}): StandinPulse =>
  aPulse({
    id: `p${n}`,
    tlp: 'white',
    modified: `2026-05-0${n + 1}T00:00:00`,
    indicators: [anIndicator({ id: n, indicator: hostOf(n) })],
    ...change,
  })

const newest = '2026-05-05T00:00:00.000Z'
const all = [0, 1, 2, 3, 4].map(hostOf)

/** Five pulses, the newest first, two a page, and a store that takes them in. */
async function start(t: Test, db: Db, settings: Partial<OtxClientOptions> = {}) {
  const otx = buildOtxStandin({ pulses: [0, 1, 2, 3, 4].map((n) => pulseOf(n)), apiKey })
  // As OTX answers where the list has become shorter; the stand-in's own answer is an empty page.
  otx.app.addHook('preHandler', async (request, reply) => {
    const { page } = request.query as { page?: string }
    if (page === '9') return reply.code(404).send({ detail: 'Invalid page.' })
  })
  const url = await otx.app.listen({ port: 0, host: '127.0.0.1' })
  t.teardown(() => otx.app.close())
  const clock = { now: Date.now, sleep: async () => {} }
  const intake = createTestIntake(t, db)
  await intake.settle(aCollection())
  const progress: OtxWalkProgress[] = []
  const walk = async (change: Partial<OtxClientOptions> = {}, signal?: AbortSignal) => {
    const options = { url, apiKey, pageSize: 2, retries: 0, timeoutMs: 5_000, clock }
    const client = createOtxClient({ ...options, ...settings, ...change })
    const before = otx.requests.length
    try {
      await walkOtx(intake, {
        client,
        defaultTlp: 'white',
        confidence: 25,
        ...(signal && { signal }),
        onProgress: (done) => progress.push(done),
      })
    } finally {
      await client.close()
      await assertSoundFeed(t, db)
    }
    return otx.requests.slice(before).map((request) => new URL(request, url).searchParams)
  }
  const cursor = async () => readCursor(db, await getSourceId(db, 'otx'))
  const live = () => readLiveValues(db, 'all')
  return { otx, walk, cursor, live, progress }
}

const pagesOf = (requests: readonly URLSearchParams[]) => requests.map((query) => query.get('page'))

t.test('a walk takes in every pulse, tells of its progress and sets the watermark', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const { walk, cursor, live, progress } = await start(t, db)
    t.same(pagesOf(await walk()), ['1', '2', '3'])
    t.same(await live(), all)
    t.same(await cursor(), { watermark: newest })
    t.match(progress, [
      { totalPulses: 5, pulses: 2, reports: 2 },
      { totalPulses: 5, pulses: 4, reports: 2 },
      { totalPulses: 5, pulses: 5, reports: 1 },
    ])
  })
})

t.test('the next walk asks from an hour before the watermark on', async (t) => {
  const { db } = await openTestStore(t, 'postgresql')
  const { otx, walk, cursor, live } = await start(t, db)
  await walk()
  otx.revise('p0', { modified: '2026-05-06T00:00:00', indicators: [] })
  otx.add(pulseOf(5, { modified: '2026-05-07T00:00:00' }))
  const requests = await walk()
  t.same(
    requests.map((query) => query.get('modified_since')),
    Array(2).fill('2026-05-04T23:00:00.000'),
  )
  t.same(await live(), [1, 2, 3, 4, 5].map(hostOf))
  t.same(await cursor(), { watermark: '2026-05-07T00:00:00.000Z' })
})

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
      const { otx, walk, cursor, live } = await start(t, db)
      otx.misbehave({ kind: 'none' }, fault)
      await t.rejects(walk({ timeoutMs }), { code: /^OTX_/, retryable: true })
      t.same(await live(), [hostOf(3), hostOf(4)])
      t.same(await cursor(), { walk: { newest, nextPage: 2 } }, 'no watermark before the end')
      t.same(pagesOf(await walk()), ['2', '3'])
      t.same(await live(), all)
      t.same(await cursor(), { watermark: newest })
    })
  }
})

t.test('a fault that a retry mends does not show', async (t) => {
  const { db } = await openTestStore(t, 'postgresql')
  const { otx, walk, live } = await start(t, db, { retries: 1 })
  const mended = Object.values(faults)
    .filter(({ kind }) => kind !== 'stalled')
    .slice(0, 2)
  otx.misbehave(...mended.flatMap((fault) => [fault, { kind: 'none' } as const]))
  t.same(pagesOf(await walk()), ['1', '1', '2', '2', '3'])
  t.same(await live(), all)
})

t.test('a walk with a watermark that is cut short keeps it until it is whole', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const { otx, walk, cursor, live } = await start(t, db)
    const watermark = '2026-05-01T00:30:00.000Z'
    await saveCursor(db, await getSourceId(db, 'otx'), { watermark })
    otx.misbehave({ kind: 'none' }, { kind: 'html-page' })
    await t.rejects(walk(), UpstreamError)
    t.same(await cursor(), { watermark, walk: { newest, nextPage: 2 } })
    const requests = await walk()
    t.same(
      requests.map((query) => query.get('modified_since')),
      Array(2).fill('2026-04-30T23:30:00.000'),
    )
    t.same(await cursor(), { watermark: newest })
    t.same(await live(), all)
  })
})

t.test('a saved page that OTX has no more leads to a walk from the start', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const { walk, cursor, live } = await start(t, db)
    const watermark = '2026-04-01T00:00:00.000Z'
    const walking = { newest: '2026-05-20T00:00:00.000Z', nextPage: 9 }
    await saveCursor(db, await getSourceId(db, 'otx'), { watermark, walk: walking })
    await t.rejects(walk(), { code: 'OTX_REFUSED' })
    t.same(await cursor(), { watermark })
    t.same(pagesOf(await walk()), ['1', '2', '3'])
    t.same(await live(), all)
    t.same(await cursor(), { watermark: newest })
  })
})

t.test('a refused key keeps what is there', async (t) => {
  const { db } = await openTestStore(t, 'postgresql')
  const { walk, cursor, live } = await start(t, db)
  await walk()
  await t.rejects(walk({ apiKey: 'revoked' }), { code: 'OTX_KEY_REFUSED' })
  t.same(await live(), all)
  t.same(await cursor(), { watermark: newest })
})

t.test('a walk that is told to stop keeps its last page', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const { walk, cursor, live, progress } = await start(t, db)
    const stopping = new AbortController()
    const reason = new Error('the service stops')
    progress.push = (...done) => {
      stopping.abort(reason)
      return done.length
    }
    await t.rejects(walk({}, stopping.signal), reason)
    t.same(await live(), [hostOf(3), hostOf(4)])
    t.same(await cursor(), { walk: { newest, nextPage: 2 } })
    t.same(pagesOf(await walk()), ['2', '3'])
    t.same(await live(), all)
  })
})

t.test('what cannot be read is recorded, and moves no watermark', async (t) => {
  const { db } = await openTestStore(t, 'postgresql')
  const { otx, walk, cursor, live } = await start(t, db)
  otx.add(pulseOf(5, { modified: '2200-01-01T00:00:00' }))
  otx.add(pulseOf(6, { tlp: 'purple', modified: '2026-05-30T00:00:00' }))
  otx.add(
    pulseOf(7, {
      indicators: [anIndicator({ id: 70, created: 'soon' }), anIndicator({ indicator: hostOf(7) })],
    }),
  )
  await walk()
  t.same(await live(), [...all, hostOf(7)])
  t.same(await cursor(), { watermark: '2026-05-08T00:00:00.000Z' })
  const { rows } = await sql`select place, reason, times from rejections order by place`.execute(db)
  t.same(rows, [
    { place: 'pulse p5', reason: 'date-out-of-range', times: 1 },
    { place: 'pulse p6', reason: 'unknown-tlp', times: 1 },
    { place: 'pulse p7, indicator 70', reason: 'date-unreadable', times: 1 },
  ])
})

t.test('a pulse that changes while its list is walked is taken in by the next walk', async (t) => {
  const { db } = await openTestStore(t, 'postgresql')
  const { otx, walk, live, progress } = await start(t, db)
  progress.push = (...done) => {
    progress.push = Array.prototype.push
    otx.revise('p0', {
      modified: '2026-05-20T00:00:00',
      indicators: [anIndicator({ indicator: 'new.taxiway-demo.com' })],
    })
    return done.length
  }
  await walk()
  await walk()
  t.same(await live(), [...all.slice(1), 'new.taxiway-demo.com'].sort())
})
