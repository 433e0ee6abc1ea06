import t from 'tap'
import { createCommandRunner, type RunCommand } from '../cli/command-runner.ts'
import { noteSecret, secret } from '../helpers/secrets.ts'
import { makeStore } from '../helpers/stores.ts'
import { makeFolder, runTaxiway, startService, startTaxiway } from '../helpers/taxiway.ts'

async function fetchJwt(url: string, password: string): Promise<string> {
  const response = await fetch(`${url}/management/auth`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ username: 'admin', password }),
  })
  const { token } = (await response.json()) as { token: string }
  return noteSecret(token, 'JWT')
}

async function statusAs(url: string, token: string): Promise<number> {
  const headers = { Authorization: `Bearer ${token}` }
  const response = await fetch(`${url}/api/v1/account`, { headers })
  await response.text()
  return response.status
}

async function readKeyId(run: RunCommand): Promise<string> {
  const { stdout, stderr } = await run(['secret', 'list'])
  const [, keyId] = /^The key is ([0-9a-f]{16})\./.exec(stdout) ?? []
  if (keyId === undefined) throw new Error(`no key: ${stdout}${stderr}`)
  return keyId
}

t.test('a key in a file is changed beside the running server, which goes on with it', async (t) => {
  const password = secret('password of admin')
  const { dataDir } = await makeStore(t, 'embedded')
  const settings = { TAXIWAY_DATA_DIR: dataDir, TAXIWAY_ADMIN_PASSWORD: password }
  const service = await startService(t, settings)
  const run = createCommandRunner(t, settings)
  const before = await readKeyId(run)
  const old = await fetchJwt(service.url, password)
  const rotated = await runTaxiway(t, ['secret', 'rotate'], settings)
  t.equal(rotated.code, 0, rotated.stderr)
  const after = await readKeyId(run)
  t.match(rotated.stdout, `Everything is sealed under the key ${after} now`)
  t.not(after, before)
  const young = await fetchJwt(service.url, password)
  t.equal(await statusAs(service.url, old), 200, 'a JWT of the key before')
  t.equal(await statusAs(service.url, young), 200)

  service.process.kill('SIGKILL')
  await service.ended
  const again = await startService(t, settings)
  t.equal(await readKeyId(run), after)
  t.equal(await statusAs(again.url, old), 200, 'after a crash, too')
  t.equal(await statusAs(again.url, young), 200)
  t.equal(await statusAs(again.url, `${young.slice(0, -2)}AA`), 401)
})

t.test('another key than the store’s is refused, and a lost one can be given up', async (t) => {
  const { databaseUrl = '' } = await makeStore(t, 'postgresql')
  const settings = {
    TAXIWAY_DATABASE_URL: databaseUrl,
    TAXIWAY_DATA_DIR: await makeFolder(t),
    TAXIWAY_ADMIN_PASSWORD: secret('password of admin'),
    TAXIWAY_SECRET_KEY: secret('secret key'),
    TAXIWAY_PORT: '0',
  }
  const first = await startService(t, settings)
  first.process.kill('SIGTERM')
  await first.ended
  const rotated = await runTaxiway(t, ['secret', 'rotate'], settings)
  t.match(rotated.stdout, /as before: there is no other to change to.*TAXIWAY_SECRET_KEY_PREVIOUS/)
  const other = { ...settings, TAXIWAY_SECRET_KEY: secret('another secret key') }
  const refused = await startTaxiway(t, ['serve'], other).ended
  t.not(refused.code, 0)
  t.match(refused.stderr, /taxiway secret reset --yes/)
  const asked = await runTaxiway(t, ['secret', 'reset'], other)
  t.equal(asked.code, 2)
  t.match(asked.stderr, /gone for good.*--yes/)
  const reset = await runTaxiway(t, ['secret', 'reset', '--yes'], other)
  t.equal(reset.code, 0, reset.stderr)
  t.match(
    reset.stdout,
    /^forgot no secret and 0 kept answers; the store is on the key [0-9a-f]{16} now/,
  )
  await startService(t, other)
})
