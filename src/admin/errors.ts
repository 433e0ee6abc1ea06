import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import { describeProblem, type Fault, type Problem, problem } from '../http/problem.ts'
import { TaxiwayError, TooManyGuesses } from '../model/errors.ts'
import type { Permission } from '../model/permission.ts'

/*
 * The one place where an error becomes an answer of the REST interface. A route throws a TaxiwayError; its
 * code's row in `statusOfCode` says the HTTP status, and its message, made a sentence, is the detail. A code
 * without a row is a defect: 500, and the message stays in the log. docs/errors.md has the same table.
 */

/** Whoever asked may not do this: his role does not, or the token that he shows is limited. */
export class NotPermitted extends TaxiwayError {
  /** @param why for what is refused beyond the route's own permission: a whole sentence without its point */
  constructor(permission: Permission, why?: string) {
    super(
      'NOT_PERMITTED',
      why ?? `this needs the permission ${permission}, which this account or token has not`,
    )
  }
}

/** The request cannot be understood. `message` of a fault goes on from its place: "is needed". */
export class ValidationFailed extends TaxiwayError {
  readonly faults: readonly Fault[]
  constructor(faults: readonly Fault[]) {
    super('VALIDATION_FAILED', faults.map(faultToText).join('; '))
    this.faults = faults
  }
}

/** What is there is not what the caller's If-Match or If-None-Match says. */
export class PreconditionFailed extends TaxiwayError {
  constructor(message: string) {
    super('PRECONDITION_FAILED', message)
  }
}

/** The Idempotency-Key was sent before, with another request. */
export class IdempotencyKeyReused extends TaxiwayError {
  constructor() {
    super(
      'IDEMPOTENCY_KEY_REUSED',
      'another request was sent under this Idempotency-Key within the last 24 hours; nothing was done: send this one under a key of its own',
    )
  }
}

export const statusOfCode: Readonly<Record<string, number>> = {
  VALIDATION_FAILED: 400,
  CONFIG_INVALID: 400,
  UNAUTHORIZED: 401,
  NOT_PERMITTED: 403,
  ACCOUNT_NOT_FOUND: 404,
  GRANT_NOT_FOUND: 404,
  TOKEN_NOT_FOUND: 404,
  CERTIFICATE_NOT_FOUND: 404,
  COLLECTION_NOT_FOUND: 404,
  SOURCE_NOT_FOUND: 404,
  INBOX_BLOCK_NOT_FOUND: 404,
  ACCOUNT_EXISTS: 409,
  CERTIFICATE_EXISTS: 409,
  LAST_ADMINISTRATOR: 409,
  PRECONDITION_FAILED: 412,
  IDEMPOTENCY_KEY_REUSED: 422,
  TOO_MANY_GUESSES: 429,
  SECRET_KEY_WRONG: 500,
  LEASE_LOST: 503,
  STORE_UNAVAILABLE: 503,
}

/** What Fastify refuses by itself, by its status. */
export const codeOfStatus: Readonly<Record<number, string>> = {
  400: 'BAD_REQUEST',
  404: 'NOT_FOUND',
  408: 'REQUEST_TIMEOUT',
  413: 'BODY_TOO_LARGE',
  415: 'UNSUPPORTED_MEDIA_TYPE',
  500: 'INTERNAL',
}

/** Answers with what the caller can act on (RFC 9457); what is unexpected stands in the log and nowhere else. */
export function errorToProblem(
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  const described = describe(error)
  if (described.status >= 500) {
    request.log.error({ err: error }, 'a request to the REST interface failed')
  }
  if (error instanceof TooManyGuesses) reply.header('Retry-After', error.retryAfterSeconds)
  // What a route has set for its answer is not true of this one.
  reply.removeHeader('etag').removeHeader('location')
  return problem(reply, described)
}

function describe(error: unknown): Problem {
  if (error instanceof TaxiwayError) {
    const status = statusOfCode[error.code]
    if (status === 503) {
      const detail =
        error.code === 'STORE_UNAVAILABLE'
          ? // The error itself may name hosts and users: it is in the log.
            'The database does not answer. The log says more.'
          : 'Another process took over in the middle; nothing was changed. Try again.'
      return describeProblem(status, error.code, detail)
    }
    if (error instanceof ValidationFailed) {
      return describeProblem(400, error.code, `In the request, ${error.message}.`, error.faults)
    }
    if (status !== undefined) return describeProblem(status, error.code, toSentence(error.message))
  }
  const { statusCode, message } = error as Partial<FastifyError>
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) {
    const code = codeOfStatus[statusCode] ?? 'BAD_REQUEST'
    return describeProblem(statusCode, code, toSentence(words[code] ?? String(message)))
  }
  return describeProblem(500, 'INTERNAL', 'The log has it, under the request’s id.')
}

const words: Readonly<Record<string, string>> = {
  BODY_TOO_LARGE: 'the body is larger than this takes',
  UNSUPPORTED_MEDIA_TYPE: 'the body must be JSON: send it with "Content-Type: application/json"',
}

function faultToText({ place, message }: Fault): string {
  return `${place === '' ? 'the body' : place} ${message}`
}

function toSentence(message: string): string {
  const text = message.charAt(0).toUpperCase() + message.slice(1)
  return /[.!?]$/.test(text) ? text : `${text}.`
}
