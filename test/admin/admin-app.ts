import Fastify, { type FastifyBaseLogger, type FastifyInstance, type InjectOptions } from 'fastify'
import type { Test } from 'tap'
import type { AdminParts } from '../../src/admin/parts.ts'
import { adminRoutes } from '../../src/admin/routes.ts'
import type { Caller, Role } from '../../src/model/account.ts'
import { permissionsOf } from '../../src/model/permission.ts'
import type { Db } from '../../src/store/db.ts'
import { createTestLog } from '../helpers/log.ts'
import { createAdminParts } from './admin-parts.ts'

export interface Answered {
  readonly status: number
  readonly headers: Readonly<Record<string, unknown>>
  readonly body: ReturnType<typeof JSON.parse>
}

export interface AdminApp {
  readonly parts: AdminParts
  /** Asks as an account that was added; a body makes it JSON. */
  ask(who: string, request: string, more?: AskMore): Promise<Answered>
  /** @param grants names of collections, with what is granted */
  addAccount(
    name: string,
    role: Role,
    grants?: Readonly<Record<string, 'read' | 'write'>>,
  ): Promise<Caller>
}

export interface AskMore {
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
}

/** The REST interface by itself, where each request says who is asking. */
export async function openAdminApp(
  t: Test,
  db: Db,
  change: Partial<AdminParts> = {},
): Promise<AdminApp> {
  const parts = createAdminParts(t, db, change)
  const callers = new Map<string, Caller>()
  const log: FastifyBaseLogger = createTestLog()
  const app: FastifyInstance = Fastify({ loggerInstance: log })
  await adminRoutes(app, parts, (scope) => {
    scope.decorateRequest('caller', null)
    return async (request) => {
      request.caller = callers.get(String(request.headers['x-who'])) ?? null
    }
  })
  t.teardown(() => app.close())
  return {
    parts,
    async addAccount(name, role, grants = {}) {
      const { id } = await db
        .insertInto('accounts')
        .values({ name, role, password_hash: null })
        .returning('id')
        .executeTakeFirstOrThrow()
      for (const [collection, right] of Object.entries(grants)) {
        await db
          .insertInto('grants')
          .columns(['account_id', 'collection_id', 'can_read', 'can_write'])
          .expression((from) =>
            from
              .selectFrom('collections')
              .where('name', '=', collection)
              .select(({ val }) => [
                val(id).as('account_id'),
                'id',
                val(true).as('can_read'),
                val(right === 'write').as('can_write'),
              ]),
          )
          .execute()
      }
      const caller: Caller = {
        account: { id, name, role },
        proof: 'token',
        permissions: permissionsOf(role, undefined),
      }
      callers.set(name, caller)
      return caller
    },
    async ask(who, request, { body, headers } = {}) {
      const [method, url] = request.split(' ') as [InjectOptions['method'] & string, string]
      const response = await app.inject({
        method: method as 'GET',
        url,
        headers: {
          'x-who': who,
          ...headers,
          ...(body !== undefined && { 'content-type': 'application/json' }),
        },
        ...(body !== undefined && {
          payload: typeof body === 'string' ? body : JSON.stringify(body),
        }),
      })
      const { statusCode: status, payload } = response
      const isJson = String(response.headers['content-type']).includes('json')
      return { status, headers: response.headers, body: isJson ? JSON.parse(payload) : payload }
    },
  }
}
