import type { Test } from 'tap'
import {
  type OtxWalkProgress,
  type OtxWalkSettings,
  type WalkOutcome,
  walkOtx,
} from '../../src/ingest/walk-otx.ts'
import { createOtxClient, type OtxClientOptions } from '../../src/sources/otx/client.ts'
import {
  buildOtxStandin,
  type OtxStandin,
  type OtxStandinOptions,
  type StandinPulse,
} from '../../src/standins/otx.ts'
import type { OtxStandinCondition, OtxStandinRequest } from '../../src/standins/otx-behaviour.ts'
import type { Db } from '../../src/store/db.ts'
import { getSourceId, readCursor, saveCursor } from '../../src/store/sources.ts'
import { secret } from '../helpers/secrets.ts'
import { assertSoundFeed, readLiveValues } from '../helpers/sound-feed.ts'
import { aCollection, createTestIntake, type TestIntake } from '../intake/reports.ts'
import { anIndicator, aPulse } from '../sources/otx/pulses.ts'

export const apiKey = secret('OTX key')

/** The n-th test host, in a pulse of its own unless a test says otherwise. */
export const hostOf = (n: number) => `h${n}.taxiway-demo.com`

export const hostsOf = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, n) => hostOf(from + n)).sort()

export const indicatorOf = (n: number, change: object = {}) =>
  anIndicator({ id: n, indicator: hostOf(n), ...change })

/** The n-th pulse, modified on the n-th day of May, with the n-th host. */
export const pulseOf = (n: number, change: StandinPulse = {}): StandinPulse =>
  aPulse({
    id: `p${n}`,
    tlp: 'white',
    modified: `2026-05-${String(n + 1).padStart(2, '0')}T00:00:00`,
    indicators: [indicatorOf(n)],
    ...change,
  })

export const fivePulses = () => [0, 1, 2, 3, 4].map((n) => pulseOf(n))

/** Requests by what they ask for. */
export const asks = {
  me: ({ path }) => path === 'users/me',
  events: ({ path }) => path === 'pulses/events',
  pages: ({ path }) => path === 'pulses/subscribed',
  ids: ({ path }) => path === 'pulses/subscribed_pulse_ids',
  indicators: ({ path }) => path.endsWith('/indicators'),
  pulse: ({ path }) => /^pulses\/p\d+$/.test(path),
} as const satisfies Record<string, OtxStandinCondition>

export interface Otx {
  readonly otx: OtxStandin
  readonly url: string
  /** the requests of this kind so far */
  requestsOf(asked: keyof typeof asks): readonly URL[]
}

/** A stand-in of OTX on the last day of May, where each event is a second after the one before. */
export async function startOtx(
  t: Test,
  pulses: readonly StandinPulse[],
  options: Partial<OtxStandinOptions> = {},
): Promise<Otx> {
  let moment = Date.parse('2026-05-31T12:00:00Z')
  const now = () => {
    moment += 1_000
    return new Date(moment)
  }
  const otx = buildOtxStandin({ pulses, apiKey, now, ...options })
  const url = await otx.app.listen({ port: 0, host: '127.0.0.1' })
  t.teardown(() => otx.app.close())
  return {
    otx,
    url,
    requestsOf: (asked) =>
      otx.requests
        .map((one) => new URL(one, url))
        .filter(({ pathname }) =>
          asks[asked]({ path: pathname.replace('/api/v1/', '') } as OtxStandinRequest),
        ),
  }
}

export interface Walking {
  readonly intake: TestIntake
  readonly progress: OtxWalkProgress[]
  /** Walks once; the feed is sound afterwards, however the walk ended. */
  walk(
    settings?: Partial<OtxWalkSettings>,
    client?: Partial<OtxClientOptions>,
  ): Promise<WalkOutcome>
  cursor(): Promise<unknown>
  live(): Promise<readonly string[]>
}

/** Walks an OTX into a store with one collection that takes everything. */
export async function startWalking(
  t: Test,
  db: Db,
  url: string,
  defaults: Partial<OtxClientOptions> = {},
): Promise<Walking> {
  const intake = createTestIntake(t, db)
  await intake.settle(aCollection())
  const clock = { now: Date.now, sleep: async () => {} }
  const progress: OtxWalkProgress[] = []
  return {
    intake,
    progress,
    async walk(settings = {}, options = {}) {
      const all = { url, apiKey, pageSize: 2, retries: 0, timeoutMs: 5_000, clock }
      const client = createOtxClient({ ...all, ...defaults, ...options })
      try {
        return await walkOtx(intake, {
          client,
          defaultTlp: 'white',
          confidence: 25,
          firstSyncDays: 365,
          onProgress: (done) => progress.push(done),
          ...settings,
        })
      } finally {
        await client.close()
        await assertSoundFeed(t, db)
      }
    },
    cursor: async () => readCursor(db, await getSourceId(db, 'otx')),
    live: () => readLiveValues(db, 'all'),
  }
}

/** The pages of these requests, as `page/limit`. */
export const pagesOf = (requests: readonly URL[]) =>
  requests.map(({ searchParams }) => `${searchParams.get('page')}/${searchParams.get('limit')}`)

/** Five pulses, the newest first, two a page, and a store that takes them in. */
export async function startFive(t: Test, db: Db, client: Partial<OtxClientOptions> = {}) {
  const started = await startOtx(t, fivePulses())
  const walking = await startWalking(t, db, started.url, client)
  const { requestsOf } = started
  const pages = () => pagesOf(requestsOf('pages'))
  /** pages that were asked for meanwhile */
  const pagesDuring = async (work: Promise<unknown>) => {
    const before = pages().length
    await work
    return pages().slice(before)
  }
  const modifiedSince = () => requestsOf('pages').at(-1)?.searchParams.get('modified_since')
  const setCursor = async (cursor: object) => saveCursor(db, await getSourceId(db, 'otx'), cursor)
  return { ...started, ...walking, pages, pagesDuring, modifiedSince, setCursor }
}
