import Fastify, { type FastifyBaseLogger, type FastifyInstance } from 'fastify'
import type { AdminParts } from './admin/parts.ts'
import { adminRoutes } from './admin/routes.ts'
import { restOptions } from './admin/scope.ts'
import { nothingThere } from './http/problem.ts'
import { localHook } from './http/who-is-asking.ts'

/**
 * The REST interface alone, where everyone who asks is the machine's own administrator: behind the socket
 * in the data folder, and within a command that opens the store itself. It must never listen on a port.
 * @param store which store it stands on, as `nameStore` says it
 */
export async function buildLocalAdmin(
  parts: AdminParts,
  log: FastifyBaseLogger,
  store: string,
): Promise<FastifyInstance> {
  const app: FastifyInstance = Fastify({
    ...restOptions,
    loggerInstance: log,
    return503OnClosing: false,
    forceCloseConnections: 'idle',
  })
  // So that a command does not change another store than the one that its settings name.
  app.addHook('onSend', async (_request, reply) => {
    reply.headers({ 'taxiway-version': parts.version, 'taxiway-store': store })
  })
  app.setNotFoundHandler(nothingThere)
  app.get('/livez', { logLevel: 'warn' }, () => ({ status: 'ok' }))
  await adminRoutes(app, parts, localHook)
  return app
}
