import { notAsAsked } from './faults.ts'
import { isPageJson } from './schema.ts'

export interface PageContent {
  /** records as they came; each is judged by itself */
  readonly results: readonly unknown[]
  /** how many records the whole list has, where OTX says so */
  readonly count: number | undefined
  /** the following page's address, unchecked */
  readonly next: string | undefined
}

/**
 * Reads the envelope of a page.
 * @throws UpstreamError, retryable
 */
export function readPage(json: unknown): PageContent {
  if (!isPageJson(json)) throw notAsAsked('no page of a list')
  const { results, count, next } = json
  return {
    results,
    count:
      typeof count === 'number' && Number.isSafeInteger(count) && count >= 0 ? count : undefined,
    next: next || undefined,
  }
}
