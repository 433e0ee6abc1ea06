import { chmod, mkdir, readFile, stat, writeFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { installDebianPackages } from '../../scripts/services/install.ts'
import { findProgram } from '../../scripts/services/process.ts'
import { buildOtxStandin } from '../../src/standins/otx.ts'
import { loadSeedPulses } from '../../src/standins/seeds.ts'
import { makeAuthority, makeCertificate } from '../helpers/certificates.ts'
import { createTestDatabase } from '../helpers/postgres.ts'
import { noteSecret, secret } from '../helpers/secrets.ts'
import { makeFolder, startService } from '../helpers/taxiway.ts'
import { type Desk, findMissing, readGuide, typeCommand } from './guide.ts'

// The guide as a script's author follows it: each command is typed as it stands, but for addresses.
if (!findProgram('curl')) await installDebianPackages('curl', ['curl'])
const folder = await makeFolder(t)
const certificates = join(folder, 'certificates')
await mkdir(certificates)
const authority = await makeAuthority(certificates, 'ca', { subject: '/CN=Private CA' })
const server = await makeCertificate(certificates, 'server', { issuer: authority })
const client = await makeCertificate(certificates, 'alice', {
  issuer: authority,
  subject: '/O=Example/CN=alice',
  names: '',
  purpose: 'clientAuth',
})
for (const [name, file] of [
  ['private-ca.pem', authority.certFile],
  ['alice.pem', client.certFile],
  ['alice.key', client.keyFile],
] as const) {
  await writeFile(join(folder, name), await readFile(file), { mode: 0o600 })
}

const key = secret('key of OTX')
const standin = buildOtxStandin({
  pulses: loadSeedPulses(new Date()).pulses.slice(-3),
  apiKey: key,
})
const otxUrl = await standin.app.listen({ host: '127.0.0.1', port: 0 })
t.teardown(() => standin.app.close())
const settings = {
  TAXIWAY_DATABASE_URL: (await createTestDatabase(t)).url,
  TAXIWAY_DATA_DIR: join(folder, 'data'),
} as const
const service = await startService(t, {
  ...settings,
  TAXIWAY_TLS_CERT_FILE: server.certFile,
  TAXIWAY_TLS_KEY_FILE: server.keyFile,
  TAXIWAY_TLS_CLIENT_CA_FILE: authority.certFile,
  TAXIWAY_OTX_URL: otxUrl,
  TAXIWAY_OTX_API_KEY: key,
  TAXIWAY_OTX_FIRST_SYNC_DAYS: '36500',
  TAXIWAY_LOG_LEVEL: 'debug',
})
await service.saw(/took in a part of OTX/)

const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url))
const shim = join(folder, 'taxiway')
await writeFile(shim, `#!/bin/sh\nexec ${process.execPath} ${main} "$@"\n`)
await chmod(shim, 0o755)

const desk: Desk = {
  folder,
  env: { PATH: [folder, process.env.PATH].join(delimiter), HOME: folder, TZ: 'UTC', ...settings },
  addresses: [['https://taxii.example.com', service.url]],
}
const guide = await readGuide(new URL('../../docs/api.md', import.meta.url))

t.test('docs/api.md: each command prints what the guide says', async (t) => {
  t.ok(guide.steps.length > 20, 'there are commands to type')
  for (const { command, printed } of guide.steps) {
    const { code, stdout, stderr } = await typeCommand(command, desk)
    t.equal(code, 0, `${command}\n${stderr}`)
    const missing = findMissing(printed, [stdout, stderr])
    t.equal(missing, undefined, missing ? `${command}\n${stdout.slice(-3000)}\n${stderr}` : command)
    t.ok(printed.length > 0 || stdout === '', `${command} prints what the guide shows`)
  }
})

t.test('what the guide has its reader keep, only he reads', async (t) => {
  for (const name of ['auth', 'auth-for-an-hour'] as const) {
    const text = await readFile(join(folder, name), 'utf8')
    t.equal((await stat(join(folder, name))).mode & 0o077, 0, name)
    const [, token = ''] = /^Authorization: Bearer (\S+)\n?$/.exec(text) ?? []
    noteSecret(token, `token in ${name}`)
  }
  noteSecret((await readFile(join(folder, 'data', 'admin-password'), 'utf8')).trim())
})
