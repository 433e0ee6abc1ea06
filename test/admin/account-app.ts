import Fastify, { type FastifyBaseLogger, type FastifyInstance, type InjectOptions } from 'fastify'
import type { Test } from 'tap'
import type { AdminParts } from '../../src/admin/parts.ts'
import { adminRoutes } from '../../src/admin/routes.ts'
import { restOptions } from '../../src/admin/scope.ts'
import { restHook } from '../../src/http/who-is-asking.ts'
import type { Identify, Role } from '../../src/model/account.ts'
import type { Permission } from '../../src/model/permission.ts'
import { createIdentify } from '../../src/security/identify.ts'
import { makeToken, tokenDigest, tokenHint } from '../../src/security/tokens.ts'
import { createAccount } from '../../src/store/accounts.ts'
import type { Db } from '../../src/store/db.ts'
import { createToken } from '../../src/store/tokens.ts'
import { createTestLog } from '../helpers/log.ts'
import { noteSecret } from '../helpers/secrets.ts'
import { createAdminParts } from './admin-parts.ts'

export interface Told {
  readonly status: number
  readonly headers: Readonly<Record<string, string | undefined>>
  // biome-ignore lint/suspicious/noExplicitAny: what is told is checked by the tests
  readonly body: any
}

export interface Asked {
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
  /** a bearer token; absent: the administrator's */
  readonly token?: string
}

/** What a problem says beside its words. */
export function refusal({ status, headers, body }: Told) {
  return { status, type: headers['content-type'], code: body?.code }
}

export const problemOf = (status: number, code: string) => ({
  status,
  type: 'application/problem+json; charset=utf-8',
  code,
})

export interface AccountApp {
  readonly app: FastifyInstance
  readonly parts: AdminParts
  readonly identify: Identify
  /** what was logged of changes */
  readonly logged: { readonly details: object; readonly message: string }[]
  /** @param request such as `GET /api/v1/accounts` */
  ask(request: string, asked?: Asked): Promise<Told>
  /** Makes an account and a token of it. */
  letIn(name: string, role: Role, scopes?: readonly Permission[]): Promise<string>
}

/** The REST interface as callers with real tokens of the store meet it; `root` is its first administrator. */
export async function openAccountApp(
  t: Test,
  db: Db,
  change: Partial<AdminParts> = {},
): Promise<AccountApp> {
  const logged: { details: object; message: string }[] = []
  const note = (details: object, message: string) => void logged.push({ details, message })
  const parts = createAdminParts(t, db, { log: { info: note, warn: note, error: note }, ...change })
  const log: FastifyBaseLogger = createTestLog()
  const identify = createIdentify({ db, keyring: parts.keyring, jwtSeconds: 600 })
  const app: FastifyInstance = Fastify({ ...restOptions, loggerInstance: log })
  await adminRoutes(app, parts, (scope) => restHook(scope, identify))
  t.teardown(async () => {
    await app.close()
    await identify.settle()
  })
  const letIn: AccountApp['letIn'] = async (name, role, scopes) => {
    const known = await db
      .selectFrom('accounts')
      .select('id')
      .where('name', '=', name)
      .executeTakeFirst()
    const account = known ?? (await createAccount(db, name, null, role))
    const token = noteSecret(makeToken())
    await createToken(db, account?.id as number, {
      name: 'of a test',
      digest: tokenDigest(token),
      hint: tokenHint(token),
      scopes: scopes ?? null,
      createdBy: 'a test',
      expiresInDays: 1,
    })
    return token
  }
  const root = await letIn('root', 'administrator')
  return {
    app,
    parts,
    identify,
    logged,
    letIn,
    async ask(request, { body, headers, token = root } = {}) {
      const [method, url] = request.split(' ') as [string, string]
      const response = await app.inject({
        method: method as InjectOptions['method'] & string as 'GET',
        url,
        headers: {
          authorization: `Bearer ${token}`,
          ...(body !== undefined && { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body !== undefined && {
          payload: typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body),
        }),
      })
      const isJson = String(response.headers['content-type']).includes('json')
      return {
        status: response.statusCode,
        headers: response.headers as Told['headers'],
        body: isJson ? response.json() : response.body,
      }
    },
  }
}
