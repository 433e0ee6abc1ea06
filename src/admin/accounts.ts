import { Type } from 'typebox'
import type { Fault } from '../http/problem.ts'
import { getCaller } from '../http/who-is-asking.ts'
import { newAccountNameFault, passwordFault } from '../model/account.ts'
import { AccountExists, LastAdministrator } from '../model/errors.ts'
import { hashPassword, makePassword } from '../security/passwords.ts'
import { changeAccount, putGrant } from '../store/account-changes.ts'
import { hasOtherAdministrator, readAccountViews } from '../store/account-views.ts'
import { createAccount } from '../store/accounts.ts'
import {
  getAccountForChange,
  getAccountView,
  lockCaller,
  logChange,
  requireRole,
} from './account-access.ts'
import { accountParams, accountSchema, accountToJson, role, settingsOf } from './account-schemas.ts'
import { decodeCursor, encodeCursor } from './cursor.ts'
import { ValidationFailed } from './errors.ts'
import { checkPrecondition, etagOf, sendWithEtag } from './etag.ts'
import { getGrantedCollection } from './grants.ts'
import { answerOnce } from './idempotency.ts'
import type { AdminParts } from './parts.ts'
import {
  answer,
  closed,
  ifMatchHeaders,
  ifNoneMatchHeaders,
  pageOf,
  pageParameters,
  refusals,
  toPage,
  usualPerPage,
} from './schemas.ts'
import type { AdminScope } from './scope.ts'

const tags = ['accounts']
const ageOut = Type.Integer({
  description: 'After how many days its client drops what it was sent.',
  minimum: 1,
  maximum: 3_650,
})
export const newAccount = closed({
  name: Type.String({ description: 'Kept in the normal form NFC.', maxLength: 512 }),
  role: Type.Optional({ ...role, default: 'reader' }),
  password: Type.Optional(
    Type.String({ description: 'One is made where none is given.', maxLength: 1_024 }),
  ),
  passwordless: Type.Optional(
    Type.Boolean({
      description: 'Nobody signs in with a password, but with tokens or certificates alone.',
      default: false,
    }),
  ),
  clientAgeOutDays: Type.Optional({ ...ageOut, default: 30 }),
  grants: Type.Optional(
    Type.Array(
      closed({
        collection: Type.String(),
        read: Type.Optional(Type.Boolean({ default: true })),
        write: Type.Optional(Type.Boolean({ default: false })),
      }),
      { maxItems: 1_000 },
    ),
  ),
})
export const accountChange = Type.Object(
  {
    role: Type.Optional(role),
    clientAgeOutDays: Type.Optional(ageOut),
    disabled: Type.Optional(
      Type.Boolean({ description: 'true: nobody is let in as it, and its JWTs end.' }),
    ),
  },
  { additionalProperties: false, minProperties: 1 },
)

export function accountRoutes(scope: AdminScope, parts: AdminParts): void {
  const { db, log } = parts

  scope.get(
    '/api/v1/accounts',
    {
      config: { permission: 'accounts:read' },
      schema: {
        operationId: 'listAccounts',
        summary: 'All accounts, by their names',
        tags,
        querystring: closed({ ...pageParameters, role: Type.Optional(role) }),
        response: { 200: pageOf('accounts', accountSchema) },
      },
    },
    async ({ query: { limit = usualPerPage, cursor, role } }) => {
      const [after] =
        cursor === undefined ? [] : decodeCursor('accounts', cursor, Type.Tuple([Type.String()]))
      const rows = await readAccountViews(db, {
        ...(role !== undefined && { role }),
        ...(after !== undefined && { after }),
        limit: limit + 1,
      })
      const { page, next } = toPage(rows, limit, ({ name }) => encodeCursor('accounts', [name]))
      return { accounts: page.map(accountToJson), next }
    },
  )

  scope.post(
    '/api/v1/accounts',
    {
      config: { permission: 'accounts:write' },
      schema: {
        operationId: 'createAccount',
        summary: 'Make an account',
        description: 'The answer has the password where one was made, this once.',
        tags,
        body: newAccount,
        response: {
          201: answer(
            'It is made.',
            Type.Object({
              ...accountSchema.properties,
              password: Type.Optional(Type.String({ description: 'The one that was made.' })),
            }),
            'Location',
            'ETag',
            'Idempotency-Replayed',
          ),
          ...refusals(404, 409),
        },
      },
    },
    async (request, reply) => {
      const { body } = request
      const caller = getCaller(request)
      const name = body.name.normalize('NFC')
      const { role = 'reader', clientAgeOutDays = 30, passwordless = false, grants = [] } = body
      refuseFaults([
        ...nameFaults(name),
        ...passwordFaults(body.password),
        ...(passwordless && body.password !== undefined
          ? [{ place: '/passwordless', message: 'must not be true where a password is given' }]
          : []),
        ...grantFaults(grants),
      ])
      requireRole(caller, role, 'make')
      const made = passwordless || body.password !== undefined ? undefined : makePassword()
      const password = body.password ?? made
      const hash = password === undefined ? null : await hashPassword(password)
      return answerOnce(request, reply, parts, async (trx) => {
        await lockCaller(trx, caller)
        const account = await createAccount(trx, name, hash, role, clientAgeOutDays)
        if (!account) throw new AccountExists(name)
        for (const { collection, read = true, write = false } of grants) {
          const { id } = await getGrantedCollection(trx, collection)
          await putGrant(trx, account.id, id, { read, write })
        }
        const view = await getAccountView(trx, name)
        return {
          status: 201,
          headers: {
            Location: `/api/v1/accounts/${encodeURIComponent(name)}`,
            ETag: etagOf(settingsOf(view)),
          },
          body: { ...accountToJson(view), ...(made !== undefined && { password: made }) },
          afterCommit: () => logChange(log, caller, { account: name, role }, 'made an account'),
        }
      })
    },
  )

  scope.get(
    '/api/v1/accounts/:name',
    {
      config: { permission: 'accounts:read' },
      schema: {
        operationId: 'getAccount',
        summary: 'One account',
        tags,
        params: accountParams,
        headers: ifNoneMatchHeaders,
        response: {
          200: answer('How it is.', accountSchema, 'ETag'),
        },
      },
    },
    async (request, reply) => {
      const account = await getAccountView(db, request.params.name)
      return sendWithEtag(request, reply, etagOf(settingsOf(account)), accountToJson(account))
    },
  )

  scope.patch(
    '/api/v1/accounts/:name',
    {
      config: { permission: 'accounts:write' },
      schema: {
        operationId: 'changeAccount',
        summary: 'Change the role or the age-out, disable or enable',
        description:
          'It counts at once. What is disabled keeps its tokens, certificates and grants, for when it is enabled again.',
        tags,
        params: accountParams,
        headers: ifMatchHeaders,
        body: accountChange,
        response: { 200: answer('As it is now.', accountSchema, 'ETag'), ...refusals(409, 412) },
      },
    },
    async (request, reply) => {
      const caller = getCaller(request)
      const { role, disabled } = request.body
      if (role !== undefined) requireRole(caller, role, 'make')
      const account = await db.transaction().execute(async (trx) => {
        const found = await getAccountForChange(trx, request, request.params.name)
        checkPrecondition(request, etagOf(settingsOf(found)))
        const letsIn = found.role === 'administrator' && !found.disabled
        const stays = (role ?? 'administrator') === 'administrator' && disabled !== true
        if (letsIn && !stays && !(await hasOtherAdministrator(trx, found.id))) {
          throw new LastAdministrator(found.name)
        }
        // The role that it has already is no change: it ends no JWT.
        const { role: _, ...others } = request.body
        const change = role === undefined || role === found.role ? others : request.body
        await changeAccount(trx, found.id, change)
        return getAccountView(trx, found.name)
      })
      logChange(log, caller, { account: account.name, change: request.body }, 'changed an account')
      reply.header('ETag', etagOf(settingsOf(account)))
      return accountToJson(account)
    },
  )
}

function nameFaults(name: string): readonly Fault[] {
  const fault = newAccountNameFault(name)
  return fault === undefined ? [] : [{ place: '/name', message: fault }]
}

export function passwordFaults(password: string | undefined): readonly Fault[] {
  const fault = password === undefined ? undefined : passwordFault(password)
  return fault === undefined ? [] : [{ place: '/password', message: fault }]
}

export function refuseFaults(faults: readonly Fault[]): void {
  if (faults.length > 0) throw new ValidationFailed(faults)
}

function grantFaults(
  grants: readonly { collection: string; read?: boolean; write?: boolean }[],
): readonly Fault[] {
  const seen = new Set<string>()
  return grants.flatMap(({ collection, read = true, write = false }, index) => {
    const twice = seen.has(collection)
    seen.add(collection)
    const place = `/grants/${index}`
    if (twice) return [{ place: `${place}/collection`, message: 'is given twice' }]
    return read || write ? [] : [{ place, message: 'gives neither read nor write: leave it out' }]
  })
}
