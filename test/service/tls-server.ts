import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls'
import Fastify from 'fastify'
import type { TlsConfig } from '../../src/config-tls.ts'
import { findClientCertificate } from '../../src/http/client-certificate.ts'
import { type Connections, trackConnections } from '../../src/http/connections.ts'
import type { ClientCertificate } from '../../src/model/account.ts'
import { openTls, type Tls } from '../../src/tls.ts'
import { reportHandshakes } from '../../src/tls-handshakes.ts'

/** The part of tap's `t` that this needs. */
interface Teardown {
  teardown(work: () => Promise<void>): void
}

export interface TlsServer {
  readonly port: number
  readonly tls: Tls
  readonly connections: Connections
  /** what was logged, a line each: its level and its text, without what is for debugging */
  readonly logged: string[]
  /** Waits until a line of the log matches. */
  told(pattern: RegExp): Promise<string>
  /** what `GET /slow` answers with; until then it waits */
  readonly slow: PromiseWithResolvers<string>
  close(): Promise<void>
}

export interface TlsServerOptions {
  readonly clock?: () => Date
  readonly handshakeTimeout?: number
}

/** TLS as the service speaks it, over a server that tells which certificate its client has shown. */
export async function startTlsServer(
  t: Teardown,
  config: Partial<TlsConfig> & Pick<TlsConfig, 'certFile' | 'keyFile'>,
  { clock = () => new Date(), ...more }: TlsServerOptions = {},
): Promise<TlsServer> {
  const logged: string[] = []
  const listening = new Set<() => void>()
  const write =
    (level: string) =>
    (details: object | string, message = String(details)) => {
      logged.push(`${level} ${message}`)
      for (const look of listening) look()
    }
  const log = {
    debug: () => {},
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
  }
  const tls = await openTls(
    {
      keyPassphrase: undefined,
      clientCaFile: undefined,
      clientCertificates: config.clientCaFile === undefined ? 'none' : 'optional',
      minVersion: 'TLSv1.2',
      ...config,
    },
    { log, clock },
  )
  const app = Fastify({ https: { ...tls.serverOptions, ...more }, forceCloseConnections: 'idle' })
  const slow = Promise.withResolvers<string>()
  app.get('/', (request) => ({
    certificate: findClientCertificate(request as never, clock()) ?? null,
  }))
  app.get('/slow', () => slow.promise)
  const connections = trackConnections(app.server)
  reportHandshakes(app.server, log)
  tls.follow(app.server, () => connections.endPresent())
  await app.listen({ host: '127.0.0.1', port: 0 })
  const { port } = app.server.address() as AddressInfo
  const close = async () => {
    connections.endIdle()
    await app.close()
  }
  t.teardown(async () => {
    connections.cut()
    await app.close()
  })
  return {
    port,
    tls,
    connections,
    logged,
    slow,
    close,
    told: (pattern) =>
      new Promise((resolve, reject) => {
        const late = setTimeout(() => {
          reject(new Error(`nothing was told of ${pattern}:\n${logged.join('\n')}`))
        }, 10_000)
        const look = () => {
          const line = logged.find((one) => pattern.test(one))
          if (line === undefined) return
          listening.delete(look)
          clearTimeout(late)
          resolve(line)
        }
        listening.add(look)
        look()
      }),
  }
}

export type ClientOptions = Omit<ConnectionOptions, 'host' | 'port'>

/** @throws what ends the handshake */
export async function connectTls(port: number, options: ClientOptions): Promise<TLSSocket> {
  const socket = connect({ host: '127.0.0.1', port, ...options })
  await once(socket, 'secureConnect')
  // A server of TLS 1.3 that refuses says so after the client's part of the handshake.
  socket.on('error', () => {})
  return socket
}

/** Asks on this connection, which stays open. @throws when it ends before the answer */
export async function askOn(socket: TLSSocket, path = '/'): Promise<string> {
  let got = Buffer.alloc(0)
  return new Promise((resolve, reject) => {
    const onData = (data: Buffer) => {
      got = Buffer.concat([got, data])
      const at = got.indexOf('\r\n\r\n')
      const length = /content-length: (\d+)/i.exec(got.toString())?.[1]
      if (at === -1 || got.length - at - 4 < Number(length)) return
      finish()
      resolve(got.subarray(at + 4).toString())
    }
    const onEnd = (error?: Error | boolean) => {
      finish()
      reject(error instanceof Error ? error : new Error('the connection ended without an answer'))
    }
    const finish = () => {
      socket.off('data', onData).off('error', onEnd).off('close', onEnd)
    }
    socket.on('data', onData).once('error', onEnd).once('close', onEnd)
    if (socket.destroyed) onEnd()
    else socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`)
  })
}

/** @returns the certificate by which the server knows this client; null: none */
export async function askWho(socket: TLSSocket): Promise<ClientCertificate | null> {
  return (JSON.parse(await askOn(socket)) as { certificate: ClientCertificate | null }).certificate
}
