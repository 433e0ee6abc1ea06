import type { FastifyInstance } from 'fastify'
import { getCaller } from '../http/who-is-asking.ts'
import { errorToProblem, NotPermitted } from './errors.ts'
import type { AdminHook, AdminParts } from './parts.ts'
import { sourceRoutes } from './sources.ts'

/**
 * The REST interface, below /api/v1. What it registers stays within a scope of its own.
 * @param makeHook of the hook that finds out who is asking; it is given that scope
 */
export async function adminRoutes(
  app: FastifyInstance,
  parts: AdminParts,
  makeHook: (scope: FastifyInstance) => Promise<AdminHook> | AdminHook,
): Promise<void> {
  await app.register(async (scope) => {
    const whoIsAsking = await makeHook(scope)
    scope.setErrorHandler((error, request, reply) => errorToProblem(error, request, reply))
    scope.addHook('onRoute', ({ url, config }) => {
      if (config?.permission === undefined) throw new Error(`${url} names no permission`)
    })
    scope.addHook('onRequest', async (request, reply) => {
      await whoIsAsking(request, reply)
      const { permission } = request.routeOptions.config
      if (permission === undefined || permission === 'account') return
      if (!getCaller(request).permissions.has(permission)) throw new NotPermitted(permission)
    })
    sourceRoutes(scope, parts.db)
  })
}
