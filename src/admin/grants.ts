import { Type } from 'typebox'
import { getCaller } from '../http/who-is-asking.ts'
import { CollectionNotFound, GrantNotFound } from '../model/errors.ts'
import { deleteGrant, putGrant } from '../store/account-changes.ts'
import type { AccountView, Grant } from '../store/account-views.ts'
import { findCollection } from '../store/collections.ts'
import type { Db } from '../store/db.ts'
import { getAccountForChange, getAccountView, logChange } from './account-access.ts'
import { accountParams, grantSchema } from './account-schemas.ts'
import { ValidationFailed } from './errors.ts'
import { checkPrecondition, etagOf, sendWithEtag } from './etag.ts'
import type { AdminParts } from './parts.ts'
import {
  answer,
  closed,
  ifMatchHeaders,
  ifNoneMatchHeaders,
  noContent,
  refusals,
} from './schemas.ts'
import type { AdminScope } from './scope.ts'

const tags = ['accounts']
const grantParams = closed({
  ...accountParams.properties,
  collection: Type.String({ description: 'Its name.', minLength: 1 }),
})

/** Which collections an account may read and write. An administrator's are kept and do not count. */
export function grantRoutes(scope: AdminScope, { db, log }: AdminParts): void {
  scope.get(
    '/api/v1/accounts/:name/grants',
    {
      config: { permission: 'accounts:read' },
      schema: {
        operationId: 'listGrants',
        summary: 'Which collections an account may read and write',
        description:
          'All of them, in one answer. An administrator reads and writes every collection.',
        tags,
        params: accountParams,
        headers: ifNoneMatchHeaders,
        response: {
          200: answer('All its grants.', Type.Object({ grants: Type.Array(grantSchema) }), 'ETag'),
        },
      },
    },
    async (request, reply) => {
      const { grants } = await getAccountView(db, request.params.name)
      return sendWithEtag(request, reply, etagOf(grants), { grants: [...grants] })
    },
  )

  scope.put(
    '/api/v1/accounts/:name/grants/:collection',
    {
      config: { permission: 'accounts:write' },
      schema: {
        operationId: 'putGrant',
        summary: 'Let an account read or write a collection',
        tags,
        params: grantParams,
        headers: ifMatchHeaders,
        body: closed({ read: Type.Boolean(), write: Type.Boolean() }),
        response: { 200: answer('The grant as it is now.', grantSchema, 'ETag'), ...refusals(412) },
      },
    },
    async (request, reply) => {
      const { body, params } = request
      if (!body.read && !body.write) {
        const message = 'gives neither read nor write: DELETE takes a grant back'
        throw new ValidationFailed([{ place: '', message }])
      }
      const { account, grant } = await db.transaction().execute(async (trx) => {
        const account = await getAccountForChange(trx, request, params.name)
        const { id, name } = await getGrantedCollection(trx, params.collection)
        checkPrecondition(request, etagOfGrant(account, name))
        await putGrant(trx, account.id, id, body)
        return { account, grant: { collection: name, ...body } satisfies Grant }
      })
      const details = { account: account.name, grant }
      logChange(log, getCaller(request), details, 'granted a collection')
      reply.header('ETag', etagOf(grant))
      return grant
    },
  )

  scope.delete(
    '/api/v1/accounts/:name/grants/:collection',
    {
      config: { permission: 'accounts:write' },
      schema: {
        operationId: 'deleteGrant',
        summary: 'Take a grant back',
        tags,
        params: grantParams,
        headers: ifMatchHeaders,
        response: { 204: noContent('It is taken back, at once.'), ...refusals(412) },
      },
    },
    async (request, reply) => {
      const { params } = request
      const details = await db.transaction().execute(async (trx) => {
        const account = await getAccountForChange(trx, request, params.name)
        const { id, name } = await getGrantedCollection(trx, params.collection)
        const etag = etagOfGrant(account, name)
        if (etag === undefined) throw new GrantNotFound(account.name, name)
        checkPrecondition(request, etag)
        await deleteGrant(trx, account.id, id)
        return { account: account.name, collection: name }
      })
      logChange(log, getCaller(request), details, 'took a grant back')
      return reply.code(204).send(null)
    },
  )
}

/** @throws CollectionNotFound */
export async function getGrantedCollection(db: Db, name: string) {
  const possible = !name.includes('\0') && name.isWellFormed()
  const collection = possible ? await findCollection(db, name) : undefined
  if (!collection) throw new CollectionNotFound(name)
  return collection
}

function etagOfGrant({ grants }: AccountView, collection: string): string | undefined {
  const grant = grants.find((one) => one.collection === collection)
  return grant && etagOf(grant)
}
