import type { RequestListener } from 'node:http'
import type { Socket } from 'node:net'

export interface TurnLimits {
  readonly maxWaiting: number
  /** is told of a connection that is ended for it */
  readonly onTooMany: (socket: Socket) => void
}

/**
 * Hands on the requests of one connection one after the other: each when the one before it is answered. Node
 * hands on all that a client has pipelined at once, however many. A connection with more than `maxWaiting`
 * requests waiting is cut: Node goes on reading as long as it is open, whoever pauses it.
 */
export function inTurn(
  handler: RequestListener,
  { maxWaiting, onTooMany }: TurnLimits,
): RequestListener {
  const lines = new WeakMap<Socket, (() => void)[]>()
  return (request, response) => {
    const { socket } = request
    // What Node had read before the cut.
    if (socket.destroyed) return
    const answer = () => {
      response.once('close', () => {
        const next = lines.get(socket)?.shift()
        if (!next) lines.delete(socket)
        else if (!socket.destroyed) next()
      })
      handler(request, response)
    }
    const line = lines.get(socket)
    if (!line) {
      lines.set(socket, [])
      answer()
    } else if (line.length < maxWaiting) {
      line.push(answer)
    } else {
      onTooMany(socket)
      socket.destroy()
    }
  }
}
