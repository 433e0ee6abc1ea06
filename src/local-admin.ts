import Fastify, { type FastifyBaseLogger, type FastifyInstance } from 'fastify'
import type { AdminParts } from './admin/parts.ts'
import { adminRoutes } from './admin/routes.ts'
import { localHook } from './http/who-is-asking.ts'

/**
 * The REST interface alone, where everyone who asks is the machine's own administrator: behind the socket
 * in the data folder, and within a command that opens the store itself. It must never listen on a port.
 */
export async function buildLocalAdmin(
  parts: AdminParts,
  log: FastifyBaseLogger,
): Promise<FastifyInstance> {
  const app: FastifyInstance = Fastify({ loggerInstance: log })
  await adminRoutes(app, parts, localHook)
  return app
}
