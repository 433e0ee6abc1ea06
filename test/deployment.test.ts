import { readdirSync, readFileSync } from 'node:fs'
import t from 'tap'
import { parse } from 'yaml'
import { readConfig } from '../src/config.ts'

const root = new URL('../', import.meta.url)
const readText = (path: string) => readFileSync(new URL(path, root), 'utf8')

interface ComposeService {
  image?: string
  build?: string
  healthcheck?: { test?: string[] }
  ports?: string[]
  environment?: Record<string, string>
  depends_on?: Record<string, { condition: string }>
}

const compose = parse(readText('docker-compose.yml')) as {
  services: Record<string, ComposeService>
  volumes: Record<string, unknown>
}
const services = Object.entries(compose.services)

t.test('compose runs Taxiway, PostgreSQL 17 and RabbitMQ 4', async (t) => {
  t.same(Object.keys(compose.services).sort(), ['postgres', 'rabbitmq', 'taxiway'])
  t.match(compose.services.postgres?.image, /^postgres:17\.\d+/)
  t.match(compose.services.rabbitmq?.image, /^rabbitmq:4\.\d+/)
  t.equal(compose.services.taxiway?.build, '.')
})

t.test('every service of compose has a health check, and is waited for by it', async (t) => {
  for (const [name, service] of services) {
    t.ok(service.healthcheck?.test?.length, name)
    for (const [other, { condition }] of Object.entries(service.depends_on ?? {})) {
      t.hasProp(compose.services, other)
      t.equal(condition, 'service_healthy', `${name} waits for ${other}`)
    }
  }
})

t.test('compose publishes ports to loopback only', async (t) => {
  const ports = services.flatMap(([, service]) => service.ports ?? [])
  t.not(ports.length, 0)
  for (const port of ports) t.match(port, /^127\.0\.0\.1:/)
})

t.test('plain HTTP beyond loopback is allowed by compose, not by the image', async (t) => {
  t.equal(compose.services.taxiway?.environment?.TAXIWAY_ALLOW_PLAIN_HTTP, 'true')
  t.notMatch(
    all('ENV').join(' '),
    /ALLOW_PLAIN_HTTP/,
    'who publishes the image’s port says it himself',
  )
})

t.test('no secret in compose has a value or a default', async (t) => {
  const secrets = services.flatMap(([, service]) =>
    Object.entries(service.environment ?? {}).filter(([name]) =>
      /PASS|KEY|SECRET|TOKEN|DATABASE_URL|AMQP_URL/.test(name),
    ),
  )
  t.not(secrets.length, 0)
  for (const [name, value] of secrets) t.match(value, /\$\{[A-Z_]+:\?[^}]+\}/, name)
})

t.test('variables that compose asks for are in .env.example, without a value', async (t) => {
  const asked = readText('docker-compose.yml').matchAll(/\$\{([A-Z_]+)/g)
  const example = readText('.env.example').split('\n')
  for (const [, name] of asked) t.ok(example.includes(`${name}=`), String(name))
})

t.test('.env.example has every setting, and no other', async (t) => {
  const named = [...readText('.env.example').matchAll(/^#?(TAXIWAY_[A-Z_]+)=/gm)].map((match) =>
    String(match[1]),
  )
  t.same([...new Set(named)], named, 'each once')
  const { warnings } = readConfig(Object.fromEntries(named.map((name) => [name, ''])))
  t.same(warnings, [])
  const read = ['config', 'config-inbox', 'config-limits', 'config-tls']
    .map((name) => readText(`src/${name}.ts`))
    .join('\n')
    .matchAll(/\b(?:read|secret|integer|flag)\('([A-Z_]+)'/g)
  const settings = new Set([...read].map((match) => `TAXIWAY_${match[1]}`))
  t.same([...settings].sort(), named.toSorted())
})

t.test('the defaults that .env.example shows are the defaults', async (t) => {
  const withoutDefault =
    /_(PUBLIC_URL|DATABASE_URL|PASSWORD|API_KEY|OTX_AUTHORS|WARNINGLISTS_DIR)$|^TAXIWAY_(URL|CA_FILE|TRUSTED_PROXIES|TLS_\w+_FILE)$/
  const shown = [...readText('.env.example').matchAll(/^#(TAXIWAY_[A-Z_]+)=(.+)$/gm)]
    .map(([, name, value]) => [String(name), String(value)] as const)
    .filter(([name]) => !withoutDefault.test(name))
  t.not(shown.length, 0)
  const key = { TAXIWAY_OTX_API_KEY: 'a key' }
  t.same(readConfig({ ...Object.fromEntries(shown), ...key }), readConfig(key))
})

const dockerfile = readText('Dockerfile').replace(/\\\n/g, ' ').split('\n')
const instructions = dockerfile
  .filter((line) => /^[A-Z]+ /.test(line))
  .map((line) => [line.split(' ', 1)[0] ?? '', line.slice(line.indexOf(' ') + 1).trim()] as const)
const all = (name: string) => instructions.filter(([word]) => word === name).map(([, rest]) => rest)

t.test('the image is built from one pinned Node 24', async (t) => {
  const bases = new Set(all('FROM').map((from) => from.split(' ')[0]))
  t.equal(bases.size, 1)
  t.match([...bases][0], /^node:24\.\d+\.\d+-bookworm-slim$/)
})

t.test(
  'the image runs as an ordinary user, with a health check and its data in a volume',
  async (t) => {
    t.same(all('USER'), ['node'])
    t.equal(instructions.findLastIndex(([word]) => word === 'RUN') < wordIndex('USER'), true)
    t.match(all('HEALTHCHECK'), [/CMD \["node", "dist\/probe\.js"\]$/])
    t.strictSame(compose.services.taxiway?.healthcheck?.test, ['CMD', 'node', 'dist/probe.js'])
    t.same(all('VOLUME'), ['/data'])
    t.match(all('ENTRYPOINT'), [/^\["node", "--max-semi-space-size=8", "dist\/main\.js"\]$/])
    t.same(JSON.parse(String(all('CMD').at(-1))), ['serve'])
  },
)

function wordIndex(name: string): number {
  return instructions.findIndex(([word]) => word === name)
}

t.test('the image has locked dependencies and nothing fetched by URL', async (t) => {
  t.same(all('ADD'), [])
  for (const run of all('RUN')) t.notMatch(run, /npm (install|i)\b|curl|wget|latest/)
})

t.test('what the image copies exists and is let through by .dockerignore', async (t) => {
  const present = new Set(readdirSync(root))
  const passed = readText('.dockerignore').split('\n')
  t.equal(passed[0], '*')
  const copied = all('COPY')
    .filter((copy) => !copy.startsWith('--from'))
    .flatMap((copy) => copy.split(' ').slice(0, -1))
  t.not(copied.length, 0)
  for (const path of copied) {
    t.ok(present.has(path), path)
    t.ok(passed.includes(`!${path}`), path)
  }
})
