import { chmod, readdir, writeFile } from 'node:fs/promises'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { installDebianPackages } from '../../scripts/services/install.ts'
import { findProgram } from '../../scripts/services/process.ts'
import { buildOtxStandin } from '../../src/standins/otx.ts'
import { loadSeedPulses } from '../../src/standins/seeds.ts'
import { makeAuthority, makeCertificate } from '../helpers/certificates.ts'
import { createTestDatabase } from '../helpers/postgres.ts'
import { getTestPython } from '../helpers/python.ts'
import { secret } from '../helpers/secrets.ts'
import { makeFolder, startService } from '../helpers/taxiway.ts'
import { type Desk, findMissing, patternOf, readGuide, type Typed, typeCommand } from './guide.ts'

// The guides as an operator follows them: each command is typed as it stands, but for addresses.
if (!findProgram('curl')) await installDebianPackages('curl', ['curl'])
const folder = await makeFolder(t)
const issuer = await makeAuthority(folder, 'private-ca')
const { certFile, keyFile } = await makeCertificate(folder, 'server', { issuer })

const { pulses } = loadSeedPulses(new Date())
// A part, to be quick; the one that the demo revises has what the guide withdraws.
const taken = pulses.slice(-16)
const apiKey = secret('OTX key')
const standin = buildOtxStandin({ pulses: taken, apiKey })
const otxUrl = await standin.app.listen({ host: '127.0.0.1', port: 0 })
t.teardown(() => standin.app.close())
const settings = {
  TAXIWAY_DATABASE_URL: (await createTestDatabase(t)).url,
  TAXIWAY_DATA_DIR: folder,
}
const service = await startService(t, {
  ...settings,
  TAXIWAY_OTX_URL: otxUrl,
  TAXIWAY_OTX_API_KEY: apiKey,
  TAXIWAY_OTX_FIRST_SYNC_DAYS: '36500',
  TAXIWAY_TLS_CERT_FILE: certFile,
  TAXIWAY_TLS_KEY_FILE: keyFile,
  TAXIWAY_LOG_LEVEL: 'debug',
})
await service.saw(new RegExp(`"pulses":${taken.length},.*took in a part of OTX`))

const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url))
const shim = join(folder, 'taxiway')
await writeFile(shim, `#!/bin/sh\nexec ${process.execPath} ${main} "$@"\n`)
await chmod(shim, 0o755)

const desk: Desk = {
  folder,
  env: {
    PATH: [folder, dirname(getTestPython()), process.env.PATH].join(delimiter),
    HOME: folder,
    TZ: 'UTC',
    ...settings,
  },
  addresses: [
    ['https://taxii.example.com', service.url],
    ['taxii.example.com:443', new URL(service.url).host],
  ],
}
const type = (command: string) => typeCommand(command, desk)

const printedBy = new Map<string, Typed>()

const readDoc = (name: string) => readGuide(new URL(`../../docs/${name}.md`, import.meta.url))
// In this order: the other clients' collections are spoken of in the ESA's guide.
const guides = { clients: await readDoc('clients'), esa: await readDoc('esa') }
for (const [name, guide] of Object.entries(guides)) {
  t.test(`docs/${name}.md: each command prints what the guide says`, async (t) => {
    for (const [file, text] of guide.files) await writeFile(join(folder, file), text)
    t.ok(guide.steps.length > 8, 'there are commands to type')
    for (const { command, printed } of guide.steps) {
      const typed = await type(command)
      const { code, stdout, stderr } = typed
      printedBy.set(command, typed)
      t.equal(code, 0, command)
      const missing = findMissing(printed, [stdout, stderr])
      t.equal(
        missing,
        undefined,
        missing ? `${command}\n${stdout.slice(-3000)}\n${stderr}` : command,
      )
      // Of cabby, which ends with 0 whatever happens.
      t.notMatch(stderr, /ERROR|Traceback/, command)
    }
  })
  t.test(`docs/${name}.md: each command in its text is one`, async (t) => {
    const typed = guide.steps.map(({ command }) => command)
    const known = (command: string) =>
      [...typed, ...guide.mentioned].some((one) => one.startsWith(`${command} `))
    // A new password last: the others need the old one.
    const last = (command: string) => Number(command.includes('passwd'))
    const asked = guide.mentioned.filter((one) => !typed.includes(one) && !known(one))
    for (const command of asked.toSorted((a, b) => last(a) - last(b))) {
      const isName = /^[a-z -]+$/.test(command)
      const { code, stderr } = await type(isName ? `${command} --help` : command)
      t.equal(code, 0, `${command} ${stderr}`)
    }
  })
}

t.test('our poller, cabby and libtaxii get the same number of blocks', async (t) => {
  const outputOf = (start: string) =>
    [...printedBy].find(([command]) => command.startsWith(start) && command.includes(' siem '))?.[1]
  const [, ours] = /\((\d+) blocks in 1 window/.exec(outputOf('taxiway poll')?.stdout ?? '') ?? []
  const [, cabbys] = /(\d+) blocks polled/.exec(outputOf('taxii-poll')?.stderr ?? '') ?? []
  t.ok(Number(ours) > 100)
  t.equal(cabbys, ours)
  t.equal((await readdir(join(folder, 'siem'))).length, Number(ours))
})

t.test('what the guide shows is looked for line by line', async (t) => {
  t.match('esa1   20261121T091500Z  done', patternOf('esa1  …  done'))
  t.match('859 blocks polled', patternOf('12 blocks polled'))
  t.notMatch('no blocks polled', patternOf('12 blocks polled'))
  t.notMatch('12 blocks polled again', patternOf('12 blocks polled'))
  t.equal(findMissing(['a', '…', 'b', 'c'], ['a\nx\nb', 'c']), undefined)
  t.equal(findMissing(['b', 'a'], ['a\nb', 'c']), 'a')
  t.equal(findMissing(['a', 'a'], ['a']), 'a')
})
