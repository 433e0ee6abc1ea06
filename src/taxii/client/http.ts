import { X509Certificate } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { pipeline } from 'node:stream'
import { createSecureContext, getCACertificates } from 'node:tls'
import { createGunzip, createInflate } from 'node:zlib'
import { Agent, buildConnector, type Dispatcher, request } from 'undici'
import { ConfigError } from '../../model/errors.ts'
import { PollFault } from './fault.ts'
import { networkFault } from './network-fault.ts'

export interface HttpBounds {
  /** to connect, for the headers, and between two pieces of a body */
  readonly timeoutMs: number
  /** for a whole answer, however fast it comes */
  readonly wholeMs: number
  readonly maxHeaderBytes: number
  /** of one answer, as inflated */
  readonly maxResponseBytes: number
}

export const defaultHttpBounds: HttpBounds = {
  timeoutMs: 60_000,
  wholeMs: 1_800_000,
  maxHeaderBytes: 32_768,
  maxResponseBytes: 4 * 1024 * 1024 * 1024,
}

export interface TlsFiles {
  /** PEM; trusted besides the public CAs that come with Node */
  readonly ca?: string | undefined
  /** PEM, the chain included */
  readonly certificate?: string | undefined
  readonly key?: string | undefined
  readonly keyPassword?: string | undefined
}

export interface HttpAnswer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  /** inflated; throws PollFault where the connection or the encoding fails */
  readonly body: AsyncIterable<Uint8Array>
  /** what came over the wire so far */
  readonly wireBytes: () => number
  /** Ends the connection where the body was not read to its end. */
  drop(): void
}

export interface HttpClient {
  /** a certificate of ours is shown to whoever is asked and demands one */
  readonly hasCertificate: boolean
  /**
   * Posts once and follows no redirect. Whoever gets the answer reads its body, or drops it.
   * @throws PollFault, or the signal's reason
   */
  post(
    url: URL,
    headers: Record<string, string>,
    body: string,
    signal: AbortSignal,
  ): Promise<HttpAnswer>
  close(): Promise<void>
}

/** TLS is 1.2 at least and always verified. @throws ConfigError when a certificate or a key cannot be used */
export function createHttpClient(tls: TlsFiles = {}, bounds: Partial<HttpBounds> = {}): HttpClient {
  const { timeoutMs, wholeMs, maxHeaderBytes, maxResponseBytes } = {
    ...defaultHttpBounds,
    ...bounds,
  }
  // requests speaks HTTP/1.1, and a server may behave otherwise by HTTP/2.
  const allowH2 = false
  const connector = buildConnector({
    allowH2,
    timeout: Math.min(timeoutMs, 15_000),
    secureContext: makeSecureContext(tls),
  })
  let tlsError: Error | undefined
  const agent = new Agent({
    allowH2,
    maxHeaderSize: maxHeaderBytes,
    connect: (options, callback) =>
      connector(options, (...connected) => {
        // By TLS 1.3 a server refuses a client after the handshake. undici then knows of an end alone; why is
        // in this event of Node's, which is not documented: without it the fault is a lost connection.
        connected[1]?.prependListener('_tlsError', (error: Error) => {
          tlsError = error
        })
        callback(...connected)
      }),
  })
  const attempted = {
    timeoutMs,
    wholeMs,
    hasCertificate: tls.certificate !== undefined,
    hasPrivateCa: tls.ca !== undefined,
  }

  return {
    hasCertificate: attempted.hasCertificate,
    async post(url, headers, body, signal) {
      tlsError = undefined
      const whole = AbortSignal.any([signal, AbortSignal.timeout(wholeMs)])
      const translate = (error: unknown): unknown => {
        if (signal.aborted) return signal.reason
        return networkFault(tlsError ?? error, { ...attempted, url })
      }
      let response: Dispatcher.ResponseData
      try {
        response = await request(url, {
          method: 'POST',
          headers,
          body,
          headersTimeout: timeoutMs,
          bodyTimeout: timeoutMs,
          signal: whole,
          dispatcher: agent,
        })
      } catch (error) {
        throw translate(error)
      }
      const wire = { bytes: 0 }
      const read = readBody(response, maxResponseBytes, wire, translate)
      return {
        status: response.statusCode,
        headers: response.headers,
        body: read,
        wireBytes: () => wire.bytes,
        // A body that is destroyed half-read says so as an error, and nobody else is left to hear it.
        drop: () => response.body.on('error', () => {}).destroy(),
      }
    },
    close: () => agent.destroy(),
  }
}

async function* readBody(
  response: Dispatcher.ResponseData,
  maxBytes: number,
  wire: { bytes: number },
  translate: (error: unknown) => unknown,
): AsyncGenerator<Uint8Array, void, undefined> {
  const encoding = String(response.headers['content-encoding'] ?? 'identity')
    .trim()
    .toLowerCase()
  const inflate = /^(x-)?gzip$/.test(encoding)
    ? createGunzip()
    : encoding === 'deflate'
      ? createInflate()
      : undefined
  if (!inflate && encoding !== 'identity' && encoding !== '') {
    response.body.on('error', () => {}).destroy()
    throw new PollFault(
      'bad-encoding',
      'the answer has a Content-Encoding that was not asked for',
      {
        advice: ['gzip and deflate were asked for; look at the proxy before the server'],
      },
    )
  }
  async function* counted(pieces: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const piece of pieces) {
      wire.bytes += piece.length
      yield piece
    }
  }
  // Its errors come out of the iteration below.
  const source = inflate
    ? pipeline(response.body, counted, inflate, () => {})
    : counted(response.body)
  let inflated = 0
  try {
    for await (const piece of source as AsyncIterable<Buffer>) {
      inflated += piece.length
      if (inflated > maxBytes) {
        throw new PollFault('too-large', `the answer is longer than ${maxBytes} bytes`, {
          advice: ['poll shorter windows (--segment), or let the server page its collections'],
        })
      }
      yield piece
    }
  } catch (error) {
    if (isZlibError(error)) {
      throw new PollFault('bad-encoding', `the compressed answer is damaged or cut off`, {
        advice: ['look at the server, and at the proxy before it'],
        retryable: true,
        cause: error,
      })
    }
    throw translate(error)
  } finally {
    response.body.on('error', () => {}).destroy()
    inflate?.destroy()
  }
}

function isZlibError(error: unknown): boolean {
  return error instanceof Error && 'code' in error && /^Z_/.test(String(error.code))
}

function makeSecureContext({ ca, certificate, key, keyPassword }: TlsFiles) {
  if (ca !== undefined) checkCa(ca)
  try {
    return createSecureContext({
      minVersion: 'TLSv1.2',
      ...(ca !== undefined && { ca: [...getCACertificates('default'), ca] }),
      ...(certificate !== undefined && { cert: certificate }),
      ...(key !== undefined && { key }),
      ...(keyPassword !== undefined && { passphrase: keyPassword }),
    })
  } catch (cause) {
    throw new ConfigError(tlsFileFault(cause), { cause })
  }
}

/** OpenSSL passes over in silence what is no certificate. */
function checkCa(ca: string): void {
  const found = ca.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []
  try {
    if (found.length === 0) throw new Error('there is none')
    for (const one of found) new X509Certificate(one)
  } catch (cause) {
    throw new ConfigError('the file of --ca holds no certificate in PEM', { cause })
  }
}

function tlsFileFault(cause: unknown): string {
  const { code = '', message = '' } = cause as { code?: string; message?: string }
  if (
    code === 'ERR_OSSL_CRYPTO_INTERRUPTED_OR_CANCELLED' ||
    /BAD_DECRYPT|bad decrypt/.test(code + message)
  ) {
    return 'the key of --key is encrypted, and its password is missing or wrong: --key-password-file FILE'
  }
  if (/KEY_VALUES_MISMATCH/.test(code)) {
    return 'the key of --key does not belong to the certificate of --cert'
  }
  return `the certificate, the key or the CA cannot be used; each has to be PEM (${code || message})`
}
