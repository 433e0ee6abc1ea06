import t from 'tap'
import { requestResync } from '../../src/ingest/walk-otx.ts'
import { UpstreamError } from '../../src/model/errors.ts'
import { largePagesFrom } from '../../src/standins/otx.ts'
import type { OtxStandinCondition } from '../../src/standins/otx-behaviour.ts'
import { getSourceId } from '../../src/store/sources.ts'
import { forEachStore, openTestStore } from '../helpers/stores.ts'
import { asks, hostOf, hostsOf, pulseOf, startFive, startOtx, startWalking } from './otx-walks.ts'

const newest = '2026-05-05T00:00:00.000Z'
const all = hostsOf(0, 5)

t.test('a resync lets the next walk begin at its date, once', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const { otx, walk, pagesDuring, modifiedSince, live, cursor } = await startFive(t, db)
    await walk({ firstSyncDays: 28 })
    t.same(await live(), hostsOf(3, 5))
    const sourceId = await getSourceId(db, 'otx')
    await requestResync(db, sourceId, new Date('2026-05-02T00:00:00Z'))
    otx.misbehaveAt(asks.pages, { kind: 'none' }, { kind: 'html-page' })
    await t.rejects(walk(), UpstreamError)
    t.match(await cursor(), { since: '2026-05-02T00:00:00.000Z' }, 'it is kept until it is done')

    await requestResync(db, sourceId, new Date('2026-05-01T00:00:00Z'))
    t.same(await pagesDuring(walk()), ['1/2', '2/2', '3/2'], 'a new wish begins anew')
    t.equal(modifiedSince(), '2026-05-01T00:00:00.000')
    t.same(await live(), all)
    t.match(await cursor(), { since: undefined, walk: undefined, watermark: newest })
    await walk()
    t.equal(modifiedSince(), '2026-05-04T23:00:00.000')
  })
})

t.test('a resync that is asked for in a walk is the next one', async (t) => {
  const { db } = await openTestStore(t, 'postgresql')
  const { walk, modifiedSince, live, cursor } = await startFive(t, db)
  const sourceId = await getSourceId(db, 'otx')
  let asked: Promise<void> | undefined
  await walk({
    firstSyncDays: 28,
    beforeTakeIn: async () => {
      // As another process does it, which waits behind this transaction.
      asked ??= requestResync(db, sourceId, new Date('2026-05-01T00:00:00Z'))
    },
  })
  await asked
  t.match(await cursor(), { since: '2026-05-01T00:00:00.000Z', watermark: newest })
  await walk()
  t.equal(modifiedSince(), '2026-05-01T00:00:00.000')
  t.same(await live(), all)
})

t.test('a broken walk goes on with the page size that it had come down to', async (t) => {
  const { db } = await openTestStore(t, 'postgresql')
  const { otx, walk, pages, pagesDuring, live } = await startFive(t, db, {
    pageSize: 4,
    retries: 1,
  })
  otx.misbehaveWhile(largePagesFrom(0, 2), { kind: 'html-error', status: 504 })
  otx.misbehaveAt(({ limit, page }) => limit === 2 && page === 2, { kind: 'html-page' })
  await t.rejects(walk({}, { retries: 0 }), { code: 'OTX_UNAVAILABLE' })
  otx.misbehaveAt(
    ({ limit, page }) => limit === 2 && page === 2,
    ...Array(9).fill({ kind: 'html-page' }),
  )
  await t.rejects(walk(), { code: 'OTX_NOT_JSON' })
  otx.behave()
  t.same(pages().slice(0, 4), ['1/4', '1/4', '1/2', '2/2'])
  t.same(await pagesDuring(walk()), ['2/2', '3/2'])
  t.same(await live(), all)
})

t.test('a walk with a watermark that is cut short keeps it until it is whole', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const { otx, walk, setCursor, modifiedSince, cursor, live } = await startFive(t, db)
    const watermark = '2026-05-01T00:30:00.000Z'
    await setCursor({ watermark })
    otx.misbehaveAt(asks.pages, { kind: 'none' }, { kind: 'html-page' })
    await t.rejects(walk(), UpstreamError)
    t.match(await cursor(), { watermark, walk: { newest, offset: 2 } })
    await walk()
    t.equal(modifiedSince(), '2026-04-30T23:30:00.000')
    t.match(await cursor(), { watermark: newest, walk: undefined })
    t.same(await live(), all)
  })
})

const aPlace = { since: '2026-04-01T00:00:00.000Z', begun: '2026-06-01T00:00:00.000Z' }

t.test('a saved place that OTX has no more leads to a walk from the start', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const { otx, walk, pagesDuring, setCursor, cursor, live } = await startFive(t, db)
    const watermark = '2026-04-01T00:00:00.000Z'
    const place = { ...aPlace, newest: '2026-05-20T00:00:00.000Z', offset: 16, pageSize: 2 }
    await setCursor({ watermark, walk: place })
    // As OTX answers where the list has become shorter; the stand-in's own answer is an empty page.
    otx.misbehaveAt(asks.pages, { kind: 'refusal', status: 404, detail: 'Invalid page.' })
    await t.rejects(walk(), { code: 'OTX_NO_SUCH_PAGE' })
    t.match(await cursor(), { watermark, walk: undefined })
    t.same(await pagesDuring(walk()), ['1/2', '2/2', '3/2'])
    t.same(await live(), all)
    t.match(await cursor(), { watermark: newest })
  })
})

t.test('a saved place behind the end of the list leads to its first page', async (t) => {
  const { db } = await openTestStore(t, 'postgresql')
  const { walk, setCursor, live } = await startFive(t, db)
  await setCursor({ walk: { ...aPlace, offset: 16, pageSize: 2 } })
  await walk()
  t.same(await live(), all)
})

t.test('a place that an older version saved leads to a walk from the start', async (t) => {
  const { db } = await openTestStore(t, 'postgresql')
  const { walk, pages, setCursor, cursor, live, modifiedSince } = await startFive(t, db)
  await setCursor({ watermark: '2026-04-20T00:00:00.000Z', walk: { newest, nextPage: 3 } })
  await walk()
  t.same(pages(), ['1/2', '2/2', '3/2'])
  t.equal(modifiedSince(), '2026-04-19T23:00:00.000')
  t.same(await live(), all)
  t.match(await cursor(), { watermark: newest, walk: undefined })
})

t.test('a refused key keeps what is there, and the place of the walk', async (t) => {
  const { db } = await openTestStore(t, 'postgresql')
  const { otx, walk, pagesDuring, cursor, live } = await startFive(t, db)
  otx.misbehaveAt(asks.pages, { kind: 'none' }, { kind: 'html-page' })
  await t.rejects(walk(), UpstreamError)
  await t.rejects(walk({}, { apiKey: 'revoked' }), { code: 'OTX_KEY_REFUSED' })
  t.same(await live(), hostsOf(3, 5))
  t.match(await cursor(), { walk: { offset: 2 } })
  t.same(await pagesDuring(walk()), ['2/2', '3/2'])
  t.same(await live(), all)
})

t.test('a pulse that is dated ahead hides none that are changed until then', async (t) => {
  const { db } = await openTestStore(t, 'postgresql')
  const { otx, walk, cursor, live } = await startFive(t, db)
  otx.add(pulseOf(5, { modified: '2026-06-01T20:00:00' }))
  await walk()
  t.same(await live(), hostsOf(0, 6))
  t.match(await cursor(), { watermark: '2026-06-01T00:00:00.000Z' }, 'the moment of the walk')
})

const secondPage: OtxStandinCondition = (request) => asks.pages(request) && request.page === 2

t.test('a list that becomes shorter while it is walked is walked again', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const { otx, walk, live, cursor } = await startFive(t, db)
    otx.onRequest(secondPage, () => otx.remove('p4'))
    t.match(await walk(), { problems: [] })
    t.same(await live(), all, 'what has moved to a page that was passed is there')
    t.match(await cursor(), { watermark: newest, walk: undefined })
    t.match(await walk(), { gone: 1 })
    t.same(await live(), hostsOf(0, 4), 'and the event removes the one that is gone')
  })
})

t.test('a list that became shorter between two walks is walked again', async (t) => {
  const { db } = await openTestStore(t, 'postgresql')
  const { otx, walk, pagesDuring, live } = await startFive(t, db)
  otx.misbehaveAt(asks.pages, { kind: 'none' }, { kind: 'html-page' })
  await t.rejects(walk(), UpstreamError)
  otx.remove('p4')
  t.same(await pagesDuring(walk()), ['2/2', '1/2', '2/2'])
  t.same(await live(), hostsOf(0, 4))
})

t.test('a list that becomes shorter in every walk moves no watermark', async (t) => {
  const { db } = await openTestStore(t, 'postgresql')
  const pulses = Array.from({ length: 30 }, (_, n) => pulseOf(n))
  const { otx, url } = await startOtx(t, pulses)
  const { walk, cursor, live } = await startWalking(t, db, url)
  const removeOne = (n: number) =>
    otx.onRequest(secondPage, () => {
      otx.remove(`p${29 - n}`)
      otx.onRequest(
        (request) => asks.pages(request) && request.page === 1,
        () => removeOne(n + 1),
      )
    })
  removeOne(0)
  t.match(await walk(), { problems: [{ code: 'OTX_LIST_SHIFTS' }] })
  t.match(await cursor(), { watermark: undefined, walk: undefined })
  otx.behave()
  t.match(await walk(), { problems: [] })
  t.match(await cursor(), { watermark: /^2026/ })
  t.ok((await live()).includes(hostOf(0)))
})
