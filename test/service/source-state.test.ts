import t, { type Test } from 'tap'
import { buildOtxStandin, type OtxStandin, type StandinPulse } from '../../src/standins/otx.ts'
import { createCommandRunner } from '../cli/command-runner.ts'
import { countBlocks, isWhole, poll } from '../helpers/poll.ts'
import { runCabby } from '../helpers/python.ts'
import { secret } from '../helpers/secrets.ts'
import { makeStore } from '../helpers/stores.ts'
import {
  type Ended,
  makeFolder,
  type RunningService,
  type Settings,
  startService,
} from '../helpers/taxiway.ts'

const apiKey = secret('OTX key')
const password = secret('password of admin')
const admin = { name: 'admin', password }

const yesterday = new Date(Date.now() - 86_400_000).toISOString().slice(0, 19)

function aPulse(number: number, author: string): StandinPulse {
  return {
    id: `5f${String(number).padStart(22, '0')}`,
    name: `Campaign ${number}`,
    author_name: author,
    modified: yesterday,
    created: yesterday,
    tlp: 'white',
    indicators: [
      { id: number, type: 'domain', indicator: `h${number}.taxiway-demo.com`, created: yesterday },
    ],
  }
}

const isList = ({ path }: { readonly path: string }) => path === 'pulses/subscribed'
const gatewayTimeout = { kind: 'html-error', status: 504 } as const

interface Place {
  readonly otx: OtxStandin
  readonly settings: Settings
  readonly start: (more?: Settings) => Promise<RunningService>
  readonly run: (...args: string[]) => Promise<Ended>
}

async function prepare(t: Test, more: Settings = {}): Promise<Place> {
  const pulses = [aPulse(1, 'ann'), aPulse(2, 'bob'), aPulse(3, 'ann'), aPulse(4, 'Harbour Watch')]
  const otx = buildOtxStandin({ pulses, apiKey, username: 'me' })
  const url = await otx.app.listen({ port: 0, host: '127.0.0.1' })
  t.teardown(() => otx.app.close())
  const settings = {
    TAXIWAY_DATABASE_URL: String((await makeStore(t, 'postgresql')).databaseUrl),
    TAXIWAY_DATA_DIR: await makeFolder(t),
    TAXIWAY_ADMIN_PASSWORD: password,
    TAXIWAY_OTX_URL: url,
    TAXIWAY_OTX_API_KEY: apiKey,
    TAXIWAY_OTX_POLL_SECONDS: '10',
    ...more,
  }
  const runCommand = createCommandRunner(t, settings)
  return {
    otx,
    settings,
    start: (change = {}) => startService(t, { ...settings, ...change }),
    run: (...args) => runCommand(args),
  }
}

const jwts = new Map<string, string>()

/** Each service is asked for a JWT once. */
async function getJwt(url: string): Promise<string> {
  const known = jwts.get(url)
  if (known !== undefined) return known
  const response = await fetch(`${url}/management/auth`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ username: admin.name, password }),
  })
  if (response.status !== 200) throw new Error(await response.text())
  const { token } = (await response.json()) as { token: string }
  jwts.set(url, token)
  return token
}

async function ask({ url }: RunningService, path: string) {
  const authorization = `Bearer ${await getJwt(url)}`
  const response = await fetch(`${url}${path}`, { headers: { authorization } })
  if (response.status !== 200) throw new Error(`${path}: ${await response.text()}`)
  return response.text()
}

const askSource = async (service: RunningService) =>
  JSON.parse(await ask(service, '/api/v1/sources/otx'))

/** Asks again and again until the source is so. */
async function untilSource(service: RunningService, holds: (source: Source) => boolean) {
  for (;;) {
    const source = await askSource(service)
    if (holds(source)) return source as Source
  }
}

interface Source {
  readonly status?: string
  readonly degradedSince?: string | null
  readonly lastWholeWalkAt?: string | null
  readonly nextTryAt?: string | null
  readonly problems?: readonly { readonly code: string }[]
  readonly walker?: string
}

const sourceMetrics = async (service: RunningService) =>
  (await ask(service, '/metrics')).split('\n').filter((line) => line.startsWith('taxiway_source'))

async function cabby({ url }: RunningService, command: string, ...args: string[]) {
  const { stdout, stderr } = await runCabby(command, [
    ...['--host', '127.0.0.1', '--port', new URL(url).port],
    ...['--username', admin.name, '--password', password],
    ...['--discovery', '/taxii/discovery', ...args],
  ])
  return { said: stderr, printed: stdout }
}

t.test(
  'while OTX answers 504, every process tells it in every way, and then it is over',
  async (t) => {
    const { otx, start, run } = await prepare(t, { TAXIWAY_OTX_AUTHORS: 'declared' })
    otx.misbehaveWhile(isList, gatewayTimeout)
    const one = await start()
    const other = await start()
    const degraded = await untilSource(one, ({ status }) => status === 'degraded')

    await t.test('degraded: REST, metrics and command line', async (t) => {
      t.match(degraded, {
        lastWholeWalkAt: null,
        walk: { underWay: true },
        problems: [
          { code: 'OTX_UNAVAILABLE', message: /HTTP 504/, advice: /tried again by itself/ },
        ],
      })
      for (const service of [one, other]) {
        const source = await askSource(service)
        t.match(source, { status: 'degraded', degradedSince: degraded.degradedSince })
        t.equal(source.walker, degraded.walker)
        t.match(await sourceMetrics(service), ['taxiway_source_degraded{source="otx"} 1'])
      }
      const list = await run('source', 'list')
      t.match(list.stdout, /^otx +degraded +20\S+Z +never .*OTX_UNAVAILABLE$/m)
      const show = await run('source', 'show', 'otx')
      t.equal(show.code, 0)
      t.match(show.stdout, `otx: degraded since ${degraded.degradedSince}\n  OTX_UNAVAILABLE: `)
      t.match(show.stdout, /^ {2}last whole walk +never$/m)
      t.match(show.stdout, /^ {2}walk +under way since 20/m)
      t.match(show.stdout, /^ {2}reports +0, and 0 that are gone$/m)
      t.match(JSON.parse((await run('source', 'show', 'otx', '--json')).stdout), {
        status: 'degraded',
        counts: { reports: 0 },
      })
      t.match(JSON.parse((await run('source', 'list', '--json')).stdout), { name: 'otx' })
    })

    await t.test(
      'the key’s own feed and a declared author’s are there, and empty at once',
      async (t) => {
        for (const name of ['user_me', 'user_declared']) {
          const { status, text } = await poll(other.url, admin, name)
          t.equal(status, 200)
          t.match(text, `collection_name="${name}"`)
          t.ok(isWhole(text))
          t.equal(countBlocks(text), 0)
        }
        const { stdout } = await run('collection', 'list')
        for (const name of ['user_me', 'user_declared']) {
          t.match(
            stdout,
            new RegExp(`^${name} +esa +indicator +green +urn:stix.mitre.org:xml:1.1.1 +0$`, 'm'),
          )
        }
        const collections = await cabby(other, 'taxii-collections')
        t.notMatch(collections.said, 'ERROR')
        t.match(collections.printed, 'Collection Name: user_me')
        t.match(collections.printed, 'Data feed for user: me')
        t.match((await cabby(other, 'taxii-poll', '-c', 'user_me')).said, '0 blocks polled')
      },
    )

    otx.behave()
    const well = await untilSource(other, ({ status }) => status === 'ok')

    await t.test('ok again after a whole walk', async (t) => {
      t.match(well, { degradedSince: null, problems: [], walk: null })
      t.type(well.lastWholeWalkAt, 'string')
      const waiting = await untilSource(one, ({ nextTryAt }) => nextTryAt !== null)
      const metrics = [
        'taxiway_source_degraded{source="otx"} 0',
        `taxiway_source_last_whole_walk_timestamp_seconds{source="otx"} ${Date.parse(String(waiting.lastWholeWalkAt)) / 1000}`,
      ]
      for (const service of [one, other]) {
        const told = await sourceMetrics(service)
        t.ok(told.includes(String(metrics[0])), told.join('\n'))
        t.match(told.join('\n'), 'taxiway_source_unfinished_pulses{source="otx"} 0')
      }
      const show = (await run('source', 'show', 'otx')).stdout
      t.match(show, /^otx: ok$/m)
      t.match(show, /^ {2}reports +4, and 0 that are gone$/m)
      t.match(show, /^ann +2 {2}user_ann$/m)
      t.match(show, /^Harbour Watch +1 {2}none: the name cannot be part of one$/m)
    })

    await t.test('each author whom a walk has met has a feed, as at OTX', async (t) => {
      const of = async (name: string) => countBlocks((await poll(one.url, admin, name)).text)
      t.equal(await of('user_ann'), 2)
      t.equal(await of('user_bob'), 1)
      t.equal(await of('user_me'), 0)
      const { said, printed } = await cabby(one, 'taxii-poll', '-c', 'user_ann')
      t.match(said, '2 blocks polled')
      t.match(printed, 'h1.taxiway-demo.com')
      const { stderr } = { stderr: one.stderr() + other.stderr() }
      t.match(stderr, /"author":"Harbour Watch".*this author has no collection/)
    })

    await t.test('a resync is asked for, and what cannot be is refused', async (t) => {
      const resync = await run('source', 'resync', 'otx', '--since', '90d')
      t.match(resync, {
        code: 0,
        stderr: '',
        stdout: /^The next walk takes in what otx has changed/,
      })
      t.match(await run('source', 'resync', 'otx', '--since', '2999-01-01'), {
        code: 2,
        stderr: /--since must lie in the past/,
      })
      t.match(await run('source', 'resync', 'otx', '--since', 'soon'), { code: 2, stderr: /7d/ })
      for (const command of [['show'], ['resync', '--since', '1d']]) {
        t.match(await run('source', ...command, 'oxt'), {
          code: 3,
          stderr: 'taxiway: there is no source "oxt", only otx\n',
        })
      }
    })
  },
)

t.test('a refused key is told with what to do, and never itself', async (t) => {
  const { settings, start, run } = await prepare(t, {
    TAXIWAY_OTX_API_KEY: secret('wrong OTX key'),
    TAXIWAY_OTX_POLL_SECONDS: '86400',
  })
  const service = await start()
  const source = await untilSource(
    service,
    ({ status, nextTryAt }) => status === 'degraded' && nextTryAt !== null,
  )
  t.match(source, {
    problems: [{ code: 'OTX_KEY_REFUSED', advice: /TAXIWAY_OTX_API_KEY.*restart/ }],
    walk: { underWay: false },
  })
  const ahead = Date.parse(String(source.nextTryAt)) - Date.now()
  t.ok(ahead > 80_000_000, 'it is not asked again and again')
  const show = await run('source', 'show', 'otx')
  t.match(show.stdout, /OTX_KEY_REFUSED: .*\n {4}→ Check TAXIWAY_OTX_API_KEY/)
  for (const text of [show.stdout, JSON.stringify(source), service.stderr()]) {
    t.notMatch(text, settings.TAXIWAY_OTX_API_KEY)
  }
})

t.test('without collections of authors there are none', async (t) => {
  const { start, run } = await prepare(t, {
    TAXIWAY_OTX_AUTHOR_COLLECTIONS: 'false',
    TAXIWAY_OTX_AUTHORS: 'declared',
  })
  const service = await start()
  await untilSource(service, ({ status }) => status === 'ok')
  t.notMatch((await run('collection', 'list')).stdout, 'user_')
})

t.test('before anything was walked, the commands say what to do', async (t) => {
  const { settings } = await prepare(t)
  const { TAXIWAY_OTX_API_KEY: _, ...without } = settings as Record<string, string>
  const runCommand = createCommandRunner(t, without as Settings)
  const run = (...args: string[]) => runCommand(['source', ...args])
  t.match((await run('list')).stdout, 'set TAXIWAY_OTX_API_KEY and start the service')
  t.match((await run('show', 'otx')).stderr, 'there is no source "otx"; none has been walked yet')
})
