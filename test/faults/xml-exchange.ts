import { connect, type Socket } from 'node:net'

/** An answer as it stood on the wire. */
export interface HttpAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
}

export type Received =
  | { readonly kind: 'answer'; readonly answer: HttpAnswer }
  /** the connection ended without a whole answer */
  | { readonly kind: 'ended'; readonly error: string | undefined; readonly came: Buffer }
  | { readonly kind: 'silence' }

/** One connection, on which any bytes can be sent and answers are read one after the other. */
export interface Wire {
  readonly socket: Socket
  /**
   * Sends in so many pieces, each a write of its own; a connection that is gone is not an error here.
   * @returns false when the server has taken nothing more for too long
   */
  send(bytes: Uint8Array, withinMs: number, pieces?: number): Promise<boolean>
  /** Reads the next answer, those of status 1xx left out. */
  receive(withinMs: number): Promise<Received>
  /** Waits for `100 Continue`, or any answer. */
  sawAnything(withinMs: number): Promise<void>
  close(): void
}

export function openWire(url: string): Wire {
  const { hostname, port } = new URL(url)
  const socket = connect({ host: hostname, port: Number(port), noDelay: true })
  let came = Buffer.alloc(0)
  let over = false
  let error: string | undefined
  let wake = () => {}
  socket.on('data', (bytes: Buffer) => {
    came = Buffer.concat([came, bytes])
    wake()
  })
  socket.on('error', (cause: NodeJS.ErrnoException) => {
    error = cause.code ?? cause.message
  })
  for (const event of ['end', 'close'] as const) {
    socket.on(event, () => {
      over = true
      wake()
    })
  }

  /** @returns undefined when there was nothing to find in time */
  async function waitFor<T>(find: () => T | undefined, withinMs: number): Promise<T | undefined> {
    const end = performance.now() + withinMs
    for (;;) {
      const found = find()
      const left = end - performance.now()
      if (found !== undefined || left <= 0) return found
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left)
        wake = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
  }

  return {
    socket,
    async send(bytes, withinMs, pieces = 1) {
      const length = Math.max(1, Math.ceil(bytes.length / pieces))
      for (let at = 0; at < bytes.length && socket.writable; at += length) {
        socket.write(bytes.subarray(at, at + length))
        if (pieces > 1) await new Promise((resolve) => setImmediate(resolve))
        if (socket.writableNeedDrain && !(await drained(socket, withinMs))) return false
      }
      return true
    },
    async receive(withinMs) {
      const found = await waitFor((): Received | undefined => {
        const next = readAnswer(came, over)
        if (next) {
          came = next.rest
          return { kind: 'answer', answer: next.answer }
        }
        return over ? { kind: 'ended', error, came } : undefined
      }, withinMs)
      return found ?? { kind: 'silence' }
    },
    async sawAnything(withinMs) {
      await waitFor(() => (came.length > 0 || over ? true : undefined), withinMs)
    },
    close: () => socket.destroy(),
  }
}

function drained(socket: Socket, withinMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer)
      socket.off('drain', done).off('close', done).off('end', done)
      resolve(true)
    }
    const timer = setTimeout(() => {
      resolve(false)
      done()
    }, withinMs)
    socket.on('drain', done).on('close', done).on('end', done)
  })
}

function readAnswer(
  came: Buffer,
  over: boolean,
): { readonly answer: HttpAnswer; readonly rest: Buffer<ArrayBuffer> } | undefined {
  const headEnd = came.indexOf('\r\n\r\n')
  if (headEnd < 0) return undefined
  const [first = '', ...lines] = came.toString('latin1', 0, headEnd).split('\r\n')
  const status = Number(/^HTTP\/1\.[01] (\d{3})/.exec(first)?.[1] ?? 0)
  const after = Buffer.from(came.subarray(headEnd + 4))
  if (status >= 100 && status < 200) return readAnswer(after, over)
  const headers: Record<string, string> = {}
  for (const line of lines) {
    const colon = line.indexOf(':')
    headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim()
  }
  if (headers['transfer-encoding']?.toLowerCase() === 'chunked') {
    const read = readChunks(after)
    return read && { answer: { status, headers, body: read.body }, rest: read.rest }
  }
  const length = headers['content-length']
  if (length === undefined && status !== 204 && status !== 304) {
    return over ? { answer: { status, headers, body: after }, rest: Buffer.alloc(0) } : undefined
  }
  const bytes = Number(length ?? 0)
  if (after.length < bytes) return undefined
  const body = after.subarray(0, bytes)
  return { answer: { status, headers, body }, rest: Buffer.from(after.subarray(bytes)) }
}

function readChunks(
  bytes: Buffer,
): { readonly body: Buffer; readonly rest: Buffer<ArrayBuffer> } | undefined {
  const chunks: Buffer[] = []
  let at = 0
  for (;;) {
    const lineEnd = bytes.indexOf('\r\n', at)
    if (lineEnd < 0) return undefined
    const length = Number.parseInt(bytes.toString('latin1', at, lineEnd), 16)
    const next = lineEnd + 2 + length + 2
    if (next > bytes.length) return undefined
    if (length === 0)
      return { body: Buffer.concat(chunks), rest: Buffer.from(bytes.subarray(next)) }
    chunks.push(bytes.subarray(lineEnd + 2, lineEnd + 2 + length))
    at = next
  }
}
