import type { Server } from 'node:http'
import type { Socket } from 'node:net'

export interface Connections {
  /** Ends those that no answer is under way on, now and as soon as one is sent. */
  endIdle(): void
  /** Ends all, in the middle of an answer too. */
  cut(): void
}

/**
 * Knows which connections still owe an answer. Node itself ends those that are idle when the server is
 * closed, but neither one whose last answer is sent after that nor one that has not asked anything yet:
 * either holds up the end for as long as its client likes.
 */
export function trackConnections(server: Server): Connections {
  const owed = new Map<Socket, number>()
  let ending = false
  server.on('connection', (socket: Socket) => {
    owed.set(socket, 0)
    socket.once('close', () => owed.delete(socket))
  })
  server.on('request', ({ socket }, response) => {
    owed.set(socket, (owed.get(socket) ?? 0) + 1)
    response.once('close', () => {
      const left = (owed.get(socket) ?? 1) - 1
      if (owed.has(socket)) owed.set(socket, left)
      if (ending && left === 0) socket.destroySoon()
    })
  })
  return {
    endIdle() {
      ending = true
      for (const [socket, answers] of owed) if (answers === 0) socket.destroySoon()
    },
    cut() {
      for (const socket of owed.keys()) socket.destroy()
    },
  }
}
