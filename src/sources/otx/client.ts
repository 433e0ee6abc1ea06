import { Agent, type Dispatcher, errors, request } from 'undici'
import { ConfigError, UpstreamError } from '../../model/errors.ts'
import { nextPageUrl, otxApiUrl } from './address.ts'
import { type PulsePageContent, readPulsePage } from './page.ts'
import {
  type Clock,
  type Retry,
  readRetryAfter,
  systemClock,
  UpstreamBusy,
  withRetries,
} from './retry.ts'
import { shorten } from './text.ts'

export interface OtxClientOptions {
  /** the site or its API, such as https://otx.alienvault.com */
  readonly url: string
  readonly apiKey: string
  /** for the headers, and between two pieces of a body; a whole answer may take ten times as long */
  readonly timeoutMs?: number
  readonly retries?: number
  /** pulses a page */
  readonly pageSize?: number
  readonly maxBodyBytes?: number
  readonly userAgent?: string
  readonly onRetry?: (retry: Retry) => void
  /** without it the client has connections of its own, which `close` ends */
  readonly dispatcher?: Dispatcher
  readonly clock?: Clock
  readonly random?: () => number
}

export interface WalkOptions {
  readonly modifiedSince?: Date
  /** the first page to fetch, from 1: where a broken walk goes on */
  readonly page?: number
  readonly signal?: AbortSignal
}

export interface PulsePage extends PulsePageContent {
  /** where the walk goes on; undefined on its last page */
  readonly next: string | undefined
  /** its number, from 1 */
  readonly page: number
  /** what came over the wire */
  readonly bytes: number
}

export interface OtxClient {
  /**
   * Walks the subscribed pulses page by page; the next page is asked for when the caller comes back.
   * Only a walk that ends by itself was whole: every doubt ends it with an error.
   * @throws UpstreamError, or the signal's reason
   */
  subscribedPages(options?: WalkOptions): AsyncGenerator<PulsePage, void, undefined>
  close(): Promise<void>
}

/** @throws ConfigError */
export function createOtxClient(options: OtxClientOptions): OtxClient {
  const { apiKey, timeoutMs = 120_000, pageSize = 20, maxBodyBytes = 64 * 1024 * 1024 } = options
  const clock = options.clock ?? systemClock
  const apiUrl = otxApiUrl(options.url)
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
    'user-agent': options.userAgent ?? 'taxiway',
  }
  const policy = {
    retries: options.retries ?? 5,
    clock,
    random: options.random ?? Math.random,
    onRetry: options.onRetry ?? (() => {}),
  }

  async function fetchText(
    url: URL,
    signal: AbortSignal,
  ): Promise<{ text: string; bytes: number }> {
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
      if (response.statusCode === 200) return await readBody(response, maxBodyBytes)
      const body = await readBody(response, 4096).catch(() => ({ text: '' }))
      throw refusal(response.statusCode, response.headers['retry-after'], body.text)
    } catch (error) {
      signal.throwIfAborted()
      if (error instanceof UpstreamError) throw error
      throw networkError(error, timeoutMs)
    }
  }

  function refusal(status: number, retryAfter: unknown, body: string): UpstreamError {
    if (status === 401 || status === 403) {
      const message = `OTX refused the key (HTTP ${status}): check TAXIWAY_OTX_API_KEY`
      return new UpstreamError('OTX_KEY_REFUSED', message, false)
    }
    if (status === 429) {
      const wait = readRetryAfter(retryAfter, clock.now())
      return new UpstreamBusy('OTX_BUSY', 'OTX asks for fewer requests (HTTP 429)', wait)
    }
    if (status >= 500 || status === 408) {
      const wait = readRetryAfter(retryAfter, clock.now())
      return new UpstreamBusy('OTX_UNAVAILABLE', `OTX answered HTTP ${status}`, wait)
    }
    const message = `OTX answered HTTP ${status}${detailOf(body, apiKey)}`
    return new UpstreamError('OTX_REFUSED', message, false)
  }

  /**
   * One page, and where the walk goes on; a `next` that cannot be followed is a reason to ask again.
   * @param before how many pulses lie on the pages before it
   */
  async function fetchPage(
    url: URL,
    before: number,
    visited: ReadonlySet<string>,
    signal: AbortSignal,
  ): Promise<PulsePage> {
    const { text, bytes } = await fetchText(url, signal)
    const content = readPulsePage(text)
    const page = pageOf(url)
    const next = content.next === undefined ? undefined : nextPageUrl(content.next, url)
    const result = { ...content, page, bytes }
    if (!next || !visited.has(next.href)) return { ...result, next: next?.href }
    // Behind the last pulse a repetition is harmless; before it, pages would be missing.
    if (content.count !== undefined && before + content.results.length >= content.count) {
      return { ...result, next: undefined }
    }
    throw new UpstreamError(
      'OTX_REPEATED_PAGE',
      `page ${page} of OTX leads back to an earlier page`,
      true,
    )
  }

  async function* subscribedPages(
    walk: WalkOptions = {},
  ): AsyncGenerator<PulsePage, void, undefined> {
    const signal = walk.signal ?? new AbortController().signal
    const visited = new Set<string>()
    let pulses = ((walk.page ?? 1) - 1) * pageSize
    let url: URL | undefined = firstPageUrl(apiUrl, pageSize, walk)
    while (url) {
      signal.throwIfAborted()
      const current: URL = url
      visited.add(current.href)
      const page = await withRetries(policy, signal, () =>
        fetchPage(current, pulses, visited, signal),
      )
      pulses += page.results.length
      yield page
      url = page.next === undefined ? undefined : new URL(page.next)
    }
  }

  return {
    subscribedPages,
    close: async () => {
      await ownDispatcher?.destroy()
    },
  }
}

function firstPageUrl(apiUrl: URL, pageSize: number, walk: WalkOptions): URL {
  const url = new URL('pulses/subscribed', apiUrl)
  url.searchParams.set('limit', String(pageSize))
  url.searchParams.set('page', String(walk.page ?? 1))
  if (walk.modifiedSince) {
    // OTX reads and writes UTC without a zone.
    url.searchParams.set('modified_since', walk.modifiedSince.toISOString().slice(0, -1))
  }
  url.searchParams.sort()
  return url
}

function pageOf(url: URL): number {
  const page = Number(url.searchParams.get('page'))
  return Number.isSafeInteger(page) && page > 0 ? page : 1
}

async function readBody(
  response: Dispatcher.ResponseData,
  maxBytes: number,
): Promise<{ text: string; bytes: number }> {
  const chunks: Buffer[] = []
  let bytes = 0
  // Leaving the loop by an error destroys the body, and the connection with it.
  for await (const chunk of response.body as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > maxBytes) {
      const message = `OTX's answer is longer than ${maxBytes} bytes: ask for smaller pages`
      throw new UpstreamError('OTX_BODY_TOO_LARGE', message, false)
    }
    chunks.push(chunk)
  }
  return { text: Buffer.concat(chunks).toString('utf8'), bytes }
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
  return detail ? `: ${shorten(detail.replaceAll(apiKey, '…'), 120)}` : ''
}
