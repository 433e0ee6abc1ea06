import type { IncomingMessage, ServerResponse } from 'node:http'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type {
  FastifyBaseLogger,
  FastifyInstance,
  FastifyRequest,
  RawServerDefault,
  RouteOptions,
} from 'fastify'
import { errorToProblem } from './errors.ts'
import { parseJson } from './json.ts'
import { noContent, refusals } from './schemas.ts'
import { validatorCompiler } from './validation.ts'

/**
 * Where the routes of the REST interface are registered: `xRoutes(scope: AdminScope, parts: AdminParts)`.
 * With schemas made by `Type` of typebox, `request.body`, `query` and `params` have their types. A route gives
 * operationId, summary, tags and its own answers; what all routes share is added here: who may ask, the headers
 * of ETags and of Idempotency-Key, and the answers 400, 401, 403, 404 where the path has a name in it, 500, 503.
 */
export type AdminScope = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>

/** Of every Fastify that has these routes. */
export const restOptions = {
  // A name of 128 signs may be twelve times as long in a path.
  routerOptions: { maxParamLength: 2_048 },
  // A path that is no proper encoding reaches no route.
  frameworkErrors: errorToProblem,
}

export function prepareScope(scope: FastifyInstance): AdminScope {
  scope.setErrorHandler((error, request, reply) => errorToProblem(error, request, reply))
  scope.setValidatorCompiler(validatorCompiler)
  scope.removeAllContentTypeParsers()
  scope.addContentTypeParser(
    'application/json',
    { parseAs: 'buffer' },
    async (_request: FastifyRequest, body: Buffer) => parseJson(body),
  )
  scope.addHook('onRoute', describeRoute)
  // What it answers is somebody's own, and may hold what is shown once.
  scope.addHook('onRequest', async (_request, reply) => {
    reply.header('Cache-Control', 'no-store')
  })
  return scope.withTypeProvider<TypeBoxTypeProvider>()
}

function describeRoute(route: RouteOptions): void {
  const { url, config, method } = route
  const permission = config?.permission
  if (permission === undefined) throw new Error(`${url} names no permission`)
  // Fastify adds these by itself, from the route for GET.
  if (method === 'HEAD' || !route.schema) return
  const { schema } = route
  const needs =
    permission === 'account'
      ? 'For anybody who has an account.'
      : `Needs the permission \`${permission}\`.`
  const hasBody = schema.body !== undefined
  const known = Object.keys((schema.response ?? {}) as object)
  const shared = refusals(
    401,
    500,
    503,
    429,
    ...(permission === 'account' ? [] : [403]),
    ...(hasBody || schema.querystring || schema.params || method === 'POST' ? [400] : []),
    ...(hasBody ? [413, 415] : []),
    ...(schema.params ? [404] : []),
    ...(method === 'POST' ? [422] : []),
  )
  const { properties: headers = {} } = (schema.headers ?? {}) as { properties?: object }
  if (method === 'GET' && 'if-none-match' in headers) {
    shared[304] = noContent('The caller has it as it is.')
  }
  const added = Object.entries(shared).filter(([status]) => !known.includes(status))
  const all = [...Object.entries((schema.response ?? {}) as object), ...added]
  schema.description = [schema.description, needs].filter(Boolean).join('\n\n')
  schema.security = [{ bearer: [] }, { mutualTls: [] }]
  schema.response = Object.fromEntries(all.filter(([status]) => Number(status) < 400))
  // Described only: making a serializer of each would take a second at every start.
  const problems = Object.fromEntries(all.filter(([status]) => Number(status) >= 400))
  route.config = { ...config, problems }
  if (method === 'POST') schema.headers = idempotencyHeaders
}

const idempotencyHeaders = {
  type: 'object',
  properties: {
    'idempotency-key': {
      description:
        'The same request under the same key is done once; for 24 hours its answer is given again, with Idempotency-Replayed: true.',
      type: 'string',
      minLength: 1,
      maxLength: 128,
      pattern: '^[ -~]+$',
    },
  },
}
