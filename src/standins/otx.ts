import { gzipSync } from 'node:zlib'
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { createBehaviour, type OtxBehaviour, type OtxStandinRequest } from './otx-behaviour.ts'
import { misleadPage, type OtxFault, sendFaulty } from './otx-faults.ts'
import {
  asUtc,
  createSubscriptions,
  idOf,
  indicatorsOf,
  momentOf,
  type OtxSubscriptions,
  type StandinPulse,
} from './otx-subscriptions.ts'

export { beyondDepth, largePagesFrom } from './otx-behaviour.ts'
export { otxTimestamp, type StandinPulse } from './otx-subscriptions.ts'

export interface OtxStandinOptions {
  readonly pulses: readonly StandinPulse[]
  readonly apiKey: string
  /** whose key it is */
  readonly username?: string
  /** pulses with more indicators are listed with so many of them and `more_indicators`; absent: with all */
  readonly indicatorsShown?: number
  /** records a page at most, whatever a request asks for */
  readonly maxLimit?: number
  /** what a page behind the last one is; absent: empty */
  readonly behindLastPage?: 'empty' | 'not-found'
  /** compresses for clients that take it */
  readonly gzip?: boolean
  readonly now?: () => Date
  /** called with each request's method and address */
  readonly log?: (line: string) => void
}

export interface OtxStandin extends OtxSubscriptions, OtxBehaviour {
  readonly app: FastifyInstance
  /** addresses of the requests so far, without the origin */
  readonly requests: readonly string[]
}

type Query = Record<string, string | undefined>

const defaultLimit = 10

/** Answers as OTX's DirectConnect API v1 does, as far as clients were seen to use it. Listening is the caller's. */
export function buildOtxStandin(options: OtxStandinOptions): OtxStandin {
  const { username = 'taxiway_demo', maxLimit = 2000 } = options
  const lists = createSubscriptions({
    pulses: options.pulses,
    now: options.now ?? (() => new Date()),
    indicatorsShown: options.indicatorsShown ?? Number.POSITIVE_INFINITY,
  })
  const behaviour = createBehaviour()
  const requests: string[] = []
  const faults = new WeakMap<FastifyRequest, OtxFault>()
  // The demo ends by closing the server while a client may still hold a connection.
  const app = Fastify({ forceCloseConnections: true })

  app.addHook('onRequest', async (request, reply) => {
    requests.push(request.url)
    options.log?.(`${request.method} ${request.url}`)
    if (request.headers['x-otx-api-key'] !== options.apiKey) {
      return reply.code(403).send({ detail: 'Invalid API key' })
    }
    faults.set(request, await behaviour.next(seen(request, requests.length)))
  })
  app.setNotFoundHandler((request, reply) => sendNotFound(request, reply, 'Not found.'))

  function seen(request: FastifyRequest, number: number): OtxStandinRequest {
    const query = request.query as Query
    const limit = positive(query.limit, defaultLimit)
    const page = positive(query.page, 1)
    const path = (request.url.split('?')[0] ?? '').replace(/^\/api\/v1\//, '')
    return { number, path, query, limit, page, offset: (page - 1) * limit }
  }

  /** What is not there may be asked for in vain in every other way too. */
  function sendNotFound(request: FastifyRequest, reply: FastifyReply, detail: string) {
    return sendFaulty(faultOf(request), reply.code(404), JSON.stringify({ detail }))
  }

  function faultOf(request: FastifyRequest): OtxFault {
    return faults.get(request) ?? { kind: 'none' }
  }

  function send(request: FastifyRequest, reply: FastifyReply, json: unknown): FastifyReply {
    const fault = faultOf(request)
    const body = JSON.stringify(json)
    const takesGzip = String(request.headers['accept-encoding']).includes('gzip')
    if (fault.kind !== 'none' || !options.gzip || !takesGzip) return sendFaulty(fault, reply, body)
    return reply.type('application/json').header('content-encoding', 'gzip').send(gzipSync(body))
  }

  /** Takes records out of `all` and makes JSON of these alone, so that a page costs what it holds. */
  function sendPage<T>(
    request: FastifyRequest,
    reply: FastifyReply,
    all: readonly T[],
    toJson: (record: T) => unknown,
    more: StandinPulse = {},
  ): FastifyReply {
    const { limit: asked, page } = seen(request, 0)
    const limit = Math.min(maxLimit, asked)
    const begin = (page - 1) * limit
    if (begin > 0 && begin >= all.length && options.behindLastPage === 'not-found') {
      return sendNotFound(request, reply, 'Invalid page.')
    }
    const results = all.slice(begin, begin + limit).map(toJson)
    const next = begin + limit < all.length ? pageAddress(request, page + 1) : null
    const proper = { results, count: all.length, next }
    const fault = faultOf(request)
    const { results: sent, ...envelope } = misleadPage(fault, proper, pageAddress(request, page))
    const previous = page > 1 ? pageAddress(request, page - 1) : null
    return send(request, reply, { results: sent, ...more, previous, ...envelope })
  }

  app.get('/api/v1/pulses/subscribed', async (request, reply) => {
    const { modified_since: since, author_name: author } = request.query as Query
    const begin = since === undefined ? undefined : asUtc(since)
    const chosen = lists
      .subscribed()
      .filter(
        (pulse) =>
          (begin === undefined || momentOf(pulse) >= begin) &&
          (author === undefined || pulse.author_name === author),
      )
    const times = { prefetch_pulse_ids: false, t: 0, t2: 0.01, t3: 0.02 }
    return sendPage(request, reply, chosen, lists.shown, times)
  })

  app.get('/api/v1/pulses/subscribed_pulse_ids', async (request, reply) =>
    sendPage(request, reply, lists.subscribed(), idOf),
  )

  app.get('/api/v1/pulses/events', async (request, reply) => {
    const { since } = request.query as Query
    const chosen = lists.events.filter(
      ({ created }) => since === undefined || asUtc(String(created)) >= asUtc(since),
    )
    return sendPage(request, reply, chosen, asItIs)
  })

  app.get('/api/v1/users/me', async (request, reply) =>
    send(request, reply, { username, user_id: 1, member_since: '2015-01-01T00:00:00' }),
  )

  app.get<{ Params: { id: string } }>('/api/v1/pulses/:id', async (request, reply) => {
    const pulse = lists.find(request.params.id)
    return pulse ? send(request, reply, lists.shown(pulse)) : reply.callNotFound()
  })

  app.get<{ Params: { id: string } }>('/api/v1/pulses/:id/indicators', async (request, reply) => {
    const pulse = lists.find(request.params.id)
    if (!pulse) return reply.callNotFound()
    const all = indicatorsOf(pulse)
    const withInactive = (request.query as Query).include_inactive === '1'
    const chosen = withInactive ? all : all.filter(({ is_active: active }) => active !== 0)
    return sendPage(request, reply, chosen, withVerdict)
  })

  return { app, requests, ...lists, ...behaviour }
}

const asItIs = <T>(record: T): T => record

/** OTX's verdict stands here alone; an indicator of a test may bring its own. */
function withVerdict(indicator: StandinPulse): StandinPulse {
  const verdict = { assessment: '', assessment_date: null, report_date: null }
  return { false_positive: verdict, ...indicator }
}

function positive(text: string | undefined, otherwise: number): number {
  const number = Number(text)
  return Number.isSafeInteger(number) && number > 0 ? number : otherwise
}

function pageAddress(request: FastifyRequest, page: number): string {
  const url = new URL(request.url, `${request.protocol}://${request.host}`)
  url.searchParams.set('page', String(page))
  return url.href
}
