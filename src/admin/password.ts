import { Type } from 'typebox'
import { getCaller } from '../http/who-is-asking.ts'
import { hashPassword, makePassword } from '../security/passwords.ts'
import type { AccountView } from '../store/account-views.ts'
import { changePassword } from '../store/accounts.ts'
import { getAccountForChange, getAccountView, logChange, requireRole } from './account-access.ts'
import { accountParams } from './account-schemas.ts'
import { passwordFaults, refuseFaults } from './accounts.ts'
import { checkPrecondition, etagOf } from './etag.ts'
import type { AdminParts } from './parts.ts'
import { answer, closed, ifMatchHeaders, refusals } from './schemas.ts'
import type { AdminScope } from './scope.ts'

export function passwordRoutes(scope: AdminScope, { db, log }: AdminParts): void {
  scope.put(
    '/api/v1/accounts/:name/password',
    {
      config: { permission: 'accounts:write' },
      schema: {
        operationId: 'putPassword',
        summary: 'Give an account a new password',
        description:
          'It counts at once: the one before and the JWTs that were made for it end. Tokens and certificates do not.',
        tags: ['accounts'],
        params: accountParams,
        headers: ifMatchHeaders,
        body: closed({
          password: Type.Optional(
            Type.String({ description: 'One is made where none is given.', maxLength: 1_024 }),
          ),
        }),
        response: {
          200: answer(
            'It is changed.',
            Type.Object({
              name: Type.String(),
              password: Type.Optional(Type.String({ description: 'The one that was made.' })),
            }),
            'ETag',
          ),
          ...refusals(412),
        },
      },
    },
    async (request, reply) => {
      const caller = getCaller(request)
      refuseFaults(passwordFaults(request.body.password))
      // The hash costs half a second: who may not change the account does not make us pay it.
      requireRole(caller, (await getAccountView(db, request.params.name)).role, 'change')
      const made = request.body.password === undefined ? makePassword() : undefined
      const hash = await hashPassword(request.body.password ?? made ?? '')
      const account = await db.transaction().execute(async (trx) => {
        const found = await getAccountForChange(trx, request, request.params.name)
        checkPrecondition(request, etagOfPassword(found))
        await changePassword(trx, found.name, hash)
        return getAccountView(trx, found.name)
      })
      logChange(log, caller, { account: account.name }, 'changed a password')
      reply.header('ETag', etagOfPassword(account) ?? '')
      return { name: account.name, ...(made !== undefined && { password: made }) }
    },
  )
}

/** Tells nothing of the password but whether it is the same still. */
function etagOfPassword({ id, hasPassword, credentialsVersion }: AccountView): string | undefined {
  return hasPassword ? etagOf(['password', id, credentialsVersion]) : undefined
}
