import type { FastifyInstance } from 'fastify'
import { describeProblem, problem, problemContent } from './problem.ts'

export interface HealthOptions {
  /** rejects while the store cannot be used */
  readonly checkStore: () => Promise<void>
  readonly registry: { readonly contentType: string; metrics(): Promise<string> }
}

const ok = {
  type: 'object',
  required: ['status'],
  properties: { status: { const: 'ok' } },
}

/** What orchestrators and Prometheus ask: no account is needed, and nothing of the feeds is told. */
export async function healthRoutes(app: FastifyInstance, options: HealthOptions): Promise<void> {
  app.get(
    '/livez',
    {
      schema: {
        operationId: 'getLiveness',
        summary: 'Whether the process runs',
        tags: ['health'],
        security: [],
        response: { 200: { description: 'It runs.', ...ok } },
      },
    },
    async () => ({ status: 'ok' }),
  )

  app.get(
    '/readyz',
    {
      schema: {
        operationId: 'getReadiness',
        summary: 'Whether polls can be answered',
        tags: ['health'],
        security: [],
        response: {
          200: { description: 'They can.', ...ok },
          503: {
            description: 'They cannot; the detail says why.',
            ...problemContent,
          },
        },
      },
    },
    async (request, reply) => {
      try {
        await options.checkStore()
        return { status: 'ok' }
      } catch (error) {
        request.log.warn({ err: error }, 'the store cannot be used')
        // The error itself may name hosts and users: it is in the log.
        const detail = 'The database does not answer. The log says more.'
        return problem(reply, describeProblem(503, 'STORE_UNAVAILABLE', detail))
      }
    },
  )

  app.get(
    '/metrics',
    {
      schema: {
        operationId: 'getMetrics',
        summary: 'Figures for Prometheus',
        tags: ['health'],
        security: [],
        response: {
          200: {
            description: 'In the text format 0.0.4.',
            content: { 'text/plain': { schema: { type: 'string' } } },
          },
        },
      },
    },
    async (_request, reply) =>
      reply.type(options.registry.contentType).send(await options.registry.metrics()),
  )
}
