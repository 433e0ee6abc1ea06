import type { FastifyReply, FastifyRequest } from 'fastify'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** problems that a route answers, as responses of its description, beside those of its schema */
    readonly problems?: Readonly<Record<string, object>>
  }
}

/** RFC 9457, with the code by which programs tell errors apart: docs/errors.md has all. */
export interface Problem {
  readonly type: string
  readonly title: string
  readonly status: number
  readonly detail: string
  readonly code: string
  /** of VALIDATION_FAILED: each fault */
  readonly errors?: readonly Fault[]
}

export interface Fault {
  /** in a body a JSON pointer, "" for all of it; else the name of the parameter or header */
  readonly place: string
  /** the end of a sentence that begins with the place, such as "is needed" */
  readonly message: string
}

const titles: Readonly<Record<number, string>> = {
  400: 'Bad request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not found',
  405: 'Method not allowed',
  408: 'Request timeout',
  409: 'Conflict',
  412: 'Precondition failed',
  413: 'Content too large',
  414: 'URI too long',
  415: 'Unsupported media type',
  422: 'Unprocessable content',
  429: 'Too many requests',
  431: 'Request header fields too large',
  500: 'Internal error',
  503: 'Not ready',
}

/** @param detail a whole sentence that the caller can act on */
export function describeProblem(
  status: number,
  code: string,
  detail: string,
  errors?: readonly Fault[],
): Problem {
  const title = titles[status] ?? (status < 500 ? 'Bad request' : 'Internal error')
  return { type: 'about:blank', title, status, detail, code, ...(errors && { errors }) }
}

export function problem(reply: FastifyReply, body: Problem): FastifyReply {
  return reply.code(body.status).type('application/problem+json').send(body)
}

/** The handler of paths that are no route. */
export function nothingThere(request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const path = request.url.split('?', 1)[0]
  const detail = `There is nothing at ${request.method} ${path}.`
  return problem(reply, describeProblem(404, 'NOT_FOUND', detail))
}

/** For the schema of a response. */
export const problemContent = {
  content: {
    'application/problem+json': {
      schema: {
        type: 'object',
        required: ['type', 'title', 'status', 'detail', 'code'],
        properties: {
          type: { type: 'string' },
          title: { type: 'string' },
          status: { type: 'integer' },
          detail: { description: 'What happened and what to do, for people.', type: 'string' },
          code: { description: 'Stable; docs/errors.md has all.', type: 'string' },
          errors: {
            description: 'Of VALIDATION_FAILED: each fault.',
            type: 'array',
            items: {
              type: 'object',
              required: ['place', 'message'],
              properties: {
                place: {
                  description:
                    'In a body a JSON pointer; else the name of the parameter or header.',
                  type: 'string',
                },
                message: { type: 'string' },
              },
            },
          },
        },
      },
    },
  },
}
