import { createHash } from 'node:crypto'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { PreconditionFailed } from './errors.ts'

/*
 * ETags (RFC 9110, 13). Of what one may change, not of what changes by itself: leave figures such as
 * `lastSeenAt` out of what is given to `etagOf`, or nobody could change a busy account with an If-Match.
 *
 *   GET:               return sendWithEtag(request, reply, etagOf(settings), body)
 *   PUT, PATCH, DELETE: in the transaction that writes, with the row locked:
 *                      checkPrecondition(request, found && etagOf(toSettings(found)))
 */

/** @param representation as JSON; its properties always in the same order */
export function etagOf(representation: unknown): string {
  const digest = createHash('sha256').update(JSON.stringify(representation)).digest('base64url')
  return `"${digest.slice(0, 22)}"`
}

/**
 * @param current undefined: it is not there
 * @throws PreconditionFailed
 */
export function checkPrecondition(request: FastifyRequest, current: string | undefined): void {
  const { 'if-match': ifMatch, 'if-none-match': ifNoneMatch } = request.headers
  if (ifMatch !== undefined && !matches(ifMatch, current)) {
    throw new PreconditionFailed(
      current === undefined
        ? 'it is not there (any more), and the If-Match says that it is; nothing was changed'
        : 'it has been changed since, and is no longer what the If-Match names; nothing was changed: read it again',
    )
  }
  if (ifNoneMatch !== undefined && matches(ifNoneMatch, current)) {
    throw new PreconditionFailed(
      'it is there already, and the If-None-Match says that it must not be; nothing was changed',
    )
  }
}

/** The answer to a GET: 304 where the caller has this state already. */
export function sendWithEtag<T>(
  request: FastifyRequest,
  reply: FastifyReply,
  etag: string,
  body: T,
): T {
  reply.header('ETag', etag)
  // Kept by the one who asked, and asked for again each time.
  reply.header('Cache-Control', 'private, no-cache')
  const given = request.headers['if-none-match']
  if (given !== undefined && matches(given.replaceAll('W/"', '"'), etag)) {
    return reply.code(304).send() as never
  }
  return body
}

function matches(header: string, current: string | undefined): boolean {
  if (current === undefined) return false
  if (header.trim() === '*') return true
  return [...header.matchAll(/(W\/)?("[^"]*")/g)].some(
    ([, weak, tag]) => weak === undefined && tag === current,
  )
}
