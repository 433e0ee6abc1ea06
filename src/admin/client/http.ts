import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { getCACertificates } from 'node:tls'
import { ServerUnreachable } from './errors.ts'
import type { AdminAnswer, AdminRequest, AdminTransport } from './transport.ts'

export type Place =
  | {
      /** as the system takes it */
      readonly socketPath: string
      /** as a person knows it */
      readonly where: string
    }
  | {
      readonly url: URL
      readonly token: string
      /** PEM; trusted besides the public CAs that come with Node */
      readonly ca?: string | undefined
    }

export interface HttpLimits {
  /** to connect, and without a byte of the answer; a busy embedded database may take long */
  readonly timeoutMs: number
  readonly maxAnswerBytes: number
}

const defaultLimits: HttpLimits = { timeoutMs: 120_000, maxAnswerBytes: 256 * 1024 * 1024 }

/** Asks over HTTP. It follows no redirect: a token is for the server that was named. */
export function createHttpTransport(
  place: Place,
  limits: HttpLimits = defaultLimits,
): AdminTransport {
  const where = 'url' in place ? place.url.href.replace(/\/$/, '') : place.where
  const makeRequest = opener(place)
  return {
    where,
    isServer: true,
    async send(asked) {
      const request = makeRequest(asked)
      try {
        return await exchange(request, asked, limits)
      } catch (error) {
        throw describeFailure(error, where, asked)
      }
    },
    close: async () => {},
  }
}

function opener(place: Place): (asked: AdminRequest) => ClientRequest {
  const headersOf = ({ headers, body }: AdminRequest) => ({
    accept: 'application/json, application/problem+json',
    ...(body !== undefined && {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
    }),
    ...headers,
  })
  if ('socketPath' in place) {
    const { socketPath } = place
    return (asked) =>
      httpRequest({
        socketPath,
        method: asked.method,
        path: asked.path,
        // No name of a server: it has none.
        headers: { host: 'localhost', ...headersOf(asked) },
        agent: false,
      })
  }
  const { url, token, ca } = place
  const base = url.pathname.replace(/\/$/, '')
  const request = url.protocol === 'https:' ? httpsRequest : httpRequest
  return (asked) =>
    request({
      protocol: url.protocol,
      hostname: url.hostname.replace(/^\[|\]$/g, ''),
      port: url.port,
      method: asked.method,
      path: `${base}${asked.path}`,
      headers: { authorization: `Bearer ${token}`, ...headersOf(asked) },
      agent: false,
      ...(ca !== undefined && { ca: [...getCACertificates('default'), ca] }),
    })
}

function exchange(
  request: ClientRequest,
  { body }: AdminRequest,
  { timeoutMs, maxAnswerBytes }: HttpLimits,
): Promise<AdminAnswer> {
  return new Promise((resolve, reject) => {
    request.setTimeout(timeoutMs, () => request.destroy(new TimedOut(timeoutMs)))
    request.once('error', reject)
    request.once('response', (response: IncomingMessage) => {
      const pieces: Buffer[] = []
      let bytes = 0
      response.once('error', reject)
      response.on('data', (piece: Buffer) => {
        bytes += piece.length
        if (bytes > maxAnswerBytes) request.destroy(new TooLarge(maxAnswerBytes))
        pieces.push(piece)
      })
      response.once('end', () => {
        const { statusCode: status = 0, headers } = response
        resolve({ status, headers, text: Buffer.concat(pieces).toString() })
      })
    })
    request.end(body)
  })
}

class TimedOut extends Error {
  constructor(ms: number) {
    super(`it did not answer within ${Math.round(ms / 1000)} s`)
  }
}

class TooLarge extends Error {
  constructor(bytes: number) {
    super(`its answer is larger than ${bytes} bytes`)
  }
}

function describeFailure(cause: unknown, where: string, { method }: AdminRequest): Error {
  const { code = '', message } = cause as NodeJS.ErrnoException
  const notConnected = reasons[code] ?? tlsReason(code, message)
  if (notConnected !== undefined) {
    return new ServerUnreachable(`${where} cannot be reached: ${notConnected}`, { cause })
  }
  const own = cause instanceof TimedOut || cause instanceof TooLarge
  const what = own ? message : `the connection broke before the answer was whole (${code})`
  // Of a question nothing is left behind.
  const advice =
    method === 'GET' ? '' : '; it may have been done all the same: look before doing it again'
  return new ServerUnreachable(`${where}: ${what}${advice}`, { cause })
}

const reasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ENOENT: 'nothing listens there',
  ENOTFOUND: 'the name is not known',
  EAI_AGAIN: 'the name cannot be looked up',
  EHOSTUNREACH: 'no way leads to it',
  ENETUNREACH: 'no way leads to it',
  ETIMEDOUT: 'it does not answer',
  EACCES: 'this user may not connect',
}

function tlsReason(code: string, message: string): string | undefined {
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    return `its certificate is not for this name (${message})`
  }
  if (/ALERT_CERTIFICATE_REQUIRED/.test(code)) {
    return 'it wants a client certificate, which this command has none of; give it on the machine of the server, without --url'
  }
  if (/CERT|SELF_SIGNED|UNABLE_TO_(VERIFY|GET_ISSUER)/.test(code)) {
    return `its certificate is not trusted (${message.split(';', 1)[0]}); TAXIWAY_CA_FILE names who signs it`
  }
  if (code === 'EPROTO' || code.startsWith('ERR_SSL_')) {
    return `it does not speak TLS as it should (${code}); is it https:// that it speaks?`
  }
  return undefined
}
