import type { FastifyReply } from 'fastify'

/** How one coming request is answered instead of properly. */
export type OtxFault =
  /** properly: lets faults begin at a later page */
  | { readonly kind: 'none' }
  | { readonly kind: 'html-error'; readonly status: 502 | 503 | 504 }
  | { readonly kind: 'too-many-requests'; readonly retryAfter?: string }
  | { readonly kind: 'truncated-json' }
  | { readonly kind: 'html-page' }
  | { readonly kind: 'foreign-next'; readonly origin: string }
  /** `next` is the address that was asked for */
  | { readonly kind: 'repeated-page' }
  /** never goes on, from before the headers or from the middle of the body */
  | { readonly kind: 'stalled'; readonly from: 'headers' | 'body' }
  /** sends the body in small pieces */
  | { readonly kind: 'slow'; readonly pieceBytes: number; readonly pauseMs: number }
  | { readonly kind: 'connection-reset' }

const gatewayHtml = (status: number) =>
  `<html><head><title>${status}</title></head><body><center><h1>${status}</h1></center></body></html>`

/** What a fault changes in a page before it is sent. */
export function misleadNext(
  fault: OtxFault,
  page: { readonly next: string | null; readonly self: string },
): string | null {
  if (fault.kind === 'repeated-page') return page.self
  if (fault.kind !== 'foreign-next') return page.next
  const url = new URL(page.self)
  return `${fault.origin}${url.pathname}${url.search}`
}

/** Sends `body` as JSON in the way that the fault describes. */
export function sendFaulty(fault: OtxFault, reply: FastifyReply, body: string): FastifyReply {
  switch (fault.kind) {
    case 'html-error':
      return reply.code(fault.status).type('text/html').send(gatewayHtml(fault.status))
    case 'html-page':
      return reply.type('text/html').send(gatewayHtml(200))
    case 'too-many-requests':
      if (fault.retryAfter !== undefined) reply.header('retry-after', fault.retryAfter)
      return reply.code(429).send({ detail: 'Request was throttled.' })
    case 'truncated-json':
      return reply.type('application/json').send(body.slice(0, Math.floor(body.length / 2)))
    case 'stalled':
      reply.hijack()
      if (fault.from === 'body') {
        reply.raw.writeHead(200, headersOf(body))
        reply.raw.write(body.slice(0, Math.floor(body.length / 2)))
      }
      return reply
    case 'slow':
      reply.hijack()
      reply.raw.writeHead(200, headersOf(body))
      drip(reply, Buffer.from(body), fault)
      return reply
    case 'connection-reset':
      reply.hijack()
      reply.raw.socket?.resetAndDestroy()
      return reply
    default:
      return reply.type('application/json').send(body)
  }
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
