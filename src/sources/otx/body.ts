import { pipeline } from 'node:stream/promises'
import { createGunzip } from 'node:zlib'
import type { Dispatcher } from 'undici'
import { badEncoding, tooLarge } from './faults.ts'

export interface Body {
  readonly content: Buffer
  /** what came over the wire: less than the content where it came compressed */
  readonly wireBytes: number
}

/**
 * Reads an answer's body, inflating it where it came as gzip. Neither what comes nor what it inflates to may
 * be longer than `maxBytes`: reading stops there, and the connection ends.
 * @throws UpstreamError OTX_BODY_TOO_LARGE or OTX_BAD_ENCODING; or what the connection failed with
 */
export async function readBody(response: Dispatcher.ResponseData, maxBytes: number): Promise<Body> {
  const wire = { bytes: 0 }
  const received = bounded(wire, maxBytes)
  const encoding = String(response.headers['content-encoding'] ?? 'identity').toLowerCase()
  if (encoding === 'identity') {
    const content = await pipeline(response.body, received, collect)
    return { content, wireBytes: wire.bytes }
  }
  if (encoding !== 'gzip' && encoding !== 'x-gzip') {
    // A body that is destroyed half-read says so as an error, and nobody else is left to hear it.
    response.body.on('error', () => {}).destroy()
    throw badEncoding('OTX answered in an encoding that was not asked for')
  }
  try {
    const inflated = bounded({ bytes: 0 }, maxBytes)
    const content = await pipeline(response.body, received, createGunzip(), inflated, collect)
    return { content, wireBytes: wire.bytes }
  } catch (cause) {
    if (!isZlibError(cause)) throw cause
    throw badEncoding('the compressed answer of OTX is damaged or cut off', cause)
  }
}

function bounded(seen: { bytes: number }, maxBytes: number) {
  return async function* (chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void, undefined> {
    for await (const chunk of chunks) {
      seen.bytes += chunk.length
      if (seen.bytes > maxBytes) {
        throw tooLarge(`an answer of OTX is longer than ${maxBytes} bytes`)
      }
      yield chunk
    }
  }
}

async function collect(chunks: AsyncIterable<Buffer>): Promise<Buffer> {
  const all: Buffer[] = []
  for await (const chunk of chunks) all.push(chunk)
  return Buffer.concat(all)
}

function isZlibError(error: unknown): boolean {
  return error instanceof Error && 'code' in error && /^Z_/.test(String(error.code))
}
