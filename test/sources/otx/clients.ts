import Fastify from 'fastify'
import type { Test } from 'tap'
import { UpstreamError } from '../../../src/model/errors.ts'
import {
  createOtxClient,
  type OtxClientOptions,
  type RecordPage,
  type WalkOptions,
} from '../../../src/sources/otx/client.ts'
import type { Retry } from '../../../src/sources/otx/retry.ts'
import {
  buildOtxStandin,
  type OtxStandinOptions,
  type StandinPulse,
} from '../../../src/standins/otx.ts'
import type { OtxFault } from '../../../src/standins/otx-faults.ts'
import { secret } from '../../helpers/secrets.ts'
import { aPulse } from './pulses.ts'

export const apiKey = secret('OTX key')

/** Five pulses, the newest first: p4, p3, p2, p1, p0. */
const fivePulses = Array.from({ length: 5 }, (_, n) =>
  aPulse({ id: `p${n}`, modified: `2026-05-0${n + 1}T00:00:00` }),
)

/** A client whose waits are noted instead of waited. */
export function aClient(t: Test, url: string, settings: Partial<OtxClientOptions> = {}) {
  const waits: number[] = []
  const retries: Retry[] = []
  const client = createOtxClient({
    url,
    apiKey,
    pageSize: 2,
    retries: 3,
    timeoutMs: 5_000,
    random: () => 0,
    clock: {
      now: () => Date.parse('2026-06-01T00:00:00Z'),
      sleep: async (ms) => {
        waits.push(ms)
      },
    },
    onRetry: (retry) => retries.push(retry),
    ...settings,
  })
  t.teardown(() => client.close())
  const walk = (options?: WalkOptions) => allOf(client.subscribedPages(options))
  return { client, walk, waits, retries }
}

/** A stand-in that listens, and a client of it. */
export async function start(
  t: Test,
  settings: Partial<OtxClientOptions> = {},
  standinSettings: Partial<OtxStandinOptions> = {},
) {
  const standin = buildOtxStandin({ pulses: fivePulses, apiKey, ...standinSettings })
  const url = await standin.app.listen({ port: 0, host: '127.0.0.1' })
  const theClient = aClient(t, url, settings)
  t.teardown(() => standin.app.close())
  return { standin, url, ...theClient }
}

/** What a made-up list is asked for. */
export interface ListRequest {
  readonly limit: number
  /** from 1 */
  readonly page: number
  /** records before the page */
  readonly offset: number
  /** the address of the page after it */
  readonly next: URL
}

/** A client of an OTX whose every answer is made up, for what a stand-in cannot get wrong enough. */
export async function startMadeUp(
  t: Test,
  answer: (request: ListRequest) => unknown,
  settings: Partial<OtxClientOptions> = {},
) {
  const app = Fastify({ forceCloseConnections: true })
  const requests: string[] = []
  app.get('*', async (request) => {
    requests.push(request.url)
    const next = new URL(request.url, url)
    const limit = Number(next.searchParams.get('limit'))
    const page = Number(next.searchParams.get('page'))
    next.searchParams.set('page', String(page + 1))
    return answer({ limit, page, offset: (page - 1) * limit, next })
  })
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  const theClient = aClient(t, url, settings)
  t.teardown(() => app.close())
  return { requests, url, ...theClient }
}

export async function allOf<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const item of items) all.push(item)
  return all
}

export const idsOf = (pages: readonly RecordPage[]) =>
  pages.flatMap(({ results }) => results.map((record) => String((record as { id: unknown }).id)))

export const everyId = ['p4', 'p3', 'p2', 'p1', 'p0']

export async function failureOf(promise: Promise<unknown>): Promise<UpstreamError> {
  const error = await promise.then(
    () => undefined,
    (error) => error,
  )
  if (!(error instanceof UpstreamError)) throw new Error(`no UpstreamError but ${error}`)
  return error
}

export const gatewayError: OtxFault = { kind: 'html-error', status: 504 }
export const limitsOf = (requests: readonly string[]) =>
  requests.map((request) => {
    const query = new URL(request, 'http://x').searchParams
    return [Number(query.get('limit')), Number(query.get('page'))]
  })

/** So many pulses, the newest first: r0, r1 and so on, a minute apart. */
export function manyPulses(many: number): StandinPulse[] {
  return Array.from({ length: many }, (_, n) => ({ id: `r${n}`, modified: minutesAgo(n) }))
}
export const minutesAgo = (minutes: number) =>
  new Date(Date.UTC(2026, 5, 1) - minutes * 60_000).toISOString().slice(0, -1)
export const names = (begin: number, end: number) =>
  Array.from({ length: Math.max(0, end - begin) }, (_, n) => `r${begin + n}`)
