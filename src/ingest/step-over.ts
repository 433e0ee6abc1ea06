import { UpstreamError } from '../model/errors.ts'
import { type RecordPage, RecordTooLarge } from '../sources/otx/client.ts'

export interface Place {
  readonly offset: number
  readonly pageSize?: number
}

export interface WalkedPage extends RecordPage {
  /** why the one record of this page cannot be had: OTX's answer is longer than can be taken */
  readonly tooLarge?: UpstreamError
}

/** Reads pages, and goes on behind a single record that is too large. */
export async function* stepOver(
  open: (place: Place) => AsyncGenerator<RecordPage, void, undefined>,
  from: Place,
): AsyncGenerator<WalkedPage, void, undefined> {
  const size = from.pageSize !== undefined && { pageSize: from.pageSize }
  let offset: number | undefined = from.offset
  let count: number | undefined
  while (offset !== undefined) {
    const begin: number = offset
    offset = undefined
    try {
      for await (const page of open({ offset: begin, ...size })) {
        count = page.count
        yield page
      }
    } catch (error) {
      const empty = { results: [], count, pageSize: from.pageSize ?? 1, bytes: 0 }
      if (error instanceof RecordTooLarge) {
        const behind = error.offset + 1
        offset = count !== undefined && behind >= count ? undefined : behind
        yield { ...empty, offset: error.offset, nextOffset: offset, tooLarge: error }
      } else if (begin > from.offset && isBehindTheEnd(error)) {
        // What was stepped over was the last record.
        yield { ...empty, offset: begin, nextOffset: undefined }
      } else throw error
    }
  }
}

/**
 * @param before the page size that was saved last
 * @returns with what page size a broken walk goes on behind this page. One that is small only because no
 *   larger page begins at its offset says nothing of what OTX can give.
 */
export function sizeToGoOnWith(page: RecordPage, before: number | undefined): number {
  const { offset, pageSize } = page
  return before === undefined || offset % (pageSize * 2) === 0 ? pageSize : before
}

function isBehindTheEnd(error: unknown): boolean {
  return error instanceof UpstreamError && error.code === 'OTX_NO_SUCH_PAGE'
}
