import { getCaller } from '../http/who-is-asking.ts'
import { findAccountViewById } from '../store/account-views.ts'
import { ownAccountSchema } from './account-schemas.ts'
import type { AdminParts } from './parts.ts'
import { answer } from './schemas.ts'
import type { AdminScope } from './scope.ts'

export function ownAccountRoutes(scope: AdminScope, { db }: AdminParts): void {
  scope.get(
    '/api/v1/account',
    {
      config: { permission: 'account' },
      schema: {
        operationId: 'getOwnAccount',
        summary: 'Who is asking, and what he may do',
        tags: ['accounts'],
        response: { 200: answer('Who is asking.', ownAccountSchema) },
      },
    },
    async (request) => {
      const { account, proof, permissions } = getCaller(request)
      // The machine's own administrator has no row.
      const view = proof === 'local' ? undefined : await findAccountViewById(db, account.id)
      return {
        name: account.name,
        role: account.role,
        proof,
        permissions: [...permissions],
        allCollections: account.role === 'administrator',
        grants: [...(view?.grants ?? [])],
      }
    },
  )
}
