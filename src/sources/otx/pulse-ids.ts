import { UpstreamError } from '../../model/errors.ts'
import { notAsAsked } from './faults.ts'
import type { RecordPage } from './paging.ts'
import { legalLine } from './text.ts'

const maxReadings = 3

/**
 * Reads a list of ids until one reading had as many distinct ones as OTX counts, and the list stood still:
 * whoever acts on an id that is missing must not act on a page that went astray.
 * @throws UpstreamError, or what the pages throw
 */
export async function collectIds(
  pagesAnew: () => AsyncIterable<RecordPage>,
): Promise<ReadonlySet<string>> {
  for (let reading = 1; reading <= maxReadings; reading++) {
    const ids = await readOnce(pagesAnew())
    if (ids) return ids
  }
  const message = 'the list of subscribed pulses never had as many ids as OTX counts'
  throw new UpstreamError('OTX_IDS_INCOMPLETE', message, true)
}

/** @returns undefined when ids are missing, or may be */
async function readOnce(pages: AsyncIterable<RecordPage>): Promise<Set<string> | undefined> {
  const ids = new Set<string>()
  let counted: number | undefined
  for await (const { results, count } of pages) {
    // Without a count nothing tells that these are all; and what has shrunk has moved.
    if (count === undefined || count < (counted ?? 0)) return undefined
    counted = count
    for (const id of results) {
      const line = typeof id === 'string' ? legalLine(id) : ''
      if (line === '') throw notAsAsked('no list of ids')
      ids.add(line)
    }
  }
  return counted !== undefined && ids.size >= counted ? ids : undefined
}
