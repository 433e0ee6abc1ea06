import { chmod, writeFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { installDebianPackages } from '../../scripts/services/install.ts'
import { findProgram } from '../../scripts/services/process.ts'
import { createTestDatabase } from '../helpers/postgres.ts'
import { makeFolder, type RunningService, startService } from '../helpers/taxiway.ts'
import { type Desk, findMissing, readGuide, type Step, typeCommand } from './guide.ts'

// The guide as an operator follows it: each command is typed as it stands, but for addresses.
if (!findProgram('curl')) await installDebianPackages('curl', ['curl'])
if (!findProgram('openssl')) await installDebianPackages('openssl', ['openssl'])
const folder = await makeFolder(t)
const guide = await readGuide(new URL('../../docs/tls.md', import.meta.url))
const settings = {
  TAXIWAY_DATABASE_URL: (await createTestDatabase(t)).url,
  TAXIWAY_DATA_DIR: folder,
}
const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url))
const shim = join(folder, 'taxiway')
await writeFile(shim, `#!/bin/sh\nexec ${process.execPath} ${main} "$@"\n`)
await chmod(shim, 0o755)

const desk = (service?: RunningService): Desk => ({
  folder,
  env: {
    PATH: [folder, process.env.PATH].join(delimiter),
    HOME: folder,
    TZ: 'UTC',
    ...settings,
  },
  addresses: [
    ['DNS:taxii.example.com', 'IP:127.0.0.1'],
    ...(service
      ? ([
          ['https://taxii.example.com', service.url],
          ['taxii.example.com:443', new URL(service.url).host],
        ] as const)
      : []),
  ],
})

const isOpenssl = ({ command }: Step) => /^(openssl (?!s_client)|printf )/.test(command)

t.test('docs/tls.md: each command prints what the guide says', async (t) => {
  const type = async (steps: readonly Step[], service?: RunningService) => {
    for (const { command, printed } of steps) {
      const { code, stdout, stderr } = await typeCommand(command, desk(service))
      t.equal(code, 0, `${command}\n${stderr}`)
      t.equal(findMissing(printed, [stdout, stderr]), undefined, `${command}\n${stdout}\n${stderr}`)
    }
  }
  const made = guide.steps.filter(isOpenssl)
  const asked = guide.steps.filter((step) => !isOpenssl(step))
  t.ok(made.length >= 8 && asked.length >= 6)
  await type(made)
  const service = await startService(t, {
    ...settings,
    TAXIWAY_TLS_CERT_FILE: join(folder, 'server.crt'),
    TAXIWAY_TLS_KEY_FILE: join(folder, 'server.key'),
    TAXIWAY_TLS_CLIENT_CA_FILE: join(folder, 'clients-ca.crt'),
  })
  t.notMatch(service.stderr(), /TAXIWAY_TLS_/, 'nothing is warned of')
  await type(asked, service)
  for (const command of guide.mentioned.filter((one) => one.startsWith('openssl x509'))) {
    const { code, stdout } = await typeCommand(command, desk(service))
    t.equal(code, 0, command)
    t.match(stdout, command.includes('subjectAltName') ? 'IP' : 'subject=CN=device1,O=Example')
  }
})
