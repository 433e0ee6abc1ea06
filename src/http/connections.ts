import type { Server } from 'node:http'
import type { Server as HttpsServer } from 'node:https'
import type { Socket } from 'node:net'
import { type TLSSocket, Server as TlsServer } from 'node:tls'
import { clientNetwork } from '../security/client-network.ts'
import { createMakeRoom, type Open, type RoomOptions } from './room.ts'

export interface Connections {
  /** Ends those that no answer is under way on, now and as soon as one is sent. */
  endIdle(): void
  /** As `endIdle`, but of those alone that are open now: later ones stay. */
  endPresent(): void
  /** Ends all, in the middle of an answer too. */
  cut(): void
  /** how many are open, and on how many of them an answer is under way */
  count(): { readonly open: number; readonly answering: number }
}

interface Tracked {
  readonly network: string
  answers: number
}

/**
 * Knows which connections still owe an answer. Node itself ends those that are idle when the server is
 * closed, but neither one whose last answer is sent after that nor one that has not asked anything yet:
 * either holds up the end for as long as its client likes.
 * @param room bounds how many there are; absent: any number
 */
export function trackConnections(server: Server | HttpsServer, room?: RoomOptions): Connections {
  const all = new Map<Socket, Tracked>()
  const counts = new Map<string, number>()
  const open: Open = { all, countOf: (network) => counts.get(network) ?? 0 }
  const makeRoom = room && createMakeRoom(room)
  let ending = false
  const leaving = new WeakSet<Socket>()

  const join = (socket: Socket, network: string) => {
    all.set(socket, { network, answers: 0 })
    counts.set(network, open.countOf(network) + 1)
    socket.once('close', () => leave(socket))
  }
  const leave = (socket: Socket) => {
    const tracked = all.get(socket)
    if (!tracked) return
    all.delete(socket)
    const left = open.countOf(tracked.network) - 1
    if (left > 0) counts.set(tracked.network, left)
    else counts.delete(tracked.network)
  }
  const take = (socket: Socket) => {
    const { remoteAddress: address } = socket
    // Gone before it was looked at, or of a socket that has no addresses.
    if (address === undefined) return join(socket, '')
    const network = clientNetwork(address)
    const made = makeRoom?.({ address, network }, open)
    if (made?.instead) {
      leave(made.instead)
      made.instead.destroySoon()
    }
    if (made?.isRoom === false) socket.destroy()
    else join(socket, network)
  }

  server.on('connection', take)
  if (server instanceof TlsServer) followHandshakes(server, { leave, join })
  server.on('request', ({ socket }, response) => {
    const tracked = all.get(socket)
    if (tracked) tracked.answers += 1
    response.once('close', () => {
      if (!tracked) return
      tracked.answers -= 1
      if (tracked.answers > 0 || all.get(socket) !== tracked) return
      // It was busy last.
      all.delete(socket)
      all.set(socket, tracked)
      if (ending || leaving.has(socket)) socket.destroySoon()
    })
  })
  const endThoseIdle = () => {
    for (const [socket, { answers }] of all) if (answers === 0) socket.destroySoon()
  }
  return {
    endIdle() {
      ending = true
      endThoseIdle()
    },
    endPresent() {
      for (const socket of all.keys()) leaving.add(socket)
      endThoseIdle()
    },
    cut() {
      for (const socket of all.keys()) socket.destroy()
    },
    count() {
      let answering = 0
      for (const { answers } of all.values()) if (answers > 0) answering += 1
      return { open: all.size, answering }
    },
  }
}

/**
 * A connection is known by its bare socket until the handshake is over, and from then on by the one that
 * requests come from: what is ended in the bare one would be cut off, not ended.
 */
function followHandshakes(
  server: TlsServer,
  {
    leave,
    join,
  }: { leave: (socket: Socket) => void; join: (socket: Socket, network: string) => void },
): void {
  const greeting = new Map<string, Socket>()
  server.on('connection', (bare: Socket) => {
    const peer = peerOf(bare)
    greeting.set(peer, bare)
    bare.once('close', () => {
      if (greeting.get(peer) === bare) greeting.delete(peer)
    })
  })
  server.on('secureConnection', (socket: TLSSocket) => {
    const peer = peerOf(socket)
    const bare = greeting.get(peer)
    if (bare) leave(bare)
    greeting.delete(peer)
    join(socket, clientNetwork(socket.remoteAddress ?? ''))
  })
}

function peerOf({ remoteAddress, remotePort, localAddress, localPort }: Socket): string {
  return [remoteAddress, remotePort, localAddress, localPort].join(' ')
}
