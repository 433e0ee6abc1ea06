import { UpstreamError } from '../../model/errors.ts'
import { readNextOffset } from './address.ts'
import { notAsAsked } from './faults.ts'
import type { Http } from './http.ts'
import { readPage } from './page.ts'
import { type RetryPolicy, UpstreamBusy, withRetries } from './retry.ts'

export interface RecordPage {
  /** records as they came; each is judged by itself */
  readonly results: readonly unknown[]
  /** how many records the whole list has, where OTX says so */
  readonly count: number | undefined
  /** how many records of the list lie before this page's first */
  readonly offset: number
  /** what the page was asked with; smaller than at first where OTX could not give more */
  readonly pageSize: number
  /** where the walk goes on; undefined on its last page */
  readonly nextOffset: number | undefined
  /** what came over the wire */
  readonly bytes: number
}

export interface PagedList {
  readonly http: Http
  readonly policy: RetryPolicy
  readonly apiKey: string
  /** without `limit` and `page` */
  readonly url: URL
  /** a power of two */
  readonly pageSize: number
  readonly offset: number
  /** for one record; a page of several may have a quarter, so that it is made smaller before it costs much */
  readonly maxBodyBytes: number
  readonly signal: AbortSignal
}

/** One record is too large to be taken; the walk may go on behind it. */
export class RecordTooLarge extends UpstreamError {
  /** how many records of the list lie before it */
  readonly offset: number
  constructor(offset: number, cause: UpstreamError) {
    super(cause.code, `record ${offset + 1} of the list: ${cause.message}`, false, { cause })
    this.offset = offset
  }
}

/** No list of OTX is near it; what claims to be longer is no list. */
const maxRecords = 2 ** 22
const maxStepsBack = 64

/** Of a walk under way. */
interface Walk {
  /** where the next page begins */
  offset: number
  /** every record before it has come, as far as the list has stood still */
  frontier: number
  /** the largest page that OTX can give */
  ceiling: number
  /** the largest page that the records at this place permit */
  cap: number
  count: number | undefined
  stepsBack: number
  /** pages may be shorter than asked for, though more follow */
  gaps: boolean
}

/**
 * Walks a list of OTX page by page; the next page is asked for when the caller comes back. A page that OTX
 * cannot give is asked for with half the records, from the same one on; page sizes are powers of two, so
 * that each offset begins a page of some size. Records that vanish from the part that was walked move the
 * rest up: the walk then steps back as many, so that it may repeat records and skips none that `count` tells of.
 * Only a walk that ends by itself was whole: every doubt ends it with an error.
 * @throws UpstreamError, or the signal's reason
 */
export async function* walkPages(list: PagedList): AsyncGenerator<RecordPage, void, undefined> {
  const { offset, pageSize, signal } = list
  const walk: Walk = {
    offset,
    frontier: offset,
    ceiling: pageSize,
    cap: pageSize,
    count: undefined,
    stepsBack: 0,
    gaps: false,
  }
  for (;;) {
    signal.throwIfAborted()
    assertBounded(list, walk)
    const page = await fetchWithRetries(list, walk)
    if (!page || movedUp(walk, page)) continue
    walk.frontier = Math.max(walk.frontier, walk.offset + page.pageSize)
    walk.cap = pageSize
    yield page
    if (page.nextOffset === undefined) return
    walk.offset = page.nextOffset
  }
}

function assertBounded({ pageSize }: PagedList, { offset, count, stepsBack }: Walk): void {
  // Generous, because `count` may be wrong a little and the list may grow.
  const most = count === undefined ? maxRecords : Math.min(maxRecords, 2 * count + 32 * pageSize)
  if (offset < most && stepsBack <= maxStepsBack) return
  const told = count === undefined ? 'does not end' : `goes on behind its ${count} records`
  const why = offset < most ? 'shrinks again and again' : told
  throw new UpstreamError('OTX_ENDLESS_WALK', `a list of OTX ${why}`, false)
}

/** @returns true when the walk has to go on further back than this page begins */
function movedUp(walk: Walk, { count }: RecordPage): boolean {
  if (count === undefined) return false
  const vanished = walk.count === undefined ? 0 : Math.max(0, walk.count - count)
  walk.count = count
  walk.frontier = Math.max(0, walk.frontier - vanished)
  if (walk.offset <= walk.frontier) return false
  walk.offset = walk.frontier
  walk.stepsBack++
  return true
}

/** @returns undefined when the walk has been moved and must ask again */
async function fetchWithRetries(list: PagedList, walk: Walk): Promise<RecordPage | undefined> {
  // As many as it takes to come down to pages of one record, unless none are wanted.
  const halvings = Math.log2(sizeOf(walk))
  const retries = list.policy.retries && Math.max(list.policy.retries, halvings)
  try {
    return await withRetries({ ...list.policy, retries }, list.signal, () => fetchFit(list, walk))
  } catch (error) {
    if (!(error instanceof UpstreamError) || error.code !== 'OTX_NOT_FOUND') throw error
    if (walk.offset === 0) throw error
    if (walk.count === undefined || walk.stepsBack >= maxStepsBack) {
      const message = `OTX has no page at record ${walk.offset + 1} of the list any more`
      throw new UpstreamError('OTX_NO_SUCH_PAGE', message, false, { cause: error })
    }
    // The list ends before it; a page further back tells by how much it has shrunk.
    walk.offset = Math.max(0, walk.offset - 2 ** Math.min(walk.stepsBack++, 30))
    return undefined
  }
}

/** Asks at once for less where records are large, and later for less where OTX was overloaded. */
async function fetchFit(list: PagedList, walk: Walk): Promise<RecordPage> {
  let expected = 0
  for (;;) {
    const size = sizeOf(walk)
    try {
      const page = await fetchPage(list, walk, size)
      const { length } = page.results
      if (length === size || walk.gaps || !goesOn(page)) return page
      // OTX may give fewer at once than it was asked for and count its pages so, by which offsets would
      // be wrong. Then a smaller page is full; where it is not, OTX only leaves out a record here and there.
      walk.gaps = length < expected
      if (walk.gaps) return page
      walk.ceiling = expected = floorToPowerOfTwo(length)
    } catch (error) {
      if (isTooLarge(error)) {
        if (size === 1) throw new RecordTooLarge(walk.offset, error)
        walk.cap = size / 2
        continue
      }
      if (isOverload(error) && size > 1) walk.ceiling = size / 2
      throw error
    }
  }
}

/** @throws UpstreamError, retryable for every page that leaves a doubt */
async function fetchPage(list: PagedList, { offset }: Walk, size: number): Promise<RecordPage> {
  const url = new URL(list.url)
  url.searchParams.set('limit', String(size))
  url.searchParams.set('page', String(offset / size + 1))
  url.searchParams.sort()
  const maxBytes = size === 1 ? list.maxBodyBytes : Math.ceil(list.maxBodyBytes / 4)
  const { json, bytes } = await list.http.get(url, maxBytes, list.signal)
  const { results, count, next } = readPage(json)
  if (results.length > size) throw notAsAsked(`a page of more than the ${size} records asked for`)
  const nextOffset = next === undefined ? undefined : readNextOffset(next, url, size, list.apiKey)
  const page = { results, count, offset, pageSize: size, bytes }
  const last = { ...page, nextOffset: undefined }
  if (results.length === 0) {
    if (count === undefined ? offset === 0 && next === undefined : count <= offset) return last
    throw new UpstreamError('OTX_EMPTY_PAGE', 'OTX answered an empty page before the end', true)
  }
  if (nextOffset === undefined) return last
  if (nextOffset > offset) return { ...page, nextOffset: offset + size }
  // Behind the last record a repetition is harmless; before it, pages would be missing.
  if (count !== undefined && offset + results.length >= count) return last
  const message = `the page at record ${offset + 1} of OTX leads back to an earlier one`
  throw new UpstreamError('OTX_REPEATED_PAGE', message, true)
}

/** A page whose `next` only repeats what `count` says has come is the last, however short. */
function goesOn({ nextOffset, count, offset, results }: RecordPage): boolean {
  return nextOffset !== undefined && (count === undefined || offset + results.length < count)
}

/** The largest page that may begin at the walk's offset. */
function sizeOf({ offset, ceiling, cap }: Walk): number {
  const allowed = Math.min(ceiling, cap)
  let size = 1
  while (size < allowed && offset % (size * 2) === 0) size *= 2
  return size
}

export function floorToPowerOfTwo(number: number): number {
  return 2 ** Math.floor(Math.log2(Math.max(1, number)))
}

function isTooLarge(error: unknown): error is UpstreamError {
  return error instanceof UpstreamError && error.code === 'OTX_BODY_TOO_LARGE'
}

function isOverload(error: unknown): boolean {
  if (error instanceof UpstreamBusy) return error.status >= 502 && error.status <= 504
  return error instanceof UpstreamError && error.code === 'OTX_TIMEOUT'
}
