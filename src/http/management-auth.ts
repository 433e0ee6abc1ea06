import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Identify } from '../model/account.ts'
import { StoreUnavailable, TooManyGuesses } from '../model/errors.ts'
import { describeProblem, type Fault, type Problem, problem, problemContent } from './problem.ts'

// Names and passwords have an end, and nobody is known yet.
const maxBodyBytes = 16_384

const schema = {
  operationId: 'createJwt',
  summary: 'A JSON Web Token for a name and a password',
  description:
    'For TAXII clients that fetch one by themselves (cabby --jwt-auth), and for scripts. It is sent as a bearer token, is accepted for TAXIWAY_JWT_SECONDS, and ends when the password is changed or the account disabled.',
  tags: ['authentication'],
  security: [],
  body: {
    type: 'object',
    required: ['username', 'password'],
    additionalProperties: false,
    properties: { username: { type: 'string' }, password: { type: 'string' } },
  },
  response: {
    200: {
      description: 'The name and the password are right.',
      type: 'object',
      required: ['token'],
      properties: { token: { type: 'string' } },
    },
    400: { description: 'The body is not what is asked for.', ...problemContent },
    401: { description: 'The name or the password is wrong.', ...problemContent },
    413: { description: 'The body is too large.', ...problemContent },
    415: { description: 'The body is not JSON.', ...problemContent },
    429: {
      description:
        'Too many were wrong, and nothing was checked; Retry-After says how long to wait.',
      ...problemContent,
    },
    503: { description: 'The database does not answer.', ...problemContent },
  },
}

interface Login {
  readonly username: string
  readonly password: string
}

/** Where clients get a JWT. What it registers stays within a scope of its own. */
export async function managementAuthRoutes(
  app: FastifyInstance,
  identify: Identify,
): Promise<void> {
  await app.register(async (scope) => {
    scope.removeAllContentTypeParsers()
    const parser = scope.getDefaultJsonParser('error', 'error')
    scope.addContentTypeParser('application/json', { parseAs: 'string' }, parser)
    // Whoever sends a number for a password has made a mistake: nothing is made text of.
    scope.setValidatorCompiler(() => (body) => {
      const faults = findFaults(body)
      return faults.length === 0 ? { value: body } : { error: new BodyInvalid(faults) }
    })
    scope.setErrorHandler(sendError)
    for (const url of ['/management/auth', '/management/auth/']) {
      scope.post<{ Body: Login }>(
        url,
        {
          bodyLimit: maxBodyBytes,
          schema: url.endsWith('/') ? { ...schema, hide: true, operationId: 'createJwt2' } : schema,
        },
        async (request, reply) => {
          reply.header('Cache-Control', 'no-store')
          const { username, password } = request.body
          const token = await identify.issueJwt(username, password, request.ip)
          if (token !== undefined) return { token }
          // Not the name: people type their password there.
          request.log.info({ address: request.ip }, 'refused a JWT: wrong credentials')
          return refuse(reply)
        },
      )
    }
  })
}

class BodyInvalid extends Error {
  readonly faults: readonly Fault[]
  constructor(faults: readonly Fault[]) {
    super(faults.map(({ place, message }) => `${place || 'the body'} ${message}`).join('; '))
    this.faults = faults
  }
}

function findFaults(body: unknown): Fault[] {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    return [{ place: '', message: 'must be an object with username and password' }]
  }
  const known = ['username', 'password']
  const unknown = Object.keys(body).filter((name) => !known.includes(name))
  return [
    ...known.flatMap((name): Fault[] => {
      const value = (body as Record<string, unknown>)[name]
      if (value === undefined) return [{ place: `/${name}`, message: 'is needed' }]
      return typeof value === 'string' ? [] : [{ place: `/${name}`, message: 'must be text' }]
    }),
    // Its name is not repeated: a password without its quotes ends up there.
    ...(unknown.length > 0
      ? [{ place: '', message: 'holds more than username and password' }]
      : []),
  ]
}

function refuse(reply: FastifyReply): FastifyReply {
  reply.header('WWW-Authenticate', 'Bearer realm="taxiway"')
  const detail = 'The name or the password is wrong, or the account is disabled or has no password.'
  return problem(reply, describeProblem(401, 'UNAUTHORIZED', detail))
}

function sendError(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  if (error instanceof TooManyGuesses) {
    reply.header('Retry-After', error.retryAfterSeconds)
    request.log.info({ address: request.ip }, `refused a JWT: ${error.message}`)
  }
  const described = describe(error)
  if (described.status >= 500) request.log.error({ err: error }, 'a JWT could not be given')
  return problem(reply, described)
}

function describe(error: unknown): Problem {
  if (error instanceof BodyInvalid) {
    return describeProblem(
      400,
      'VALIDATION_FAILED',
      `Send {"username": …, "password": …}: ${error.message}.`,
      error.faults,
    )
  }
  if (error instanceof TooManyGuesses) {
    const detail = `Too many wrong credentials; nothing was checked. Try again in ${error.retryAfterSeconds} s.`
    return describeProblem(429, error.code, detail)
  }
  if (error instanceof StoreUnavailable) {
    return describeProblem(503, error.code, 'The database does not answer. The log says more.')
  }
  // What Fastify says itself may quote the body.
  switch ((error as Partial<FastifyError>).statusCode) {
    case 400:
      return describeProblem(400, 'BAD_REQUEST', 'The body is no JSON.')
    case 413:
      return describeProblem(
        413,
        'BODY_TOO_LARGE',
        `The body is larger than ${maxBodyBytes} bytes.`,
      )
    case 415: {
      const detail = 'The body must be JSON: send it with "Content-Type: application/json".'
      return describeProblem(415, 'UNSUPPORTED_MEDIA_TYPE', detail)
    }
    default:
      return describeProblem(500, 'INTERNAL', 'The log has it, under the request’s id.')
  }
}
