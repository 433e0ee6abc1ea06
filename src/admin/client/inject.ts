import type { FastifyInstance } from 'fastify'
import type { AdminTransport } from './transport.ts'

/** Asks a REST interface of this process, which no socket leads to. @param end after the last request */
export function createInjectTransport(
  app: FastifyInstance,
  end: () => Promise<void>,
): AdminTransport {
  return {
    where: 'the store itself: no service answers here',
    isServer: false,
    async send({ method, path, headers, body }) {
      const answer = await app.inject({
        method,
        url: path,
        headers: { ...headers, ...(body !== undefined && { 'content-type': 'application/json' }) },
        ...(body !== undefined && { payload: body }),
      })
      return { status: answer.statusCode, headers: answer.headers, text: answer.body }
    },
    close: end,
  }
}
