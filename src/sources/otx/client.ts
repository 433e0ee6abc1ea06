import type { Dispatcher } from 'undici'
import { UpstreamError } from '../../model/errors.ts'
import { otxApiUrl, otxMoment } from './address.ts'
import { type OtxEvent, readEvents } from './events.ts'
import { notAsAsked, notFound } from './faults.ts'
import { createHttp } from './http.ts'
import { isJsonObject } from './json.ts'
import { floorToPowerOfTwo, type RecordPage, walkPages } from './paging.ts'
import { collectIds } from './pulse-ids.ts'
import { idOf } from './records.ts'
import { type Clock, type Retry, type RetryPolicy, systemClock, withRetries } from './retry.ts'
import { legalLine } from './text.ts'

export type { OtxEvent } from './events.ts'
export { type RecordPage, RecordTooLarge } from './paging.ts'

export interface OtxClientOptions {
  /** the site or its API, such as https://otx.alienvault.com */
  readonly url: string
  readonly apiKey: string
  /** for the headers, and between two pieces of a body; a whole answer may take ten times as long */
  readonly timeoutMs?: number
  /** after the first try of a request; a page is tried at least as often as it takes to halve it to one record */
  readonly retries?: number
  /** pulses a page to begin with: a power of two, or rounded down to one */
  readonly pageSize?: number
  /** for one record, as sent and as inflated; pages of several may have a quarter */
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
  /** pulses of this author alone */
  readonly author?: string
  /** how many records lie before the first one to fetch: where a broken walk goes on */
  readonly offset?: number
  /** records a page to begin with, where a broken walk had to make its pages smaller */
  readonly pageSize?: number
  readonly signal?: AbortSignal
}

export type PulsePage = RecordPage
export type IndicatorPage = RecordPage

export interface OtxClient {
  /**
   * Walks the subscribed pulses page by page; the next page is asked for when the caller comes back.
   * Only a walk that ends by itself was whole: every doubt ends it with an error.
   * @throws UpstreamError (RecordTooLarge: one pulse is, and the walk may go on behind it), or the signal's reason
   */
  subscribedPages(options?: WalkOptions): AsyncGenerator<PulsePage, void, undefined>
  /**
   * Walks all indicators of a pulse, those that are switched off too, with OTX's verdict on false positives.
   * @throws as `subscribedPages`; UpstreamError OTX_NOT_FOUND when there is no such pulse
   */
  indicatorPages(
    pulseId: string,
    options?: Pick<WalkOptions, 'offset' | 'pageSize' | 'signal'>,
  ): AsyncGenerator<IndicatorPage, void, undefined>
  /**
   * @returns the pulse as it came, or undefined when OTX has none of this id
   * @throws UpstreamError, or the signal's reason
   */
  findPulse(pulseId: string, signal?: AbortSignal): Promise<unknown>
  /**
   * The ids of all pulses that the key's owner is subscribed to: every one, never a part.
   * @throws UpstreamError OTX_IDS_INCOMPLETE, retryable, when they never were as many as OTX counts; others
   */
  subscribedPulseIds(signal?: AbortSignal): Promise<ReadonlySet<string>>
  /**
   * What happened since then, the oldest first, each once; what cannot be read is left out.
   * @throws UpstreamError, or the signal's reason
   */
  events(since: Date, signal?: AbortSignal): Promise<readonly OtxEvent[]>
  /** Whose key it is. @throws UpstreamError, or the signal's reason */
  me(signal?: AbortSignal): Promise<{ readonly username: string }>
  /** Ends the connections, and with them what is under way. */
  close(): Promise<void>
}

const idsPageSize = 1024
const indicatorsPageSize = 1024
const eventsPageSize = 256

/** @throws ConfigError */
export function createOtxClient(options: OtxClientOptions): OtxClient {
  const { apiKey, pageSize = 16, maxBodyBytes = 64 * 1024 * 1024 } = options
  const clock = options.clock ?? systemClock
  const apiUrl = otxApiUrl(options.url)
  const http = createHttp({
    apiKey,
    timeoutMs: options.timeoutMs ?? 120_000,
    userAgent: options.userAgent ?? 'taxiway',
    dispatcher: options.dispatcher,
    now: clock.now,
  })
  const policy: RetryPolicy = {
    retries: options.retries ?? 5,
    clock,
    random: options.random ?? Math.random,
    onRetry: options.onRetry ?? (() => {}),
  }

  function pagesOf(
    path: string,
    query: Readonly<Record<string, string | undefined>>,
    walk: Pick<WalkOptions, 'offset' | 'signal'> & { readonly pageSize: number },
  ): AsyncGenerator<RecordPage, void, undefined> {
    const { offset = 0 } = walk
    if (!Number.isSafeInteger(offset) || offset < 0) throw new RangeError(`no offset: ${offset}`)
    return walkPages({
      http,
      policy,
      apiKey,
      url: addressOf(apiUrl, path, query),
      pageSize: floorToPowerOfTwo(walk.pageSize),
      offset,
      maxBodyBytes,
      signal: walk.signal ?? endless(),
    })
  }

  async function getOnce<T>(path: string, signal: AbortSignal, read: (json: unknown) => T) {
    const url = addressOf(apiUrl, path)
    return withRetries(policy, signal, async () =>
      read((await http.get(url, maxBodyBytes, signal)).json),
    )
  }

  return {
    subscribedPages: ({ modifiedSince, author, ...walk } = {}) =>
      pagesOf(
        'pulses/subscribed',
        {
          modified_since: modifiedSince && otxMoment(modifiedSince),
          author_name: author,
        },
        { ...walk, pageSize: walk.pageSize ?? pageSize },
      ),
    async *indicatorPages(pulseId, walk = {}) {
      const path = `${pathOfPulse(pulseId)}/indicators`
      const size = walk.pageSize ?? indicatorsPageSize
      yield* pagesOf(path, { include_inactive: '1' }, { ...walk, pageSize: size })
    },
    findPulse: async (pulseId, signal = endless()) => {
      try {
        return await getOnce(pathOfPulse(pulseId), signal, (json) => {
          if (isJsonObject(json) && idOf(json) === pulseId) return json
          throw notAsAsked('not the pulse asked for')
        })
      } catch (error) {
        if (error instanceof UpstreamError && error.code === 'OTX_NOT_FOUND') return undefined
        throw error
      }
    },
    subscribedPulseIds: (signal = endless()) =>
      collectIds(() =>
        pagesOf('pulses/subscribed_pulse_ids', {}, { pageSize: idsPageSize, signal }),
      ),
    events: (since, signal = endless()) =>
      readEvents(
        pagesOf('pulses/events', { since: otxMoment(since) }, { pageSize: eventsPageSize, signal }),
      ),
    me: (signal = endless()) =>
      getOnce('users/me', signal, (json) => {
        const name = isJsonObject(json) && typeof json.username === 'string' ? json.username : ''
        const username = legalLine(name)
        if (username === '') throw notAsAsked('no user with a name')
        return { username }
      }),
    close: http.close,
  }
}

/** @throws UpstreamError OTX_NOT_FOUND for an id that cannot stand in an address */
function pathOfPulse(id: string): string {
  // Encoded or not, these two are steps within a path.
  if (/^\.{0,2}$/.test(id)) {
    throw notFound(`OTX cannot have a pulse "${id}"`)
  }
  return `pulses/${encodeURIComponent(id)}`
}

function addressOf(
  apiUrl: URL,
  path: string,
  query: Readonly<Record<string, string | undefined>> = {},
): URL {
  const url = new URL(path, apiUrl)
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) url.searchParams.set(name, value)
  }
  return url
}

function endless(): AbortSignal {
  return new AbortController().signal
}
