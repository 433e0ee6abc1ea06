import { readFile } from 'node:fs/promises'
import pg from 'pg'
import t from 'tap'
import { askAs, poll } from '../helpers/poll.ts'
import { createTestDatabase } from '../helpers/postgres.ts'
import { noteSecret, secret } from '../helpers/secrets.ts'
import { makeFolder, runTaxiway, startService } from '../helpers/taxiway.ts'

t.test('no secret is logged, measured or in the arguments', async (t) => {
  const { url: plainUrl } = await createTestDatabase(t)
  const password = secret('database password')
  const client = new pg.Client({ connectionString: plainUrl })
  await client.connect()
  const role = `secretive_${process.pid}`
  await client.query(`CREATE ROLE ${role} LOGIN PASSWORD '${password}'`)
  await client.query(`GRANT ALL ON SCHEMA public TO ${role}`)
  t.teardown(async () => {
    await client.query(`DROP OWNED BY ${role}`)
    await client.query(`DROP ROLE ${role}`)
    await client.end()
  })
  const databaseUrl = new URL(plainUrl)
  databaseUrl.username = role
  databaseUrl.password = password

  const settings = {
    TAXIWAY_DATABASE_URL: databaseUrl.href,
    TAXIWAY_DATA_DIR: await makeFolder(t),
    TAXIWAY_ADMIN_PASSWORD: secret('password of admin'),
    TAXIWAY_OTX_API_KEY: secret('OTX key'),
    // Nothing answers there, so that the walk fails with all that it knows.
    TAXIWAY_OTX_URL: 'http://127.0.0.1:9',
    TAXIWAY_LOG_LEVEL: 'trace',
  }
  const service = await startService(t, settings)
  await service.saw(/OTX cannot be reached/)
  const wrong = secret('wrong password')
  t.equal(await askAs(service.url, 'admin', wrong), 401)
  t.equal(await askAs(service.url, 'admin', settings.TAXIWAY_ADMIN_PASSWORD), 200)
  const added = await runTaxiway(t, ['account', 'add', 'esa1'], settings, { showsSecret: true })
  t.equal(added.code, 0, added.stderr)
  const account = noteSecret(added.stdout.trim(), 'made password')
  t.equal(await askAs(service.url, 'esa1', account), 200)
  await poll(service.url, { name: 'esa1', password: account }, 'none')

  const metrics = await (await fetch(`${service.url}/metrics`)).text()
  const { pid } = service.process
  const commandLine = await readFile(`/proc/${pid}/cmdline`, 'utf8')
  service.process.kill('SIGTERM')
  const { stdout, stderr } = await service.ended
  const seen = [metrics, commandLine, stdout, stderr, added.stderr].join('\n')
  t.match(seen, 'taxiway_http_request_seconds')
  const encoded = [wrong, account, settings.TAXIWAY_ADMIN_PASSWORD].flatMap((secret) => [
    Buffer.from(`admin:${secret}`).toString('base64'),
    Buffer.from(`esa1:${secret}`).toString('base64'),
  ])
  const secrets = [
    password,
    settings.TAXIWAY_ADMIN_PASSWORD,
    settings.TAXIWAY_OTX_API_KEY,
    wrong,
    account,
    ...encoded,
  ]
  for (const [index, secret] of secrets.entries()) t.notOk(seen.includes(secret), `secret ${index}`)
})
