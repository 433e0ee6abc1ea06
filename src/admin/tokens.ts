import { type Static, Type } from 'typebox'
import { getCaller } from '../http/who-is-asking.ts'
import type { Caller, Role } from '../model/account.ts'
import { TokenNotFound } from '../model/errors.ts'
import { type Permission, permissions, rolePermissions } from '../model/permission.ts'
import { makeToken, tokenDigest, tokenHint } from '../security/tokens.ts'
import {
  createToken,
  findTokenForChange,
  readTokens,
  revokeToken,
  type StoredToken,
} from '../store/tokens.ts'
import {
  getAccountForChange,
  getAccountView,
  isLimited,
  logChange,
  requireAll,
} from './account-access.ts'
import { accountParams } from './account-schemas.ts'
import { decodeCursor, encodeCursor } from './cursor.ts'
import { ValidationFailed } from './errors.ts'
import { checkPrecondition, etagOf } from './etag.ts'
import { answerOnce } from './idempotency.ts'
import type { AdminParts } from './parts.ts'
import {
  answer,
  closed,
  ifMatchHeaders,
  moment,
  noContent,
  nullable,
  nullableMoment,
  oneOf,
  pageOf,
  pageQuery,
  refusals,
  toPage,
  usualPerPage,
} from './schemas.ts'
import type { AdminScope } from './scope.ts'

const tags = ['accounts']
const scopesMeaning = 'What it is limited to; null: whatever the role of its account may.'

export const tokenSchema = Type.Object({
  id: Type.Integer(),
  name: Type.String({ description: 'What it is for.' }),
  hint: Type.String({ description: 'Its last four characters.' }),
  scopes: nullable(Type.Array(oneOf(permissions)), scopesMeaning),
  createdBy: Type.String({ description: 'The account that made it.' }),
  createdAt: moment('When it was made.'),
  expiresAt: moment('When it ends.'),
  revokedAt: nullableMoment('When it was revoked; null: it was not.'),
  lastUsedAt: nullableMoment('When it was last used, to the minute; null: never.'),
})

export const newToken = closed({
  name: Type.String({
    description: 'What it is for.',
    minLength: 1,
    maxLength: 128,
    pattern: '^[^\\u0000-\\u001f\\u007f-\\u009f]*$',
  }),
  scopes: Type.Optional(
    Type.Array(oneOf(permissions), {
      description: 'What it is limited to; absent: whatever the role of its account may.',
      minItems: 1,
      uniqueItems: true,
    }),
  ),
  expiresInDays: Type.Optional(Type.Integer({ minimum: 1, maximum: 366, default: 90 })),
})

/** Bearer tokens: shown once, kept as digests. */
export function tokenRoutes(scope: AdminScope, parts: AdminParts): void {
  const { db, log } = parts

  scope.get(
    '/api/v1/accounts/:name/tokens',
    {
      config: { permission: 'accounts:read' },
      schema: {
        operationId: 'listTokens',
        summary: 'The tokens of an account, the newest first',
        description: 'With those that were revoked or have expired; never what lets anybody in.',
        tags,
        params: accountParams,
        querystring: pageQuery,
        response: { 200: pageOf('tokens', tokenSchema) },
      },
    },
    async ({ params, query: { limit = usualPerPage, cursor } }) => {
      const { id } = await getAccountView(db, params.name)
      const key = Type.Tuple([Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER })])
      const [before] = cursor === undefined ? [] : decodeCursor('tokens', cursor, key)
      const rows = await readTokens(db, id, {
        ...(before !== undefined && { before }),
        limit: limit + 1,
      })
      const { page, next } = toPage(rows, limit, (last) => encodeCursor('tokens', [last.id]))
      return { tokens: page.map(tokenToJson), next }
    },
  )

  scope.post(
    '/api/v1/accounts/:name/tokens',
    {
      config: { permission: 'accounts:write' },
      schema: {
        operationId: 'createToken',
        summary: 'Make a token for an account',
        description:
          'The answer has the token, this once: the store keeps a digest. A token that is made with a limited one is limited, too.',
        tags,
        params: accountParams,
        body: newToken,
        response: {
          201: answer(
            'It is made.',
            Type.Object({
              ...tokenSchema.properties,
              token: Type.String({ description: 'For `Authorization: Bearer`.' }),
            }),
            'Location',
            'ETag',
            'Idempotency-Replayed',
          ),
        },
      },
    },
    async (request, reply) => {
      const { body, params } = request
      const caller = getCaller(request)
      return answerOnce(request, reply, parts, async (trx) => {
        const account = await getAccountForChange(trx, request, params.name)
        const token = makeToken()
        const made = await createToken(trx, account.id, {
          name: body.name,
          digest: tokenDigest(token),
          hint: tokenHint(token),
          scopes: chooseScopes(caller, account.role, body.scopes),
          createdBy: caller.account.name,
          expiresInDays: body.expiresInDays ?? 90,
        })
        const { id, name, scopes } = made
        const place = `/api/v1/accounts/${encodeURIComponent(account.name)}/tokens/${id}`
        const details = { account: account.name, token: id, name, scopes }
        return {
          status: 201,
          headers: { Location: place, ETag: etagOfToken(made) },
          body: { ...tokenToJson(made), token },
          afterCommit: () => logChange(log, caller, details, 'made a token'),
        }
      })
    },
  )

  scope.delete(
    '/api/v1/accounts/:name/tokens/:id',
    {
      config: { permission: 'accounts:write' },
      schema: {
        operationId: 'revokeToken',
        summary: 'Revoke a token',
        tags,
        params: closed({
          ...accountParams.properties,
          id: Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER }),
        }),
        headers: ifMatchHeaders,
        response: { 204: noContent('It lets nobody in any more.'), ...refusals(412) },
      },
    },
    async (request, reply) => {
      const { id, name } = request.params
      const account = await db.transaction().execute(async (trx) => {
        const account = await getAccountForChange(trx, request, name)
        const token = await findTokenForChange(trx, account.id, id)
        if (!token) throw new TokenNotFound(account.name, id)
        checkPrecondition(request, etagOfToken(token))
        await revokeToken(trx, id)
        return account
      })
      const details = { account: account.name, token: id }
      logChange(log, getCaller(request), details, 'revoked a token')
      return reply.code(204).send(null)
    },
  )
}

/**
 * Those that are asked for. A limited caller who asks for none gives what the role may now, which is no more
 * than he may, and stays so when the account is given another role.
 */
function chooseScopes(
  caller: Caller,
  role: Role,
  wanted: readonly Permission[] | undefined,
): readonly Permission[] | null {
  const ofRole = rolePermissions[role]
  if (wanted === undefined) return isLimited(caller) ? [...ofRole] : null
  const beyond = wanted.flatMap((scope, index) =>
    ofRole.has(scope)
      ? []
      : [{ place: `/scopes/${index}`, message: `is more than the role ${role} may` }],
  )
  if (beyond.length > 0) throw new ValidationFailed(beyond)
  requireAll(caller, wanted)
  return wanted
}

function tokenToJson(token: StoredToken): Static<typeof tokenSchema> {
  const { id, name, hint, scopes, createdBy } = token
  return {
    id,
    name,
    hint,
    scopes:
      scopes &&
      (scopes.filter((scope) => permissions.some((one) => one === scope)) as Permission[]),
    createdBy,
    createdAt: token.createdAt.toISOString(),
    expiresAt: token.expiresAt.toISOString(),
    revokedAt: token.revokedAt?.toISOString() ?? null,
    lastUsedAt: token.lastUsedAt?.toISOString() ?? null,
  }
}

function etagOfToken({ id, name, hint, scopes, expiresAt }: StoredToken): string {
  return etagOf([id, name, hint, scopes, expiresAt])
}
