import { UpstreamError } from '../../model/errors.ts'
import { parseJson } from './json.ts'
import { isPageJson } from './schema.ts'

export interface PulsePageContent {
  /** pulses as they came; each is judged by itself */
  readonly results: readonly unknown[]
  /** how many pulses the whole walk has, where OTX says so */
  readonly count: number | undefined
  /** the following page's address, unchecked */
  readonly next: string | undefined
}

/**
 * Reads the envelope of a page.
 * @throws UpstreamError, retryable, for HTML, for truncated JSON and for JSON that is no page: OTX's proxies
 *   answer so, with status 200, when OTX itself is overloaded
 */
export function readPulsePage(body: string): PulsePageContent {
  const json = parsePage(body)
  if (!isPageJson(json)) {
    throw new UpstreamError('OTX_NOT_A_PAGE', 'OTX answered JSON that is no page of pulses', true)
  }
  return { results: json.results, count: json.count ?? undefined, next: json.next || undefined }
}

function parsePage(body: string): unknown {
  try {
    return parseJson(body)
  } catch {
    // The parser's own message is left out: it quotes the body, and whatever a proxy wrote there.
    const what = /^\s*</.test(body) ? 'HTML' : body.trim() === '' ? 'nothing' : 'truncated JSON'
    throw new UpstreamError('OTX_NOT_JSON', `OTX answered ${what} instead of a page`, true)
  }
}
