import { connect, type Socket } from 'node:net'
import { basic, password, pollRequest, type TestServer, taxiiHeaders } from './server.ts'

interface Teardown {
  teardown(end: () => void): void
}

/** A connection on which a test says what it likes. */
export interface RawClient {
  readonly socket: Socket
  /** everything that has come so far */
  text(): string
  /** when the server has ended it, with all that came */
  readonly ended: Promise<string>
  /** when something that matches has come */
  came(pattern: RegExp): Promise<void>
}

/** @param from the client's own address, such as 127.0.0.2 */
export async function connectRaw(
  t: Teardown,
  port: number,
  { from, reads = true }: { readonly from?: string; readonly reads?: boolean } = {},
): Promise<RawClient> {
  const socket = connect({ port, host: '127.0.0.1', ...(from && { localAddress: from }) })
  t.teardown(() => socket.destroy())
  let text = ''
  const looks = new Set<() => void>()
  const look = () => {
    for (const one of looks) one()
  }
  // To be reset is an end too.
  socket.on('error', () => {})
  const ended = new Promise<string>((resolve) => socket.once('close', () => resolve(text)))
  socket.once('close', look)
  if (reads) {
    socket.setEncoding('latin1').on('data', (piece: unknown) => {
      text += piece
      look()
    })
  }
  await new Promise<void>((resolve) => {
    socket.once('connect', () => resolve()).once('close', () => resolve())
  })
  return {
    socket,
    text: () => text,
    ended,
    came: (pattern) =>
      new Promise((resolve, reject) => {
        const find = () => {
          if (!pattern.test(text) && !socket.closed) return
          looks.delete(find)
          if (pattern.test(text)) resolve()
          else reject(new Error(`it ended without ${pattern}:\n${text.slice(-2_000)}`))
        }
        looks.add(find)
        find()
      }),
  }
}

/** A whole request for a poll, or its head alone where `length` says how much is to come. */
export function rawPoll(
  server: TestServer,
  { body = pollRequest(), length }: { readonly body?: string; readonly length?: number } = {},
): string {
  const headers = {
    ...taxiiHeaders,
    Host: `127.0.0.1:${server.port}`,
    Authorization: basic('esa1', password),
    'Content-Length': length ?? Buffer.byteLength(body),
  }
  const head = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  return `POST /taxii/poll HTTP/1.1\r\n${head.join('')}\r\n${length === undefined ? body : ''}`
}
