import type { FastifyRequest } from 'fastify'

/** What an Authorization header holds. */
export type Credentials =
  | { readonly scheme: 'basic'; readonly name: string; readonly password: string }
  | { readonly scheme: 'bearer'; readonly token: string }
  | { readonly scheme: 'malformed' | 'malformed bearer' | 'unknown' }

/** @returns undefined where there is no such header */
export function readCredentials(request: FastifyRequest): Credentials | undefined {
  const { rawHeaders } = request.raw
  const given = rawHeaders.filter(
    (_, index) => index % 2 === 1 && rawHeaders[index - 1]?.toLowerCase() === 'authorization',
  )
  const [header] = given
  if (header === undefined) return undefined
  // Node takes the first; a proxy before it may have looked at the last.
  if (given.length > 1) return { scheme: 'malformed' }
  const [, scheme = '', rest = ''] = /^\s*(\S+)\s*(.*?)\s*$/.exec(header) ?? []
  switch (scheme.toLowerCase()) {
    case 'basic':
      return readBasic(rest)
    case 'bearer':
      return /^[\w.~+/-]+=*$/.test(rest)
        ? { scheme: 'bearer', token: rest }
        : { scheme: 'malformed bearer' }
    case '':
      return { scheme: 'malformed' }
    default:
      return { scheme: 'unknown' }
  }
}

/** RFC 7617: the first colon ends the name, and neither part holds control characters. */
function readBasic(encoded: string): Credentials {
  const malformed = { scheme: 'malformed' } as const
  if (!/^[A-Za-z0-9+/_-]+=*$/.test(encoded)) return malformed
  const text = decode(Buffer.from(encoded, 'base64'))
  const colon = text.indexOf(':')
  // biome-ignore lint/suspicious/noControlCharactersInRegex: it is what must not be there
  if (colon === -1 || /[\0-\x1f\x7f]/.test(text)) return malformed
  return { scheme: 'basic', name: text.slice(0, colon), password: text.slice(colon + 1) }
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Python's requests, and so cabby, sends credentials in Latin-1, whatever charset is asked for. */
function decode(bytes: Buffer): string {
  try {
    return utf8.decode(bytes)
  } catch {
    return bytes.toString('latin1')
  }
}
