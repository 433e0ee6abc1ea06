import Fastify from 'fastify'
import pg from 'pg'
import t from 'tap'
import { Client } from 'undici'
import { createLog } from '../src/log.ts'
import { errorToText } from '../src/log-secrets.ts'
import { createTestDatabase } from './helpers/postgres.ts'
import { noteSecret, secret } from './helpers/secrets.ts'
import { openTestStore } from './helpers/stores.ts'

function openLog() {
  const lines: string[] = []
  const log = createLog('trace', { write: (line) => lines.push(line) })
  return { log, lines, last: () => JSON.parse(String(lines.at(-1))) }
}

const hidden = secret('logged')
const basic = `Basic ${Buffer.from(`esa1:${hidden}`).toString('base64')}`
const jwt = noteSecret(`eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.${hidden}`)
const token = noteSecret(`taxiway_${hidden.slice(0, 43)}`)

const nested = (depth: number): object =>
  depth === 0 ? { password: hidden } : { in: nested(depth - 1) }
const circle: Record<string, unknown> = { name: 'circle', password: hidden }
circle.self = circle

const shapes: readonly (readonly [string, object])[] = [
  ['by name', { password: hidden }],
  ['by a name in capitals', { PASSWORD: hidden, 'X-OTX-API-KEY': hidden, ApiKey: hidden }],
  [
    'by names of settings',
    { TAXIWAY_OTX_API_KEY: hidden, TAXIWAY_SECRET_KEY: hidden, TAXIWAY_TOKEN: hidden },
  ],
  [
    'of the configuration',
    { config: { otx: { apiKey: hidden }, secrets: { key: hidden, previousKey: hidden } } },
  ],
  ['far inside', nested(4)],
  ['deeper than anybody looks', nested(40)],
  ['in a list', { all: [{ token: hidden }, { accounts: [{ passwordHash: hidden }] }] }],
  ['in a map', { all: new Map([['password', hidden]]), set: new Set([{ secret: hidden }]) }],
  ['as bytes', { sealed: Buffer.from(hidden), plain: Buffer.from(hidden) }],
  ['an object under a secret name', { secret: { any: { thing: hidden } }, credentials: [hidden] }],
  ['in a circle', circle],
  ['headers', { headers: { authorization: basic, cookie: `a=${hidden}`, any: hidden } }],
  ['headers as a list', { rawHeaders: ['Authorization', basic], 'set-cookie': [hidden] }],
  ['a URL with userinfo', { url: `postgres://taxiway:${hidden}@db:5432/taxiway` }],
  ['a URL object', { url: new URL(`amqp://taxiway:${hidden}@mq`) }],
  [
    'a URL whose password has odd signs',
    { url: `postgres://u:${hidden}/p@w?d#${hidden}@db/taxiway` },
  ],
  ['a URL with a token for a name', { url: `https://${hidden}@example.com/` }],
  ['Basic in a text', { said: `got "${basic}" from esa1` }],
  ['Bearer in a text', { said: `got Bearer ${hidden}` }],
  ['a JWT in a text', { said: `got ${jwt}.` }],
  ['a token in a text', { said: `got ${token}, which` }],
  ['on a line of its own', { said: `got\n${basic}\n\t${jwt}\r\n${token}\nBearer ${hidden}` }],
  ['a stored hash on a line of its own', { said: `it is\nscrypt$32768$8$3$${hidden}$${hidden}` }],
  ['a stored hash', { said: `scrypt$32768$8$3$${hidden}$${hidden}` }],
  ['a private key', { said: `-----BEGIN PRIVATE KEY-----\n${hidden}\n-----END PRIVATE KEY-----` }],
  [
    'an error with all that it carries',
    {
      err: Object.assign(new Error('failed'), {
        detail: `Failing row contains (1, ${hidden}).`,
        parameters: [hidden],
        params: [hidden],
        query: `select '${hidden}'`,
        options: { headers: { authorization: hidden } },
        config: { password: hidden },
        request: { body: hidden },
        client: { connectionParameters: { password: hidden } },
      }),
    },
  ],
  [
    'an error within errors',
    {
      err: new AggregateError(
        [
          new Error('one', {
            cause: Object.assign(new Error(`at amqp://u:${hidden}@mq`), { password: hidden }),
          }),
        ],
        'all failed',
        { cause: { password: hidden, deep: [{ authorization: hidden }] } },
      ),
    },
  ],
]

t.test('what is logged holds no secret, in whatever shape it comes', async (t) => {
  for (const [name, shape] of shapes) {
    const { log, lines, last } = openLog()
    log.warn(shape, 'a shape')
    log.child({ module: 'x' }).error(shape)
    log.info('nothing')
    t.equal(lines.length, 3, name)
    t.notMatch(lines.join(), hidden.slice(0, 16), name)
    t.notMatch(lines.join(), Buffer.from(hidden).toString('base64').slice(4, 24), name)
    t.match(last(), { level: 30 })
  }
})

t.test('a message and a name of an account are told as they are', async (t) => {
  const { log, last } = openLog()
  const told = {
    account: 'esa1',
    tokens: 3,
    secrets: 2,
    collection: 'urls',
    url: 'https://otx.example.com/a@b?c=1',
    at: new Date(0),
  }
  log.info(told, 'the password of esa1 was changed; HTTP Basic credentials are asked for')
  t.match(last(), {
    ...told,
    at: '1970-01-01T00:00:00.000Z',
    msg: 'the password of esa1 was changed; HTTP Basic credentials are asked for',
  })
})

t.test('an error tells what went wrong and where', async (t) => {
  const { log, last } = openLog()
  const cause = Object.assign(new Error('connect ECONNREFUSED'), {
    code: 'ECONNREFUSED',
    port: 5432,
  })
  log.error({ err: new TypeError('no store', { cause }) }, 'failed')
  const { err } = last()
  t.match(err, { type: 'TypeError', message: /no store/, stack: /log\.test\.ts/ })
  t.match(err.causedBy, { code: 'ECONNREFUSED', port: 5432, message: 'connect ECONNREFUSED' })
})

t.test('a database’s error tells neither the row nor the parameters', async (t) => {
  for (const kind of ['postgresql', 'embedded'] as const) {
    await t.test(kind, async (t) => {
      const { db } = await openTestStore(t, kind)
      const { log, lines, last } = openLog()
      const values = { name: 'esa1', password_hash: hidden, role: 'king' }
      const error = await db
        .insertInto('accounts')
        .values(values)
        .execute()
        .catch((err) => err)
      log.error({ err: error }, 'failed')
      t.notMatch(errorToText(error), hidden.slice(0, 16))
      t.match(last().err, { message: /accounts_role/, code: '23514', table: 'accounts' })
      t.notMatch(lines.join(), hidden.slice(0, 16))
    })
  }
})

t.test('a connection that fails tells no password', async (t) => {
  const { url } = await createTestDatabase(t)
  const { log, lines } = openLog()
  const wrong = new URL(url)
  wrong.password = hidden
  const client = new pg.Client({ connectionString: wrong.href })
  await client
    .connect()
    .catch((err) => log.error({ err, url: wrong.href, client }, `no ${wrong.href}`))
  t.match(lines[0], /password authentication failed/)
  t.notMatch(lines.join(), hidden.slice(0, 16))
})

t.test('requests are told without headers, by Fastify and undici alike', async (t) => {
  const { log, lines } = openLog()
  const app = Fastify({ loggerInstance: log })
  t.teardown(() => app.close())
  app.get('/broken', async (request) => {
    request.log.info({ headers: request.headers, body: request.body }, 'asked')
    throw Object.assign(new Error('broken'), { request: { headers: request.headers } })
  })
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  const client = new Client(url)
  t.teardown(() => client.close())
  const headers = { authorization: basic, cookie: `session=${hidden}`, 'x-otx-api-key': hidden }
  const { statusCode, body } = await client.request({ method: 'GET', path: '/broken', headers })
  await body.dump()
  t.equal(statusCode, 500)
  const gone = new Client('http://127.0.0.1:9')
  t.teardown(() => gone.close())
  await gone
    .request({ method: 'GET', path: '/', headers })
    .catch((err) => log.error({ err, headers }, 'gone'))
  t.match(lines.join(), /incoming request.*asked.*broken.*request completed.*ECONNREFUSED/s)
  t.match(lines.join(), '"url":"/broken"')
  t.notMatch(lines.join(), hidden.slice(0, 16))
  t.notMatch(lines.join(), basic.slice(10, 40))
})

t.test('a line stays one line of JSON, whatever is blotted out of it', async (t) => {
  const { log, lines, last } = openLog()
  for (const text of [
    `"-----BEGIN PRIVATE KEY-----" and more`,
    `-----BEGIN PRIVATE KEY-----\n${hidden} cut short`,
    JSON.stringify({ key: `-----BEGIN PRIVATE KEY-----\n${hidden}` }),
  ]) {
    log.info({ after: 'told' }, text)
    t.equal(last().level, 30)
    t.match(lines.at(-1), /\n$/)
    t.notMatch(lines.at(-1), hidden)
  }
})

t.test('text of any length is looked through in time', async (t) => {
  const { log, lines } = openLog()
  const began = process.cpuUsage()
  for (const text of [
    '://'.repeat(50_000),
    'a:'.repeat(50_000),
    'Basic '.repeat(30_000),
    '-----BEGIN PRIVATE KEY-----'.repeat(5_000),
    'eyJ'.repeat(50_000),
    'eyJ-'.repeat(50_000),
  ]) {
    log.info(text)
  }
  t.equal(lines.length, 6)
  t.ok(process.cpuUsage(began).user < 5_000_000)
})
