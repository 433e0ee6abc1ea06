import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { readFileSync } from 'node:fs'
import { Agent, type IncomingHttpHeaders, request } from 'node:http'
import { join } from 'node:path'
import type { FastifyInstance, RouteOptions } from 'fastify'
import t, { type Test } from 'tap'
import { readConfig } from '../src/config.ts'
import { startService } from '../src/service.ts'
import { createAccount } from '../src/store/accounts.ts'
import { getSourceId } from '../src/store/sources.ts'
import { cheapHash } from './helpers/cheap-hash.ts'
import { createTestLog } from './helpers/log.ts'
import { noteSecret, secret } from './helpers/secrets.ts'
import { makeFolder, makeStore } from './helpers/stores.ts'
import { anAssertion, createTestIntake, reportOn } from './intake/reports.ts'
import { type Asked, askFor, collections, type World } from './permission-requests.ts'
import {
  type Caller,
  callers,
  type Outcome,
  type Row,
  rows,
  rowsToMarkdown,
  taxiiPaths,
} from './permission-rows.ts'
import { basic, pollRequest, taxiiHeaders, request as taxiiMessage } from './taxii/server.ts'

interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
}

interface Place {
  readonly port?: string
  readonly socketPath?: string
}

const agent = new Agent({ keepAlive: true })
t.teardown(() => agent.destroy())

function ask(
  place: Place,
  method: string,
  { path, body }: Asked,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const isTaxii = taxiiPaths.includes(path)
  const sent = body === undefined || typeof body === 'string' ? body : JSON.stringify(body)
  return new Promise((resolve, reject) => {
    const asked = request(
      {
        ...place,
        agent,
        host: '127.0.0.1',
        method,
        path,
        headers: {
          ...(isTaxii && method === 'POST' ? taxiiHeaders : {}),
          ...(sent !== undefined && !isTaxii && { 'Content-Type': 'application/json' }),
          ...headers,
        },
      },
      async (response) => {
        let text = ''
        for await (const chunk of response.setEncoding('utf8')) text += chunk
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text })
      },
    )
    asked.once('error', reject)
    asked.end(sent)
  })
}

/** What an answer is to its caller, in the words of the table. */
function outcomeOf({ status, headers, text }: Answer): Outcome | string {
  const statusType = /status_type="(\w+)"/.exec(text)?.[1]
  if (status === 200 && statusType !== undefined) {
    const words: Record<string, Outcome> = {
      UNAUTHORIZED: '401',
      DENIED: '403',
      NOT_FOUND: '404',
      // Somebody else's result set looks like one that is gone.
      ASYNCHRONOUS_POLL_ERROR: '404',
      SUCCESS: 'yes',
    }
    return words[statusType] ?? statusType
  }
  // Swagger UI sends to its own page.
  if (status >= 200 && status < 400) return 'yes'
  if (status === 401 && headers['www-authenticate'] === undefined) return '401 without a challenge'
  return String(status)
}

/** The routes of each Fastify that is made until `t` ends, by whether it is the one behind the local socket. */
function watchRoutes(t: Test) {
  const apps: { routes: Set<string> }[] = []
  const watch = (message: unknown) => {
    const { fastify } = message as { fastify: FastifyInstance }
    const app = { routes: new Set<string>() }
    apps.push(app)
    fastify.addHook('onRoute', ({ method, url }: RouteOptions) => {
      for (const one of [method].flat()) app.routes.add(`${one} ${url}`)
    })
  }
  subscribe('fastify.initialization', watch)
  t.teardown(() => unsubscribe('fastify.initialization', watch))
  return apps
}

/** HEAD is answered wherever GET is, by the same route. */
const withoutHead = (routes: Iterable<string>) =>
  [...routes].filter((route) => !route.startsWith('HEAD ')).sort()

const routesOfRows = (some: readonly Row[]) =>
  new Set(
    some.flatMap(({ route }) =>
      route.endsWith(' TAXII') ? taxiiPaths.map((path) => route.replace('TAXII', path)) : [route],
    ),
  )

t.test('docs/security.md has the same table', async (t) => {
  const text = readFileSync(new URL('../docs/security.md', import.meta.url), 'utf8')
  const table = rowsToMarkdown()
  if (!text.includes(table)) t.fail(`the table there must be:\n${table}`)
})

t.test('everybody may do what the table says, and no more', async (t) => {
  const apps = watchRoutes(t)
  const { databaseUrl = '' } = await makeStore(t, 'postgresql')
  const dataDir = makeFolder(t)
  const config = readConfig({
    TAXIWAY_DATABASE_URL: databaseUrl,
    TAXIWAY_DATA_DIR: dataDir,
    TAXIWAY_PORT: '0',
    TAXIWAY_SECRET_KEY: secret('secret key'),
    TAXIWAY_ADMIN_PASSWORD: secret('password of admin'),
  })
  const service = await startService(config, createTestLog())
  t.teardown(() => service.stop())
  const { db } = service.store
  const local: Place = { socketPath: join(dataDir, 'taxiway.sock') }
  const remote: Place = { port: new URL(service.address).port }

  let names = 0
  const passwords = new Map<string, string>()
  const tokens = new Map<string, string>()
  const resultSets = new Map<string, string>()
  const subscriptions = new Map<string, string>()
  const accountOf: Partial<Record<Caller, string>> = {
    disabled: 'disabled',
    password: 'root',
    reader: 'reader',
    curator: 'curator',
    responder: 'responder',
    limited: 'root',
    administrator: 'root',
  }
  const world: World = {
    async prepare(method, path, body) {
      const answer = await ask(local, method, { path, ...(body && { body }) })
      if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.text}`)
      return answer.text === '' ? {} : JSON.parse(answer.text)
    },
    newName: () => `new-${names++}`,
    nameOf: (caller) => accountOf[caller] ?? 'target',
    passwordOf: (caller) => passwords.get(accountOf[caller] ?? '') ?? 'a wrong password',
    resultSetOf: (caller) => resultSets.get(caller) ?? 'none',
    subscriptionOf: (caller) => subscriptions.get(caller) ?? 'none',
  }

  await getSourceId(db, 'otx')
  await world.prepare('POST', '/api/v1/collections/apply', { collections })
  const intake = createTestIntake(t, db)
  // Fresh: the service's own sweep lets go of what is old by its clock.
  intake.now = new Date()
  const fresh = (value: string) => anAssertion(value, { validFrom: intake.now })
  await intake.take([reportOn(['a.com', 'b.com', 'c.com'].map(fresh))])
  const roles = {
    root: 'administrator',
    reader: 'reader',
    curator: 'curator',
    responder: 'responder',
    disabled: 'administrator',
    somebody: 'reader',
    target: 'reader',
  } as const
  for (const [name, role] of Object.entries(roles)) {
    const password = secret(`password of ${name}`, { colons: true, utf8: true })
    passwords.set(name, password)
    await createAccount(db, name, cheapHash(password), role)
    const account = `/api/v1/accounts/${name}`
    if (role !== 'administrator') {
      await world.prepare('PUT', `${account}/grants/own`, { read: true, write: true })
      await world.prepare('PUT', `${account}/grants/readable`, { read: true, write: false })
      await world.prepare('PUT', `${account}/grants/writable`, { read: false, write: true })
    }
    const { token } = await world.prepare('POST', `${account}/tokens`, { name: 'table' })
    tokens.set(name, noteSecret(String(token), `token of ${name}`))
  }
  const limits = { name: 'limited', scopes: ['sources:read'] }
  const limited = await world.prepare('POST', '/api/v1/accounts/root/tokens', limits)
  tokens.set('limited', noteSecret(String(limited.token), 'limited token'))
  await world.prepare('PATCH', '/api/v1/accounts/disabled', { disabled: true })

  const bearer = (name: string) => ({ Authorization: `Bearer ${tokens.get(name)}` })
  const credentials: Readonly<Record<Caller, Record<string, string>>> = {
    nobody: {},
    disabled: bearer('disabled'),
    password: { Authorization: basic('root', String(passwords.get('root'))) },
    reader: bearer('reader'),
    curator: bearer('curator'),
    responder: bearer('responder'),
    limited: bearer('limited'),
    administrator: bearer('root'),
    socket: {},
  }
  for (const caller of [...callers, 'somebody'] as const) {
    if (caller === 'nobody' || caller === 'disabled' || caller === 'limited') continue
    const proof = caller === 'somebody' ? bearer('somebody') : credentials[caller]
    const polled = { path: '/taxii/poll', body: pollRequest(undefined, 'own') }
    if (caller === 'socket') continue
    const { text } = await ask(remote, 'POST', polled, proof)
    const id = /result_id="([^"]+)"/.exec(text)?.[1]
    if (id === undefined) throw new Error(`no result set for ${caller}: ${text}`)
    resultSets.set(caller, id)
    const subscribing = {
      path: '/taxii/poll',
      body: taxiiMessage(
        'Subscription_Management_Request',
        'action="SUBSCRIBE" collection_name="own"',
      ),
    }
    const made = await ask(remote, 'POST', subscribing, proof)
    const subscription = /Subscription_ID>([^<]+)</.exec(made.text)?.[1]
    if (subscription === undefined) throw new Error(`${caller} has not subscribed: ${made.text}`)
    subscriptions.set(caller, subscription)
  }

  const wrong: string[] = []
  const check = async (row: Row, caller: Caller, asked: Asked) => {
    const method = String(row.route.split(' ')[0])
    const place = caller === 'socket' ? local : remote
    const answer = await ask(place, method, asked, credentials[caller])
    const { token } = answer.text.startsWith('{"') ? JSON.parse(answer.text) : {}
    if (typeof token === 'string') noteSecret(token, 'token')
    const outcome = outcomeOf(answer)
    if (outcome === row.outcomes[caller]) return
    const what = `${row.route}${row.of === undefined ? '' : `, ${row.of}`} as ${caller}`
    wrong.push(`${what}: ${outcome}, not ${row.outcomes[caller]}: ${answer.text.slice(0, 300)}`)
  }
  for (const row of rows) {
    for (const caller of callers) await check(row, caller, await askFor(row, world, caller))
  }
  // What one path of TAXII answers, each does.
  const polls = rows.filter(({ of = '' }) => /^Poll_Request (own|other)$/.test(of))
  for (const path of taxiiPaths) {
    for (const row of [...polls, ...rows.filter(({ route }) => route === 'GET TAXII')]) {
      await Promise.all(
        callers.map(async (caller) =>
          check(row, caller, { ...(await askFor(row, world, caller)), path }),
        ),
      )
    }
  }
  t.strictSame(wrong, [])

  const [app, behindSocket] = [
    apps.find(({ routes }) => routes.has('GET /metrics')),
    apps.find(({ routes }) => !routes.has('GET /metrics')),
  ]
  t.strictSame(
    withoutHead(app?.routes ?? []),
    withoutHead(routesOfRows(rows)),
    'each route has a row, and each row a route',
  )
  const atSocket = rows.filter(({ outcomes }) => outcomes.socket !== '404')
  const missing = rows.filter(({ of }) => of === 'missing')
  t.strictSame(
    withoutHead(behindSocket?.routes ?? []),
    withoutHead(routesOfRows([...atSocket, ...missing])),
    'and so it is behind the socket',
  )
})
