import type { IncomingMessage, ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import type { FastifyInstance } from 'fastify'

export interface LingerLimits {
  /** how long in all the rest of a body is still taken once its request is answered */
  readonly lingerMs: number
  /** and how long nothing of it may come */
  readonly silenceMs: number
}

// As nginx has them: lingering_time and lingering_timeout.
const defaultLimits: LingerLimits = { lingerMs: 30_000, silenceMs: 5_000 }

// Sooner read to its end than a connection made anew.
const shortBytes = 65_536

/**
 * Answers that go out before the request's body is read, as refusals do, reach their client although it is still
 * sending. A connection that is closed with bytes unread is reset, and a reset takes the answer from the client
 * with it: so the rest is read and thrown away for a while, and only then the connection closed. What is short is
 * read to its end, and the connection stays.
 *
 * A client that waits for `100 Continue` gets it when its body is about to be read, so that what is refused by
 * its headers alone is never sent (RFC 9110, section 10.1.1).
 *
 * To be called before routes are added: it holds for all of `app`.
 */
export function answerBeforeTheEnd(app: FastifyInstance, limits: Partial<LingerLimits> = {}): void {
  const all = { ...defaultLimits, ...limits }
  const waiting = new WeakSet<IncomingMessage>()
  app.server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
    waiting.add(request)
    app.server.emit('request', request, response)
  })
  app.addHook('preParsing', async (request, reply) => {
    if (waiting.delete(request.raw)) reply.raw.writeContinue()
  })
  app.addHook('onSend', async ({ raw }, reply, payload) => {
    if (raw.readableEnded || raw.destroyed) return payload
    if (raw.complete || (isShort(raw) && !reply.hasHeader('Connection'))) {
      // What nobody reads would hold up the next request on this connection.
      throwAway(raw)
      return payload
    }
    if (!isBytes(payload)) return payload
    reply.header('Connection', 'close')
    reply.header('Content-Length', Buffer.byteLength(payload))
    return Readable.from(thenLinger(payload, raw, all), { objectMode: false })
  })
}

/** Whoever had begun to read has stopped: a listener that is left over would keep the rest from flowing. */
function throwAway(raw: IncomingMessage): void {
  raw
    .removeAllListeners('readable')
    .on('data', () => {})
    .resume()
}

function isBytes(payload: unknown): payload is string | Buffer {
  return typeof payload === 'string' || Buffer.isBuffer(payload)
}

function isShort({ headers }: IncomingMessage): boolean {
  return Number(headers['content-length'] ?? Number.NaN) <= shortBytes && !headers.expect
}

/** The answer is whole by its length, though its end is not told yet. */
async function* thenLinger(payload: string | Buffer, raw: IncomingMessage, limits: LingerLimits) {
  yield Buffer.from(payload)
  await readAway(raw, limits)
}

function readAway(raw: IncomingMessage, { lingerMs, silenceMs }: LingerLimits): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(all)
      clearTimeout(silence)
      raw.off('data', heard).off('end', done).off('close', done)
      resolve()
    }
    const all = setTimeout(done, lingerMs)
    const silence = setTimeout(done, silenceMs)
    const heard = () => silence.refresh()
    throwAway(raw)
    raw.on('data', heard).once('end', done).once('close', done)
    if (raw.readableEnded || raw.destroyed) done()
  })
}
