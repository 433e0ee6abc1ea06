import { UpstreamError } from '../../model/errors.ts'

/** Neither a second try nor waiting makes it smaller; asking for less may. */
export function tooLarge(message: string): UpstreamError {
  return new UpstreamError('OTX_BODY_TOO_LARGE', message, false)
}

/** @param what what came instead */
export function notJson(what: string): UpstreamError {
  return new UpstreamError('OTX_NOT_JSON', `OTX answered ${what} instead of JSON`, true)
}

export function badEncoding(message: string, cause?: unknown): UpstreamError {
  return new UpstreamError('OTX_BAD_ENCODING', message, true, { cause })
}

/** JSON, but not what was asked for; caches before OTX have mixed up answers before. */
export function notAsAsked(what: string): UpstreamError {
  return new UpstreamError('OTX_NOT_A_PAGE', `OTX answered JSON that is ${what}`, true)
}

export function notFound(message: string): UpstreamError {
  return new UpstreamError('OTX_NOT_FOUND', message, false)
}
