import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { misleadNext, type OtxFault, sendFaulty } from './otx-faults.ts'

/** A pulse as OTX's API writes it; the stand-in looks at what it must and serves the rest untouched. */
export type StandinPulse = Record<string, unknown>

export interface OtxStandinOptions {
  readonly pulses: readonly StandinPulse[]
  readonly apiKey: string
  readonly now?: () => Date
  /** called with each request's method and address */
  readonly log?: (line: string) => void
}

export interface OtxStandin {
  readonly app: FastifyInstance
  /** Merges `change` into a pulse, whose revision and date of modification move on as OTX moves them. */
  revise(id: string, change: StandinPulse): void
  add(pulse: StandinPulse): void
  /** The pulse is gone from every list, and an event says so. */
  remove(id: string): void
  /** The coming requests are answered so, one fault each, whatever their path; then all is well again. */
  misbehave(...faults: readonly OtxFault[]): void
  /** addresses of the requests so far, without the origin */
  readonly requests: readonly string[]
}

type Query = Record<string, string | undefined>

const wellBehaved: OtxFault = { kind: 'none' }
const defaultLimit = 10
const maxLimit = 2000

/** Answers as OTX's DirectConnect API v1 does, as far as clients were seen to use it. Listening is the caller's. */
export function buildOtxStandin(options: OtxStandinOptions): OtxStandin {
  const now = options.now ?? (() => new Date())
  const pulses = new Map(options.pulses.map((pulse) => [idOf(pulse), pulse]))
  const events: StandinPulse[] = []
  const faults: OtxFault[] = []
  const requests: string[] = []
  // The demo ends by closing the server while a client may still hold a connection.
  const app = Fastify({ forceCloseConnections: true })

  app.addHook('onRequest', async (request, reply) => {
    requests.push(request.url)
    options.log?.(`${request.method} ${request.url}`)
    if (request.headers['x-otx-api-key'] !== options.apiKey) {
      return reply.code(403).send({ detail: 'Invalid API key' })
    }
  })
  app.setNotFoundHandler((_request, reply) => reply.code(404).send({ detail: 'Not found.' }))

  function send(reply: FastifyReply, json: unknown): FastifyReply {
    return sendFaulty(faults.shift() ?? wellBehaved, reply, JSON.stringify(json))
  }

  function sendPage(
    request: FastifyRequest,
    reply: FastifyReply,
    all: readonly unknown[],
    more: StandinPulse = {},
  ): FastifyReply {
    const query = request.query as Query
    const limit = Math.min(maxLimit, positive(query.limit, defaultLimit))
    const page = positive(query.page, 1)
    const fault = faults.shift() ?? wellBehaved
    const self = pageAddress(request, page)
    const next = page * limit < all.length ? pageAddress(request, page + 1) : null
    const body = {
      results: all.slice((page - 1) * limit, page * limit),
      count: all.length,
      ...more,
      previous: page > 1 ? pageAddress(request, page - 1) : null,
      next: misleadNext(fault, { next, self }),
    }
    return sendFaulty(fault, reply, JSON.stringify(body))
  }

  app.get('/api/v1/pulses/subscribed', async (request, reply) => {
    const { modified_since: since, author_name: author } = request.query as Query
    const chosen = newestFirst(pulses).filter(
      (pulse) =>
        (since === undefined || momentOf(pulse) >= asUtc(since)) &&
        (author === undefined || pulse.author_name === author),
    )
    return sendPage(request, reply, chosen, { prefetch_pulse_ids: false, t: 0, t2: 0.01, t3: 0.02 })
  })

  app.get('/api/v1/pulses/subscribed_pulse_ids', async (request, reply) =>
    sendPage(request, reply, newestFirst(pulses).map(idOf)),
  )

  app.get('/api/v1/pulses/events', async (request, reply) => {
    const { since } = request.query as Query
    const chosen = events.filter(
      ({ created }) => since === undefined || asUtc(String(created)) >= asUtc(since),
    )
    return sendPage(request, reply, chosen)
  })

  app.get('/api/v1/users/me', async (_request, reply) =>
    send(reply, { username: 'taxiway_demo', user_id: 1, member_since: '2015-01-01T00:00:00' }),
  )

  app.get<{ Params: { id: string } }>('/api/v1/pulses/:id', async (request, reply) => {
    const pulse = pulses.get(request.params.id)
    return pulse ? send(reply, pulse) : reply.callNotFound()
  })

  app.get<{ Params: { id: string } }>('/api/v1/pulses/:id/indicators', async (request, reply) => {
    const pulse = pulses.get(request.params.id)
    if (!pulse) return reply.callNotFound()
    const withInactive = (request.query as Query).include_inactive === '1'
    const chosen = indicatorsOf(pulse).filter(
      ({ is_active: active }) => withInactive || active !== 0,
    )
    const judged = chosen.map((indicator) => ({
      false_positive: { assessment: '', assessment_date: null, report_date: null },
      ...indicator,
    }))
    return sendPage(request, reply, judged)
  })

  return {
    app,
    requests,
    revise(id, change) {
      const pulse = pulses.get(id)
      if (!pulse) throw new Error(`the stand-in has no pulse ${id}`)
      const revision = Number(pulse.revision ?? 0) + 1
      pulses.set(id, { ...pulse, revision, modified: otxTimestamp(now()), ...change })
    },
    add(pulse) {
      pulses.set(idOf(pulse), pulse)
    },
    remove(id) {
      if (!pulses.delete(id)) return
      const created = otxTimestamp(now())
      const event = { action: 'delete', object_type: 'pulse', object_id: id, created }
      events.push({ id: events.length + 1, ...event })
    },
    misbehave(...more) {
      faults.push(...more)
    },
  }
}

/** As OTX writes a moment: UTC, six digits, no zone. */
export function otxTimestamp(date: Date): string {
  return `${date.toISOString().slice(0, -1)}000`
}

function idOf(pulse: StandinPulse): string {
  return String(pulse.id ?? pulse._id)
}

function newestFirst(pulses: ReadonlyMap<string, StandinPulse>): StandinPulse[] {
  return [...pulses.values()].sort((a, b) => momentOf(b) - momentOf(a) || compare(idOf(a), idOf(b)))
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

function indicatorsOf(pulse: StandinPulse): readonly StandinPulse[] {
  return Array.isArray(pulse.indicators) ? pulse.indicators : []
}

/** Undated pulses, which the seeds have on purpose, count as the oldest. */
function momentOf(pulse: StandinPulse): number {
  return asUtc(String(pulse.modified)) || 0
}

function asUtc(text: string): number {
  return Date.parse(/(?:Z|[+-]\d\d:?\d\d)$/.test(text) ? text : `${text}Z`)
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
