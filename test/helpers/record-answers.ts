/**
 * Loaded before anything else in each process of a run of the tests: keeps every answer of every HTTP
 * server as evidence, on sockets, over TLS and by inject, in the tests' own process and in those that they
 * start.
 */
import { createHash } from 'node:crypto'
import { ServerResponse } from 'node:http'
import { keepEvidence, playsAnother } from './evidence.ts'

/** Shown once, by contract, in the answer's one property; the rest of the answer is kept. */
const shownOnce: readonly { readonly route: RegExp; readonly property: string }[] = [
  { route: /^POST \/api\/v1\/accounts$/, property: 'password' },
  { route: /^PUT \/api\/v1\/accounts\/[^/]+\/password$/, property: 'password' },
  { route: /^POST \/api\/v1\/accounts\/[^/]+\/tokens$/, property: 'token' },
  { route: /^POST \/management\/auth\/?$/, property: 'token' },
]

const pieceBytes = 256 * 1024
// A secret that stands across two pieces is found in the second.
const overlapBytes = 512

// Of a feed's thousands of blocks the begin and the end are kept: what is between are packages like them.
const maxBytes = 1024 * 1024

interface Recording {
  chunks: Buffer[]
  bytes: number
  keptBytes: number
}

const recordings = new WeakMap<ServerResponse, Recording>()
// Answers such as those of /livez come again and again.
const kept = new Set<string>()

/** Whose answers are not Taxiway's: OTX's stand-in, and servers that a test says play another's part. */
function isOfAnother({ req }: ServerResponse): boolean {
  if (req?.headers['x-otx-api-key'] !== undefined) return true
  const { server } = (req?.socket ?? {}) as { server?: object }
  return server !== undefined && playsAnother(server)
}

function record(response: ServerResponse, chunk: unknown, encoding: unknown): void {
  if (typeof chunk !== 'string' && !(chunk instanceof Uint8Array)) return
  const recording = begin(response)
  const bytes = Buffer.from(
    chunk as string,
    typeof encoding === 'string' ? (encoding as 'utf8') : 'utf8',
  )
  recording.chunks.push(bytes)
  recording.bytes += bytes.length
  if (recording.bytes >= pieceBytes) flush(response, recording, false)
}

function begin(response: ServerResponse): Recording {
  const known = recordings.get(response)
  if (known) return known
  const recording: Recording = { chunks: [], bytes: 0, keptBytes: 0 }
  recordings.set(response, recording)
  response.once('close', () => {
    flush(response, recording, true)
    // As it was sent; getHeaders knows nothing of what writeHead was given.
    const { _header } = response as { _header?: string | null }
    keep(response, 'headers', Buffer.from((_header ?? '').replace(/^Date: .*$/m, '')))
  })
  return recording
}

function flush(response: ServerResponse, recording: Recording, isLast: boolean): void {
  if (recording.bytes === 0) return
  const body = Buffer.concat(recording.chunks)
  const rest = body.length >= pieceBytes ? body.subarray(-overlapBytes) : Buffer.alloc(0)
  recording.chunks = rest.length > 0 ? [rest] : []
  recording.bytes = rest.length
  if (recording.keptBytes >= maxBytes && !isLast) return
  recording.keptBytes += body.length
  keep(response, 'body', withoutShownOnce(response, body))
}

function keep(response: ServerResponse, part: string, body: Buffer): void {
  if (isOfAnother(response)) return
  const digest = createHash('sha1').update(body).digest('base64')
  if (kept.has(digest)) return
  kept.add(digest)
  keepEvidence('answer', `${part} of ${routeOf(response)} ${response.statusCode}`, body)
}

function routeOf({ req }: ServerResponse): string {
  return `${req?.method} ${req?.url?.split('?', 1)[0]}`
}

function withoutShownOnce(response: ServerResponse, body: Buffer): Buffer {
  if (response.statusCode >= 300) return body
  const one = shownOnce.find(({ route }) => route.test(routeOf(response)))
  if (!one) return body
  try {
    const { [one.property]: _, ...rest } = JSON.parse(body.toString()) as Record<string, unknown>
    return Buffer.from(JSON.stringify(rest))
  } catch {
    return body
  }
}

if (process.env.TEST_EVIDENCE_DIR !== undefined) {
  const { write, end } = ServerResponse.prototype
  ServerResponse.prototype.write = function (this: ServerResponse, ...args: unknown[]) {
    record(this, args[0], args[1])
    return Reflect.apply(write, this, args)
  } as typeof write
  ServerResponse.prototype.end = function (this: ServerResponse, ...args: unknown[]) {
    begin(this)
    record(this, args[0], args[1])
    return Reflect.apply(end, this, args)
  } as typeof end
}
