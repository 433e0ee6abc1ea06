import type { FastifyInstance } from 'fastify'
import { basicAuthHook } from '../http/basic-auth.ts'
import type { Authenticate } from '../model/account.ts'
import type { Db } from '../store/db.ts'
import { errorToProblem, NotAnAdministrator } from './errors.ts'
import { sourceRoutes } from './sources.ts'

export interface AdminOptions {
  readonly db: Db
  readonly authenticate: Authenticate
}

/** The REST interface for administrators, below /api/v1. What it registers stays within a scope of its own. */
export async function adminRoutes(app: FastifyInstance, options: AdminOptions): Promise<void> {
  await app.register(async (scope) => {
    const authenticate = await basicAuthHook(scope, options.authenticate)
    scope.setErrorHandler((error, request, reply) => errorToProblem(error, request, reply))
    scope.addHook('onRequest', async (request, reply) => {
      await authenticate(request, reply)
      if (request.account?.role !== 'administrator') throw new NotAnAdministrator()
    })
    sourceRoutes(scope, options.db)
  })
}
