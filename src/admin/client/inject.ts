import type { FastifyInstance } from 'fastify'
import type { AdminTransport } from './transport.ts'

/** Asks a REST interface of this process, which no socket leads to. */
export function createInjectTransport(
  app: FastifyInstance,
  { settle, close }: Required<Pick<AdminTransport, 'settle' | 'close'>>,
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
    settle,
    close,
  }
}
