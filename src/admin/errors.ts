import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import { type Problem, problem } from '../http/problem.ts'
import { Unauthorized } from '../http/who-is-asking.ts'
import { SourceNotFound, StoreUnavailable, TaxiwayError } from '../model/errors.ts'
import type { Permission } from '../model/permission.ts'

/** Whoever asked may not do this: his role does not, or the token that he shows is limited. */
export class NotPermitted extends TaxiwayError {
  readonly permission: Permission
  constructor(permission: Permission) {
    super('NOT_PERMITTED', `this needs the permission ${permission}`)
    this.permission = permission
  }
}

/** Answers with what the caller can act on (RFC 9457); what is unexpected stands in the log and nowhere else. */
export function errorToProblem(
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  const { title, status, detail } = describe(error)
  if (status >= 500) request.log.error({ err: error }, 'a request for administrators failed')
  return problem(reply, { type: 'about:blank', title, status, detail })
}

function describe(error: unknown): Omit<Problem, 'type'> {
  if (error instanceof Unauthorized) {
    return { title: 'Unauthorized', status: 401, detail: 'A valid name and password are needed.' }
  }
  if (error instanceof NotPermitted) {
    const detail = `This needs the permission ${error.permission}, which this account or token has not.`
    return { title: 'Forbidden', status: 403, detail }
  }
  if (error instanceof SourceNotFound) {
    return { title: 'Not found', status: 404, detail: `${error.message}.` }
  }
  if (error instanceof StoreUnavailable) {
    const detail = 'The database does not answer. The log says more.'
    return { title: 'Not ready', status: 503, detail }
  }
  const { statusCode, message } = error as Partial<FastifyError>
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) {
    return { title: 'Bad request', status: statusCode, detail: String(message) }
  }
  return { title: 'Internal error', status: 500, detail: 'The log has it, under the request’s id.' }
}
