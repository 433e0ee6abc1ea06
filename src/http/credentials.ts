import type { FastifyRequest } from 'fastify'

/** What an Authorization header holds; `basicReader` reads on where it is Basic. */
export type Credentials =
  | { readonly scheme: 'bearer'; readonly token: string }
  | { readonly scheme: 'basic' | 'malformed' | 'malformed bearer' | 'unknown' }

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
  // Two expressions that each go over the text once: strangers may send 16 kB of blanks.
  const text = header.trim()
  const [scheme = ''] = /^\S*/.exec(text) ?? []
  const rest = text.slice(scheme.length).trimStart()
  switch (scheme.toLowerCase()) {
    case 'basic':
      return { scheme: 'basic' }
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
