import { readFile, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { askAs } from '../helpers/poll.ts'
import { createTestDatabase } from '../helpers/postgres.ts'
import { secret } from '../helpers/secrets.ts'
import { makeStore } from '../helpers/stores.ts'
import { makeFolder, runTaxiway, startService } from '../helpers/taxiway.ts'

const makeMigrated = async (t: Test) => String((await makeStore(t, 'postgresql')).databaseUrl)

t.test('a service on an empty PostgreSQL is alive, ready and measured', async (t) => {
  const { url: databaseUrl } = await createTestDatabase(t)
  const service = await startService(t, {
    TAXIWAY_DATABASE_URL: databaseUrl,
    TAXIWAY_DATA_DIR: await makeFolder(t),
  })
  for (const path of ['/livez', '/readyz']) {
    const response = await fetch(service.url + path)
    t.equal(response.status, 200, path)
    t.same(await response.json(), { status: 'ok' })
  }
  const metrics = await (await fetch(`${service.url}/metrics`)).text()
  t.match(metrics, /^taxiway_http_request_seconds_count\{.*route="\/readyz",status="200".*\} 1$/m)
  t.match(metrics, /^taxiway_blocks_published_total 0$/m)
  t.match(metrics, /^process_resident_memory_bytes \d+$/m)
  t.equal((await fetch(`${service.url}/api/none`)).status, 404)
})

t.test(
  'the first administrator: a file of its own, whose path is told and whose password works',
  async (t) => {
    const { url: databaseUrl } = await createTestDatabase(t)
    const folder = await makeFolder(t)
    const settings = { TAXIWAY_DATABASE_URL: databaseUrl, TAXIWAY_DATA_DIR: join(folder, 'data') }
    const service = await startService(t, { ...settings, TAXIWAY_LOG_LEVEL: 'trace' })
    const path = join(folder, 'data', 'admin-password')
    t.match(
      service.stderr(),
      `made the first administrator \\"admin\\"; the password is in ${path}`,
    )
    t.equal((await stat(path)).mode & 0o777, 0o600)
    t.equal((await stat(join(folder, 'data'))).mode & 0o777, 0o700)
    const password = (await readFile(path, 'utf8')).trimEnd()
    t.ok(password.length >= 20)
    t.equal(await askAs(service.url, 'admin', password), 200)
    t.equal(await askAs(service.url, 'admin', `${password}x`), 401)
    t.equal(await askAs(service.url, 'admin', ''), 401)
    service.process.kill('SIGTERM')
    const { stdout, stderr } = await service.ended
    t.notMatch(stdout + stderr, password)

    const again = await startService(t, settings)
    t.notMatch(again.stderr(), 'first administrator')
    t.equal(await askAs(again.url, 'admin', password), 200, 'the second start changes nothing')
  },
)

t.test(
  'a given password is the first administrator’s, with its spaces, and no file is made',
  async (t) => {
    const password = `  ${secret('password of admin')} ÄÖ  `
    const folder = await makeFolder(t)
    const file = join(folder, 'secret')
    await writeFile(file, `${password}\n`)
    const ways = [{ TAXIWAY_ADMIN_PASSWORD: password }, { TAXIWAY_ADMIN_PASSWORD_FILE: file }]
    for (const [index, way] of ways.entries()) {
      const dataDir = join(folder, String(index))
      const databaseUrl = await makeMigrated(t)
      const service = await startService(t, {
        TAXIWAY_DATABASE_URL: databaseUrl,
        TAXIWAY_DATA_DIR: dataDir,
        TAXIWAY_ADMIN_USERNAME: 'wächter',
        ...way,
      })
      t.equal(await askAs(service.url, 'wächter', password), 200)
      t.equal(await askAs(service.url, 'wächter', password.trim()), 401)
      await t.rejects(stat(join(dataDir, 'admin-password')), { code: 'ENOENT' })
    }
  },
)

t.test('two services that start at once on an empty database both serve', async (t) => {
  const { url: databaseUrl } = await createTestDatabase(t)
  const folder = await makeFolder(t)
  const both = await Promise.all(
    ['one', 'other'].map((name) =>
      startService(t, {
        TAXIWAY_DATABASE_URL: databaseUrl,
        TAXIWAY_DATA_DIR: join(folder, name),
      }),
    ),
  )
  const files = await Promise.allSettled(
    ['one', 'other'].map((name) => readFile(join(folder, name, 'admin-password'), 'utf8')),
  )
  const passwords = files.flatMap((file) => (file.status === 'fulfilled' ? [file.value] : []))
  t.equal(
    passwords.length,
    1,
    'one of them made the administrator, and its file tells the password',
  )
  for (const { url } of both) {
    t.equal(await askAs(url, 'admin', String(passwords[0]).trimEnd()), 200)
    t.equal((await fetch(`${url}/readyz`)).status, 200)
  }
  for (const service of both) {
    service.process.kill('SIGTERM')
    t.equal((await service.ended).code, 0)
    t.notMatch(service.stderr(), /"level":(50|60)/)
  }
})

t.test('a port in use is told with the way out', async (t) => {
  const databaseUrl = await makeMigrated(t)
  const taken = createServer()
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve))
  t.teardown(() => new Promise((resolve) => taken.close(resolve)))
  const { port } = taken.address() as { port: number }
  const { code, stderr } = await runTaxiway(t, ['serve'], {
    TAXIWAY_DATABASE_URL: databaseUrl,
    TAXIWAY_DATA_DIR: await makeFolder(t),
    TAXIWAY_PORT: String(port),
    TAXIWAY_LOG_LEVEL: 'error',
  })
  t.equal(code, 1)
  t.equal(
    stderr,
    `taxiway: cannot listen on 127.0.0.1:${port}: something listens there already. Set TAXIWAY_HOST and TAXIWAY_PORT to a free address.\n`,
  )
})

t.test('a host that is not this machine is told', async (t) => {
  const databaseUrl = await makeMigrated(t)
  for (const host of ['no-such-host.invalid', '192.0.2.1']) {
    const { code, stderr } = await runTaxiway(t, ['serve'], {
      TAXIWAY_DATABASE_URL: databaseUrl,
      TAXIWAY_DATA_DIR: await makeFolder(t),
      TAXIWAY_HOST: host,
      TAXIWAY_PORT: '0',
      TAXIWAY_ALLOW_PLAIN_HTTP: 'true',
      TAXIWAY_LOG_LEVEL: 'error',
    })
    t.equal(code, 1)
    t.match(stderr, `cannot listen on ${host}:0`)
    t.match(stderr, 'Set TAXIWAY_HOST')
    t.notMatch(stderr, /defect|\n {4}at /)
  }
})

t.test('wrong settings: exit code 2, and every wrong variable is named', async (t) => {
  const { code, stdout, stderr } = await runTaxiway(t, ['serve'], {
    TAXIWAY_PORT: '70000',
    TAXIWAY_LOG_LEVEL: 'loud',
    TAXIWAY_DATABASE_URL: 'mysql://taxiway:geheim@127.0.0.1/taxiway',
    TAXIWAY_OTX_API_KEY_FILE: '/no/such/file',
  })
  t.equal(code, 2)
  t.equal(stdout, '')
  t.strictSame(stderr.trimEnd().split('\n').toSorted(), [
    'taxiway: TAXIWAY_DATABASE_URL must begin with postgres:// or postgresql://, not mysql://',
    'taxiway: TAXIWAY_LOG_LEVEL must be one of fatal, error, warn, info, debug, trace, silent, not "loud"',
    'taxiway: TAXIWAY_OTX_API_KEY_FILE names /no/such/file, which cannot be read (ENOENT)',
    'taxiway: TAXIWAY_PORT must be a whole number from 0 to 65535, not "70000"',
  ])
})

t.test('a variable that is no setting is warned of, and the service starts', async (t) => {
  const databaseUrl = await makeMigrated(t)
  const service = await startService(t, {
    TAXIWAY_DATABASE_URL: databaseUrl,
    TAXIWAY_DATA_DIR: await makeFolder(t),
    TAXIWAY_OTX_APIKEY: 'misspelt',
  })
  t.match(service.stderr(), 'TAXIWAY_OTX_APIKEY is not a setting of Taxiway; .env.example has all')
  t.notMatch(service.stderr(), 'misspelt')
})

t.test('a data folder that cannot be written is told, and is no defect', async (t) => {
  const folder = await makeFolder(t)
  await writeFile(join(folder, 'file'), '')
  const databaseUrl = await makeMigrated(t)
  for (const database of [{ TAXIWAY_DATABASE_URL: databaseUrl }, {}]) {
    const { code, stderr } = await runTaxiway(t, ['serve'], {
      ...database,
      TAXIWAY_DATA_DIR: join(folder, 'file', 'data'),
      TAXIWAY_PORT: '0',
      TAXIWAY_LOG_LEVEL: 'error',
    })
    t.equal(code, 2)
    t.match(stderr, /^taxiway: TAXIWAY_DATA_DIR names .*data, which cannot be used \(ENOTDIR\)\n$/)
  }
})

t.test('a database that is not there, and one that refuses, are told by name', async (t) => {
  const databaseUrl = await makeMigrated(t)
  const given = new URL(databaseUrl)
  const closed = createServer()
  await new Promise<void>((resolve) => closed.listen(0, '127.0.0.1', resolve))
  const { port } = closed.address() as { port: number }
  await new Promise((resolve) => closed.close(resolve))
  const password = given.password
  const wrong = secret('wrong database password')
  const cases = {
    ECONNREFUSED: (url: URL) => {
      url.port = String(port)
    },
    'password authentication failed': (url: URL) => {
      url.password = wrong
    },
    'does not exist': (url: URL) => {
      url.pathname = '/no_such_database'
    },
    'ENOTFOUND|EAI_AGAIN': (url: URL) => {
      url.hostname = 'no-such-host.invalid'
    },
  }
  for (const [words, change] of Object.entries(cases)) {
    const url = new URL(databaseUrl)
    change(url)
    const { code, stdout, stderr } = await runTaxiway(t, ['serve'], {
      TAXIWAY_DATABASE_URL: url.href,
      TAXIWAY_DATA_DIR: await makeFolder(t),
      TAXIWAY_PORT: '0',
      TAXIWAY_LOG_LEVEL: 'trace',
    })
    t.equal(code, 5, words)
    t.match(stderr, /taxiway: the database named by TAXIWAY_DATABASE_URL does not answer: /)
    t.match(stderr, new RegExp(words))
    t.equal(stderr.trimEnd().split('\n').length, 1)
    t.notMatch(stdout + stderr, password)
    t.notMatch(stdout + stderr, wrong)
  }
})

t.test('on the embedded database a service does at once what a killed one did', async (t) => {
  const settings = { TAXIWAY_DATA_DIR: (await makeStore(t, 'embedded')).dataDir }
  const first = await startService(t, settings)
  await sweeping(first.url)
  first.process.kill('SIGKILL')
  await first.ended
  // By itself the lease of the first one would run out ten minutes later.
  await sweeping((await startService(t, settings)).url)
})

async function sweeping(url: string): Promise<void> {
  while (!/^taxiway_lease_held\{lease="sweep"\} 1$/m.test(await readMetrics(url))) await sleep(50)
}

async function readMetrics(url: string): Promise<string> {
  return (await fetch(`${url}/metrics`)).text()
}
