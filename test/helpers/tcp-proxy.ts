import { connect, createServer, type Socket } from 'node:net'

/** The part of tap's `t` that this needs. */
interface Teardown {
  teardown(work: () => Promise<void>): void
}

export interface TcpProxy {
  readonly port: number
  /** Breaks every connection and refuses new ones, as a server does that has gone away. */
  cut(): Promise<void>
  /** Passes nothing on and breaks nothing, as a network does that swallows everything. */
  freeze(): void
  /** Lets connections through again, frozen ones too. */
  restore(): Promise<void>
}

/** Stands between a client and a server on this machine, and takes the server away when told to. */
export async function startTcpProxy(t: Teardown, targetPort: number): Promise<TcpProxy> {
  const sockets = new Set<Socket>()
  let frozen = false
  const server = createServer((client) => {
    const upstream = connect(targetPort, '127.0.0.1')
    const pair = [client, upstream] as const
    for (const [from, to] of [pair, [upstream, client]] as const) {
      sockets.add(from)
      from.on('data', (data) => {
        if (!to.write(data)) from.pause()
      })
      to.on('drain', () => {
        if (!frozen) from.resume()
      })
      from.on('end', () => to.end())
      from.on('error', () => to.destroy())
      from.on('close', () => {
        sockets.delete(from)
        to.destroy()
      })
      if (frozen) from.pause()
    }
  })
  const listen = (port: number) =>
    new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(port, '127.0.0.1', () => {
        server.off('error', reject)
        resolve()
      })
    })
  const cut = async () => {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()))
    for (const socket of sockets) socket.resetAndDestroy()
    await closed
  }
  await listen(0)
  const { port } = server.address() as { port: number }
  t.teardown(async () => {
    if (server.listening) await cut()
  })
  return {
    port,
    cut,
    freeze() {
      frozen = true
      for (const socket of sockets) socket.pause()
    },
    async restore() {
      frozen = false
      for (const socket of sockets) socket.resume()
      if (!server.listening) await listen(port)
    },
  }
}
