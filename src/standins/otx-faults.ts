import { gzipSync } from 'node:zlib'
import type { FastifyReply } from 'fastify'

/** How one coming request is answered instead of properly. */
export type OtxFault =
  /** properly: lets faults begin at a later page */
  | { readonly kind: 'none' }
  | { readonly kind: 'html-error'; readonly status: 502 | 503 | 504; readonly retryAfter?: string }
  | { readonly kind: 'too-many-requests'; readonly retryAfter?: string }
  /** a refusal in OTX's own words */
  | { readonly kind: 'refusal'; readonly status: number; readonly detail: string }
  | { readonly kind: 'redirect'; readonly location: string }
  | { readonly kind: 'truncated-json' }
  | { readonly kind: 'empty-body' }
  | { readonly kind: 'html-page' }
  /** proper JSON of another kind than was asked for, as from a cache that mixes up answers */
  | { readonly kind: 'other-json'; readonly json: unknown }
  | { readonly kind: 'foreign-next'; readonly origin: string }
  /** `next` is the address that was asked for */
  | { readonly kind: 'repeated-page' }
  /** a `next` of the test's own making */
  | { readonly kind: 'next'; readonly next: unknown }
  /** there is always a next page, and its address is always new */
  | { readonly kind: 'endless' }
  | { readonly kind: 'wrong-count'; readonly count: unknown }
  /** a page without records; `next` and `count` are as they should be */
  | { readonly kind: 'empty-page' }
  /** never goes on, from before the headers or from the middle of the body */
  | { readonly kind: 'stalled'; readonly from: 'headers' | 'body' }
  /** sends the body in small pieces */
  | { readonly kind: 'slow'; readonly pieceBytes: number; readonly pauseMs: number }
  /** before the headers, unless another place is named */
  | { readonly kind: 'connection-reset'; readonly from?: 'headers' | 'body' }
  /** gzip that ends early */
  | { readonly kind: 'damaged-gzip' }
  /** gzip of a valid page with so many spaces behind it */
  | { readonly kind: 'gzip-bomb'; readonly inflatedBytes: number }
  /** the body as it is, under this name of an encoding */
  | { readonly kind: 'encoding'; readonly name: string }

/** What faults change in a page before it is sent. */
export interface MisleadablePage {
  readonly results: readonly unknown[]
  readonly count: unknown
  readonly next: unknown
}

const gatewayHtml = (status: number) =>
  `<html><head><title>${status}</title></head><body><center><h1>${status}</h1></center></body></html>`

/** @param self the page's own address */
export function misleadPage(fault: OtxFault, page: MisleadablePage, self: string): MisleadablePage {
  const url = new URL(self)
  switch (fault.kind) {
    case 'repeated-page':
      return { ...page, next: self }
    case 'foreign-next':
      return { ...page, next: `${fault.origin}${url.pathname}${url.search}` }
    case 'next':
      return { ...page, next: fault.next }
    case 'endless':
      url.searchParams.set('page', String(Number(url.searchParams.get('page') ?? 1) + 1))
      url.searchParams.set('again', String(Number(url.searchParams.get('again') ?? 0) + 1))
      return { ...page, next: url.href }
    case 'wrong-count':
      return { ...page, count: fault.count }
    case 'empty-page':
      return { ...page, results: [] }
    default:
      return page
  }
}

/** Sends `body` as JSON in the way that the fault describes. */
export function sendFaulty(fault: OtxFault, reply: FastifyReply, body: string): FastifyReply {
  switch (fault.kind) {
    case 'html-error':
      if (fault.retryAfter !== undefined) reply.header('retry-after', fault.retryAfter)
      return reply.code(fault.status).type('text/html').send(gatewayHtml(fault.status))
    case 'html-page':
      return reply.type('text/html').send(gatewayHtml(200))
    case 'too-many-requests':
      if (fault.retryAfter !== undefined) reply.header('retry-after', fault.retryAfter)
      return reply.code(429).send({ detail: 'Request was throttled.' })
    case 'refusal':
      return reply.code(fault.status).send({ detail: fault.detail })
    case 'redirect':
      return reply.redirect(fault.location, 302)
    case 'truncated-json':
      return sendJson(reply, half(body))
    case 'empty-body':
      return sendJson(reply, '')
    case 'other-json':
      return sendJson(reply, JSON.stringify(fault.json))
    case 'damaged-gzip': {
      const gzip = gzipSync(body)
      return sendEncoded(reply, 'gzip', gzip.subarray(0, gzip.length / 2))
    }
    case 'gzip-bomb':
      return sendEncoded(reply, 'gzip', gzipSync(body.padEnd(fault.inflatedBytes)))
    case 'encoding':
      return sendEncoded(reply, fault.name, Buffer.from(body))
    case 'stalled':
      reply.hijack()
      if (fault.from === 'body') sendHalf(reply, body)
      return reply
    case 'slow':
      reply.hijack()
      reply.raw.writeHead(200, headersOf(body))
      drip(reply, Buffer.from(body), fault)
      return reply
    case 'connection-reset': {
      reply.hijack()
      const { socket } = reply.raw
      if (fault.from === 'body') sendHalf(reply, body, () => socket?.resetAndDestroy())
      else socket?.resetAndDestroy()
      return reply
    }
    default:
      return sendJson(reply, body)
  }
}

function sendJson(reply: FastifyReply, body: string): FastifyReply {
  return reply.type('application/json').send(body)
}

function sendEncoded(reply: FastifyReply, encoding: string, body: Buffer): FastifyReply {
  return reply.type('application/json').header('content-encoding', encoding).send(body)
}

function sendHalf(reply: FastifyReply, body: string, done?: () => void): void {
  reply.raw.writeHead(200, headersOf(body))
  reply.raw.write(half(body), () => done?.())
}

function half(body: string): string {
  return body.slice(0, Math.floor(body.length / 2))
}

function headersOf(body: string): Record<string, string | number> {
  return { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }
}

function drip(
  reply: FastifyReply,
  body: Buffer,
  { pieceBytes, pauseMs }: { readonly pieceBytes: number; readonly pauseMs: number },
): void {
  let sent = 0
  const timer = setInterval(() => {
    reply.raw.write(body.subarray(sent, sent + pieceBytes))
    sent += pieceBytes
    if (sent < body.length) return
    clearInterval(timer)
    reply.raw.end()
  }, pauseMs)
  reply.raw.on('close', () => clearInterval(timer))
}
