import { chmod, writeFile } from 'node:fs/promises'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { installDebianPackages } from '../../scripts/services/install.ts'
import { findProgram } from '../../scripts/services/process.ts'
import { getTestPython } from '../helpers/python.ts'
import { noteSecret, secret } from '../helpers/secrets.ts'
import { makeStore } from '../helpers/stores.ts'
import { startService } from '../helpers/taxiway.ts'
import {
  domain,
  indicator,
  indicators,
  observing,
  packageOn,
  stixPackage,
} from '../taxii/inbox-server.ts'
import { type Desk, findMissing, readGuide, typeCommand } from './guide.ts'

// The guide as an operator follows it, beside a service on the embedded database, which nobody else can open.
if (!findProgram('curl')) await installDebianPackages('curl', ['curl'])
const { dataDir: folder } = await makeStore(t, 'embedded')
const settings = {
  TAXIWAY_DATA_DIR: folder,
  TAXIWAY_ADMIN_PASSWORD: secret('the first administrator’s password'),
} as const
const service = await startService(t, settings)

const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url))
await writeFile(join(folder, 'taxiway'), `#!/bin/sh\nexec '${process.execPath}' '${main}' "$@"\n`)
await chmod(join(folder, 'taxiway'), 0o755)
const desk: Desk = {
  folder,
  env: {
    PATH: [folder, dirname(getTestPython()), process.env.PATH].join(delimiter),
    HOME: folder,
    TZ: 'UTC',
    NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE,
    ...settings,
  },
  addresses: [['https://taxii.example.com', service.url]],
}
const values = ['a', 'b', 'c', 'd', 'e'].map((name) => `${name}.harbour-loaders.com`)
const pattern = indicators(indicator(observing(domain('evil', 'condition="Contains"'))))

t.test('docs/inbox.md: each command prints what it says', async (t) => {
  const guide = await readGuide(new URL('../../docs/inbox.md', import.meta.url))
  for (const [file, text] of guide.files) await writeFile(join(folder, file), text)
  await writeFile(join(folder, 'package.xml'), packageOn(values))
  await writeFile(join(folder, 'patterns.xml'), stixPackage(pattern, 'id="ex:package-2"'))
  const made = await typeCommand('taxiway account token add admin --name scripts', desk)
  noteSecret(made.stdout.trim(), 'token')
  await writeFile(join(folder, 'auth'), `Authorization: Bearer ${made.stdout}`, { mode: 0o600 })
  await writeFile(join(folder, 'rc'), 'silent\nshow-error\nfail\nheader = "@auth"\n')

  t.ok(guide.steps.length > 7, 'there are commands to type')
  for (const { command, printed } of guide.steps) {
    const { code, stdout, stderr } = await typeCommand(command, desk)
    t.equal(code, 0, `${command}\n${stderr}`)
    const missing = findMissing(printed, [stdout, stderr])
    t.equal(missing, undefined, `${command}\n${stdout}${stderr}`)
    // Of cabby, which ends with 0 whatever happens.
    t.notMatch(stderr, /ERROR|Traceback/, command)
    if (command.startsWith('taxiway poll')) t.match(stdout, /would now hold 5 observables/)
    if (command.startsWith('curl')) t.match(stdout, /condition="Contains">evil</)
  }
})
