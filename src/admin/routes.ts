import type { FastifyInstance } from 'fastify'
import { getCaller } from '../http/who-is-asking.ts'
import { accountRoutes } from './accounts.ts'
import { certificateRoutes } from './certificates.ts'
import { collectionRoutes } from './collections.ts'
import { NotPermitted } from './errors.ts'
import { grantRoutes } from './grants.ts'
import { healthRoutes } from './health.ts'
import { inboxRoutes } from './inbox.ts'
import { ledgerRoutes } from './ledger.ts'
import { ownAccountRoutes } from './own-account.ts'
import type { AdminHook, AdminParts } from './parts.ts'
import { passwordRoutes } from './password.ts'
import { prepareScope } from './scope.ts'
import { secretRoutes } from './secrets.ts'
import { sourceRoutes } from './sources.ts'
import { subscriptionRoutes } from './subscriptions.ts'
import { tokenRoutes } from './tokens.ts'

/**
 * The REST interface, below /api/v1. What it registers stays within a scope of its own.
 * @param makeHook of the hook that finds out who is asking; it is given that scope
 */
export async function adminRoutes(
  app: FastifyInstance,
  parts: AdminParts,
  makeHook: (scope: FastifyInstance) => Promise<AdminHook> | AdminHook,
): Promise<void> {
  await app.register(async (plainScope) => {
    const whoIsAsking = await makeHook(plainScope)
    const scope = prepareScope(plainScope)
    scope.addHook('onRequest', async (request, reply) => {
      await whoIsAsking(request, reply)
      const { permission } = request.routeOptions.config
      if (permission === undefined || permission === 'account') return
      if (!getCaller(request).permissions.has(permission)) throw new NotPermitted(permission)
    })
    ownAccountRoutes(scope, parts)
    accountRoutes(scope, parts)
    passwordRoutes(scope, parts)
    grantRoutes(scope, parts)
    tokenRoutes(scope, parts)
    certificateRoutes(scope, parts)
    secretRoutes(scope, parts)
    sourceRoutes(scope, parts)
    collectionRoutes(scope, parts)
    ledgerRoutes(scope, parts)
    subscriptionRoutes(scope, parts)
    inboxRoutes(scope, parts)
    healthRoutes(scope, parts)
  })
}
