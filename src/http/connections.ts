import type { Server } from 'node:http'
import type { Server as HttpsServer } from 'node:https'
import type { Socket } from 'node:net'
import { type TLSSocket, Server as TlsServer } from 'node:tls'

export interface Connections {
  /** Ends those that no answer is under way on, now and as soon as one is sent. */
  endIdle(): void
  /** As `endIdle`, but of those alone that are open now: later ones stay. */
  endPresent(): void
  /** Ends all, in the middle of an answer too. */
  cut(): void
}

/**
 * Knows which connections still owe an answer. Node itself ends those that are idle when the server is
 * closed, but neither one whose last answer is sent after that nor one that has not asked anything yet:
 * either holds up the end for as long as its client likes.
 */
export function trackConnections(server: Server | HttpsServer): Connections {
  const owed = new Map<Socket, number>()
  let ending = false
  const leaving = new WeakSet<Socket>()
  const track = (socket: Socket) => {
    owed.set(socket, 0)
    socket.once('close', () => owed.delete(socket))
  }
  if (server instanceof TlsServer) trackTls(server, owed, track)
  else server.on('connection', track)
  server.on('request', ({ socket }, response) => {
    owed.set(socket, (owed.get(socket) ?? 0) + 1)
    response.once('close', () => {
      const left = (owed.get(socket) ?? 1) - 1
      if (owed.has(socket)) owed.set(socket, left)
      if ((ending || leaving.has(socket)) && left === 0) socket.destroySoon()
    })
  })
  const endThoseIdle = () => {
    for (const [socket, answers] of owed) if (answers === 0) socket.destroySoon()
  }
  return {
    endIdle() {
      ending = true
      endThoseIdle()
    },
    endPresent() {
      for (const socket of owed.keys()) leaving.add(socket)
      endThoseIdle()
    },
    cut() {
      for (const socket of owed.keys()) socket.destroy()
    },
  }
}

/**
 * A connection is known by its bare socket until the handshake is over, and from then on by the one that
 * requests come from: what is ended in the bare one would be cut off, not ended.
 */
function trackTls(
  server: TlsServer,
  owed: Map<Socket, number>,
  track: (socket: Socket) => void,
): void {
  const greeting = new Map<string, Socket>()
  server.on('connection', (bare: Socket) => {
    track(bare)
    const peer = peerOf(bare)
    greeting.set(peer, bare)
    bare.once('close', () => {
      if (greeting.get(peer) === bare) greeting.delete(peer)
    })
  })
  server.on('secureConnection', (socket: TLSSocket) => {
    const peer = peerOf(socket)
    const bare = greeting.get(peer)
    if (bare) owed.delete(bare)
    greeting.delete(peer)
    track(socket)
  })
}

function peerOf({ remoteAddress, remotePort, localAddress, localPort }: Socket): string {
  return [remoteAddress, remotePort, localAddress, localPort].join(' ')
}
