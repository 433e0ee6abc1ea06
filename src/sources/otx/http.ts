import { Agent, type Dispatcher, errors, request } from 'undici'
import { ConfigError, UpstreamError } from '../../model/errors.ts'
import { readBody } from './body.ts'
import { notFound } from './faults.ts'
import { readJson } from './json.ts'
import { readRetryAfter, UpstreamBusy } from './retry.ts'
import { shorten, withoutKey } from './text.ts'

export interface HttpOptions {
  readonly apiKey: string
  readonly timeoutMs: number
  readonly userAgent: string
  readonly dispatcher: Dispatcher | undefined
  readonly now: () => number
}

export interface Answer {
  readonly json: unknown
  /** what came over the wire */
  readonly bytes: number
}

export interface Http {
  /**
   * Asks once, and follows no redirect.
   * @throws UpstreamError for every answer but JSON with status 200, or the signal's reason
   */
  get(url: URL, maxBytes: number, signal: AbortSignal): Promise<Answer>
  close(): Promise<void>
}

/** One request to OTX and what may come of it. @throws ConfigError */
export function createHttp(options: HttpOptions): Http {
  const { apiKey, timeoutMs } = options
  // undici's own complaint about such a header would come with each request.
  if (!/^[\x21-\x7e]+$/.test(apiKey)) {
    throw new ConfigError('TAXIWAY_OTX_API_KEY must be one word of printable ASCII characters')
  }
  const ownDispatcher = options.dispatcher
    ? undefined
    : new Agent({ connect: { timeout: Math.min(timeoutMs, 10_000) } })
  const dispatcher = options.dispatcher ?? ownDispatcher
  const headers = {
    'x-otx-api-key': apiKey,
    accept: 'application/json',
    'accept-encoding': 'gzip',
    'user-agent': options.userAgent,
  }

  async function fetchBody(url: URL, maxBytes: number, signal: AbortSignal) {
    // A server that sends one byte now and then keeps every idle timeout from firing.
    const whole = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs * 10)])
    try {
      const response = await request(url, {
        headers,
        headersTimeout: timeoutMs,
        bodyTimeout: timeoutMs,
        signal: whole,
        ...(dispatcher && { dispatcher }),
      })
      if (response.statusCode === 200) return await readBody(response, maxBytes)
      const body = await readBody(response, 4096).catch(() => undefined)
      throw refusal(response, body?.content.toString('utf8') ?? '')
    } catch (error) {
      signal.throwIfAborted()
      if (error instanceof UpstreamError) throw error
      throw networkError(error, timeoutMs)
    }
  }

  function refusal({ statusCode, headers }: Dispatcher.ResponseData, body: string): UpstreamError {
    if (statusCode === 401 || statusCode === 403) {
      const message = `OTX refused the key (HTTP ${statusCode}): check TAXIWAY_OTX_API_KEY`
      return new UpstreamError('OTX_KEY_REFUSED', message, false)
    }
    const wait = readRetryAfter(headers['retry-after'], options.now())
    if (statusCode === 429) {
      const message = 'OTX asks for fewer requests (HTTP 429)'
      return new UpstreamBusy('OTX_BUSY', message, statusCode, wait)
    }
    const message = `OTX answered HTTP ${statusCode}`
    if (statusCode >= 500 || statusCode === 408) {
      return new UpstreamBusy('OTX_UNAVAILABLE', message, statusCode, wait)
    }
    const reason = detailOf(body, apiKey)
    if (statusCode === 404) return notFound(message + reason)
    return new UpstreamError('OTX_REFUSED', message + reason, false)
  }

  return {
    get: async (url, maxBytes, signal) => {
      const { content, wireBytes } = await fetchBody(url, maxBytes, signal)
      return { json: readJson(content), bytes: wireBytes }
    },
    close: async () => {
      await ownDispatcher?.destroy()
    },
  }
}

function networkError(cause: unknown, timeoutMs: number): UpstreamError {
  const timedOut =
    cause instanceof errors.HeadersTimeoutError ||
    cause instanceof errors.BodyTimeoutError ||
    cause instanceof errors.ConnectTimeoutError ||
    (cause instanceof DOMException && cause.name === 'TimeoutError')
  if (timedOut) {
    const message = `OTX did not answer in time (timeout ${timeoutMs} ms)`
    return new UpstreamError('OTX_TIMEOUT', message, true, { cause })
  }
  const why = cause instanceof Error ? cause.message : String(cause)
  return new UpstreamError('OTX_UNREACHABLE', `OTX cannot be reached: ${why}`, true, { cause })
}

/** OTX explains refusals as `{"detail": "…"}`; whatever a proxy echoes, the key is not repeated. */
function detailOf(body: string, apiKey: string): string {
  const detail = /"detail"\s*:\s*"([^"\\]*)"/.exec(body)?.[1]
  return detail ? `: ${shorten(withoutKey(detail, apiKey), 120)}` : ''
}
