import { once } from 'node:events'
import t, { type Test } from 'tap'
import type { OtxConfig } from '../src/config.ts'
import { makeAuthorCollections } from '../src/intake/author-collections.ts'
import { writeInTurn } from '../src/intake/intake.ts'
import { createMetrics } from '../src/metrics.ts'
import { type SourceState, statusOf, untried } from '../src/model/source-state.ts'
import { createOtxLoop } from '../src/otx-loop.ts'
import { buildOtxStandin, type StandinPulse } from '../src/standins/otx.ts'
import { getSource, writeSourceState } from '../src/store/source-state.ts'
import { getSourceId } from '../src/store/sources.ts'
import { createTestLog } from './helpers/log.ts'
import { secret } from './helpers/secrets.ts'
import { openTestStore } from './helpers/stores.ts'
import { createTestIntake } from './intake/reports.ts'

const apiKey = secret('OTX key')
const pollSeconds = 900

const pulses: readonly StandinPulse[] = ['ann', 'bob'].map((author, index) => ({
  id: `5f${String(index).padStart(22, '0')}`,
  name: `Campaign ${index}`,
  author_name: author,
  modified: '2026-05-30T00:00:00',
  created: '2026-05-30T00:00:00',
  tlp: 'white',
  indicators: [
    { id: index, type: 'domain', indicator: `h${index}.com`, created: '2026-05-30T00:00:00' },
  ],
}))

/** A loop on a store and a stand-in of their own; the clock stands still. */
async function open(t: Test, change: Partial<OtxConfig> = {}) {
  const { db } = await openTestStore(t, 'postgresql')
  const otx = buildOtxStandin({ pulses, apiKey, username: 'me' })
  const url = await otx.app.listen({ port: 0, host: '127.0.0.1' })
  t.teardown(() => otx.app.close())
  const intake = createTestIntake(t, db)
  let walked = Promise.withResolvers<Error | undefined>()
  const config: OtxConfig = {
    url,
    apiKey,
    pollSeconds,
    defaultTlp: 'white',
    confidence: 25,
    firstSyncDays: 30,
    authorCollections: true,
    authors: [],
    falsePositives: false,
    ...change,
  }
  const loop = createOtxLoop(config, {
    intake,
    metrics: createMetrics(),
    log: createTestLog(),
    version: '0.0.0',
    options: {
      onWalk: ({ error }) => {
        walked.resolve(error)
        walked = Promise.withResolvers()
      },
    },
  })
  t.teardown(() => loop.close())
  const hold = (token: number) => {
    const over = new AbortController()
    const ended = loop.run({ token, signal: over.signal, fence: async () => {} })
    return {
      async stop() {
        over.abort()
        await ended
      },
    }
  }
  return {
    db,
    otx,
    intake,
    hold,
    /** of the next walk: with what error it broke */
    walked: () => walked.promise,
    readState: async () => (await getSource(db, 'otx')).state,
    /** Runs one walk to its end, and what follows it to the state that is kept. */
    async walkOnce(token = 1): Promise<{ error: Error | undefined; state: SourceState }> {
      const holder = hold(token)
      const error = await walked.promise
      await holder.stop()
      return { error, state: (await getSource(db, 'otx')).state }
    },
  }
}

const sinceNow = (intake: { now: Date }, moment: Date | undefined) =>
  Number(moment) - intake.now.getTime()

t.test('after a whole walk the next one is a poll interval away', async (t) => {
  const { intake, walkOnce } = await open(t)
  const { error, state } = await walkOnce()
  t.equal(error, undefined)
  t.equal(statusOf(state), 'ok')
  t.equal(sinceNow(intake, state.nextTryAt), pollSeconds * 1000)
})

t.test('after a refused key too, and the state says so without the key', async (t) => {
  const { intake, walkOnce } = await open(t, { apiKey: 'wr0ng' })
  const { error, state } = await walkOnce()
  t.match(error, { code: 'OTX_KEY_REFUSED' })
  t.match(state, { problems: [{ code: 'OTX_KEY_REFUSED' }], degradedSince: intake.now })
  t.equal(sinceNow(intake, state.nextTryAt), pollSeconds * 1000)
  t.notMatch(JSON.stringify(state), 'wr0ng')
})

t.test('OTX is left alone for as long as it asks, whoever walks next', async (t) => {
  const { otx, intake, walkOnce, hold, readState } = await open(t)
  otx.misbehaveWhile(() => true, { kind: 'too-many-requests', retryAfter: '7200' })
  const { error, state } = await walkOnce()
  t.match(error, { code: 'OTX_BUSY' })
  t.equal(sinceNow(intake, state.nextTryAt), 7_200_000)
  t.equal(sinceNow(intake, state.notBefore), 7_200_000)

  otx.behave()
  const before = otx.requests.length
  const next = hold(2)
  // It would have asked by then: it needs its turn a few times before.
  for (let turn = 0; turn < 20; turn += 1) await writeInTurn(intake, async () => {})
  await next.stop()
  t.equal(otx.requests.length, before, 'who takes over waits too')
  t.strictSame((await readState()).notBefore, state.notBefore)

  intake.now = new Date(intake.now.getTime() + 7_200_001)
  const after = await walkOnce(3)
  t.equal(statusOf(after.state), 'ok')
  t.equal(after.state.notBefore, undefined)
})

t.test('a walk that is whole with a problem is degraded', async (t) => {
  const { otx, walkOnce } = await open(t)
  otx.misbehaveWhile(({ path }) => path === 'pulses/events', {
    kind: 'refusal',
    status: 400,
    detail: `bad request of ${apiKey}`,
  })
  const { error, state } = await walkOnce()
  t.equal(error, undefined)
  t.equal(statusOf(state), 'degraded')
  t.match(state.problems, [{ code: 'OTX_REFUSED' }])
  t.notMatch(JSON.stringify(state), apiKey)
  t.type(state.lastWholeWalkAt, Date)
})

t.test('authors without a collection because there are too many are a problem', async (t) => {
  const { intake, walkOnce } = await open(t)
  const many = Array.from({ length: 498 }, (_, index) => `author${index}`)
  await writeInTurn(intake, (trx) => makeAuthorCollections(trx, 'otx', many))
  const { state } = await walkOnce()
  t.match(state.problems, [
    {
      code: 'AUTHOR_COLLECTIONS_FULL',
      message: 'there are 500 collections of authors; bob got none',
    },
  ])
})

t.test('who has lost the lease writes nothing over its successor’s state', async (t) => {
  const { db, walkOnce } = await open(t)
  const id = await getSourceId(db, 'otx')
  const theirs = { ...untried, lastTriedAt: new Date('2026-06-01T12:00:00Z') }
  await writeSourceState(db, id, 2, theirs)
  const { state } = await walkOnce(1)
  t.strictSame(state, theirs)
})

t.test('a walk that is stopped is no trouble', async (t) => {
  const { otx, hold, readState } = await open(t)
  const asked = once(otx.app.server, 'request')
  otx.misbehaveWhile(() => true, { kind: 'stalled', from: 'headers' })
  const holder = hold(1)
  await asked
  await holder.stop()
  const state = await readState()
  t.equal(statusOf(state), 'never walked')
  t.strictSame(state.problems, [])
})
