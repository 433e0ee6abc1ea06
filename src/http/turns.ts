import type { RequestListener } from 'node:http'
import type { Socket } from 'node:net'

export interface TurnLimits {
  readonly maxWaiting: number
  /** is told once of a connection */
  readonly onTooMany: (socket: Socket) => void
}

/**
 * Hands on the requests of one connection one after the other: each when the one before it is answered. Node
 * hands on all that a client has pipelined at once, however many.
 *
 * A client that has more than `maxWaiting` waiting gets the answers to these, then 503, and its connection
 * ends. No more is read from it.
 */
export function inTurn(
  handler: RequestListener,
  { maxWaiting, onTooMany }: TurnLimits,
): RequestListener {
  const lines = new WeakMap<Socket, (() => void)[]>()
  const full = new WeakSet<Socket>()
  return (request, response) => {
    const { socket } = request
    const answer = () => {
      response.once('close', () => {
        const line = lines.get(socket)
        const next = line?.shift()
        if (!next) lines.delete(socket)
        else if (!socket.destroyed) next()
      })
      handler(request, response)
    }
    const line = lines.get(socket)
    if (!line) {
      lines.set(socket, [])
      answer()
    } else if (full.has(socket)) {
      // What Node had read before the pause.
      socket.pause()
    } else if (line.length < maxWaiting) {
      line.push(answer)
    } else {
      full.add(socket)
      socket.pause()
      onTooMany(socket)
      // It waits its turn within Node, as an answer.
      response.writeHead(503, { connection: 'close', 'content-length': 0 }).end()
    }
  }
}
