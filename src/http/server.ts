import { createServer, type RequestListener, type Server } from 'node:http'
import {
  createServer as createTlsServer,
  type Server as HttpsServer,
  type ServerOptions,
} from 'node:https'
import type { Socket } from 'node:net'
import type { OnEnded } from './endings.ts'
import type { ConnectionLimits } from './limits.ts'
import { describeProblem } from './problem.ts'
import { inTurn } from './turns.ts'

export interface BoundedServer {
  /** for Fastify's `serverFactory` */
  createServer(handler: RequestListener): Server | HttpsServer
  /** for Fastify's `clientErrorHandler`: answers what is no HTTP, or comes too slowly, and ends its connection */
  onClientError(error: NodeJS.ErrnoException, socket: Socket): void
}

// How late a request that comes too slowly is seen, at most.
const checkMs = 1_000
// How long what a client goes on sending is thrown away once it was refused.
const lingerMs = 2_000

/**
 * A server whose clients cannot hold it up: they have so long for a request, take their answers, and are
 * answered in turn on each connection.
 * @param tls undefined: plain HTTP
 */
export function boundedServer({
  tls,
  limits,
  onEnded,
}: {
  readonly tls: ServerOptions | undefined
  readonly limits: ConnectionLimits
  readonly onEnded: OnEnded
}): BoundedServer {
  const { headSeconds, requestSeconds, sendSeconds, idleSeconds } = limits
  const latest = new WeakMap<Socket, Parameters<RequestListener>>()
  const refused = new WeakSet<Socket>()
  const isAnswering = (socket: Socket) => {
    const [, response] = latest.get(socket) ?? []
    return response !== undefined && !response.closed
  }

  return {
    createServer(handler) {
      const options = {
        requestTimeout: requestSeconds * 1_000,
        // Node wants it no longer than that of the whole request.
        headersTimeout: Math.min(headSeconds, requestSeconds) * 1_000,
        keepAliveTimeout: idleSeconds * 1_000,
        connectionsCheckingInterval: checkMs,
      }
      const turns = inTurn(handler, {
        maxWaiting: limits.maxPipelinedRequests,
        onTooMany: (socket) => onEnded('pipelined', socket.remoteAddress),
      })
      const listener: RequestListener = (request, response) => {
        latest.set(request.socket, [request, response])
        turns(request, response)
      }
      const server = tls
        ? createTlsServer({ ...tls, ...options }, listener)
        : createServer(options, listener)
      // Nothing was sent or taken for so long. It is also what ends a connection between requests.
      server.setTimeout(sendSeconds * 1_000, (socket: Socket) => {
        if (!isAnswering(socket)) {
          socket.destroySoon()
        } else if (socket.writableLength > 0) {
          onEnded('not reading', socket.remoteAddress)
          socket.destroy()
        } else {
          // It waits for us, or goes on sending its request, which has a limit of its own.
          socket.setTimeout(sendSeconds * 1_000)
        }
      })
      return server
    },
    onClientError(error, socket) {
      // Of a connection that was answered, what still comes is no request either.
      if (error.code === 'ECONNRESET' || socket.destroyed || refused.has(socket)) return
      const [request, response] = latest.get(socket) ?? []
      if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT') {
        // Clients open connections ahead of their requests; an answer to none would be taken for the next.
        if (socket.bytesRead === 0) return void socket.destroy()
        const isBody = request !== undefined && !request.complete
        onEnded(isBody ? 'slow body' : 'slow head', socket.remoteAddress)
      }
      // In the midst of an answer, another would be taken for a part of it.
      const isNext = response?.socket === socket && !response.headersSent
      const isClean = request?.complete === false ? isNext : !isAnswering(socket)
      const isSlow = error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
      if (isClean && isSlow) socket.write(refusalOf(error))
      if (isSlow || !isClean || !socket.writable) return void socket.destroy(error)
      refused.add(socket)
      socket.end(refusalOf(error))
      // Closed with bytes unread it would be reset, which takes the answer from the client: Node reads on.
      const cut = setTimeout(() => socket.destroy(), lingerMs).unref()
      socket.once('close', () => clearTimeout(cut))
    },
  }
}

function refusalOf({ code }: NodeJS.ErrnoException): string {
  const problem =
    code === 'ERR_HTTP_REQUEST_TIMEOUT'
      ? describeProblem(408, 'REQUEST_TIMEOUT', 'The request took too long to arrive.')
      : code === 'HPE_HEADER_OVERFLOW'
        ? describeProblem(431, 'HEADERS_TOO_LARGE', 'The head of the request is larger than 16 kB.')
        : describeProblem(400, 'BAD_REQUEST', 'This is no request of HTTP/1.1.')
  const body = JSON.stringify(problem)
  return [
    `HTTP/1.1 ${problem.status} ${problem.title}`,
    'Connection: close',
    'Content-Type: application/problem+json',
    `Content-Length: ${Buffer.byteLength(body)}`,
    '',
    body,
  ].join('\r\n')
}
