import { readFileSync } from 'node:fs'
import Fastify, { type FastifyBaseLogger, type FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import { codeOfStatus, statusOfCode } from '../../src/admin/errors.ts'
import { prepareScope } from '../../src/admin/scope.ts'
import {
  CollectionNotFound,
  LeaseLost,
  StoreUnavailable,
  TaxiwayError,
  TooManyGuesses,
} from '../../src/model/errors.ts'
import { createTestLog } from '../helpers/log.ts'

async function throwing(t: Test, error: unknown): Promise<FastifyInstance> {
  const log: FastifyBaseLogger = createTestLog()
  const app: FastifyInstance = Fastify({ loggerInstance: log })
  await app.register(async (plain) => {
    prepareScope(plain).get(
      '/x',
      { config: { permission: 'account' } },
      async (_request, reply) => {
        reply.header('ETag', '"x"')
        throw error
      },
    )
  })
  t.teardown(() => app.close())
  return app
}

t.test('docs/errors.md has each code of a problem, with its status', async (t) => {
  const docs = readFileSync(new URL('../../docs/errors.md', import.meta.url), 'utf8')
  const section = docs.split(/^## /m).find((one) => one.startsWith('What the REST interface'))
  const rows = [...(section ?? '').matchAll(/^\| `([A-Z_]+)` \| (\d+) \| (.+) \| (.+) \|$/gm)]
  t.strictSame(
    rows.map(([, code, status]) => [code, Number(status)]).toSorted(),
    [
      ...Object.entries(statusOfCode),
      ...Object.entries(codeOfStatus).map(([status, code]) => [code, Number(status)]),
    ].toSorted(),
  )
})

t.test('an error of the program is a problem with its code and what to do', async (t) => {
  const app = await throwing(t, new CollectionNotFound('x'))
  const told = await app.inject('/x')
  t.equal(told.headers['content-type'], 'application/problem+json; charset=utf-8')
  t.equal(told.headers.etag, undefined, 'which was of another answer')
  t.equal(told.headers['cache-control'], 'no-store')
  t.strictSame(told.json(), {
    type: 'about:blank',
    title: 'Not found',
    status: 404,
    detail: 'There is no collection "x".',
    code: 'COLLECTION_NOT_FOUND',
  })
})

t.test('guesses that are slowed are told how long to wait', async (t) => {
  const told = await (await throwing(t, new TooManyGuesses(7))).inject('/x')
  t.match(told.json(), { status: 429, code: 'TOO_MANY_GUESSES', detail: /in 7 s/ })
  t.equal(told.headers['retry-after'], '7')
})

t.test('what the caller cannot mend says nothing of what is inside', async (t) => {
  const inside = 'db.internal has no table accounts'
  const cases: [error: unknown, status: number, code: string][] = [
    [new StoreUnavailable(inside), 503, 'STORE_UNAVAILABLE'],
    [new LeaseLost('walk', inside), 503, 'LEASE_LOST'],
    [new Error(inside), 500, 'INTERNAL'],
    [new TaxiwayError('OF_NO_ROW', inside), 500, 'INTERNAL'],
    [Object.assign(new Error(inside), { statusCode: 502 }), 500, 'INTERNAL'],
    [Object.assign(new Error(inside), { code: '23505' }), 500, 'INTERNAL'],
  ]
  for (const [error, status, code] of cases) {
    const told = await (await throwing(t, error)).inject('/x')
    t.match(told.json(), { status, code })
    t.equal(told.statusCode, status)
    t.notMatch(told.body, inside)
  }
})

t.test('a route that names no permission is not registered', async (t) => {
  const app = Fastify()
  await t.rejects(
    (async () => {
      await app.register(async (plain) => {
        prepareScope(plain).get('/x', {}, async () => ({}))
      })
    })(),
    /\/x names no permission/,
  )
})
