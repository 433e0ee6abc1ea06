import { chmod, readFile, writeFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { run } from '../../scripts/services/process.ts'
import { exitCodes } from '../../src/cli/exit-codes.ts'
import { buildProgram } from '../../src/cli/program.ts'
import { createTestDatabase } from '../helpers/postgres.ts'
import { secret } from '../helpers/secrets.ts'
import { makeFolder, runTaxiway, startService } from '../helpers/taxiway.ts'
import { findMissing, readGuide } from '../interop/guide.ts'

const path = new URL('../../docs/cli.md', import.meta.url)
const guide = await readGuide(path)
const text = await readFile(path, 'utf8')
const folder = await makeFolder(t)
const settings = {
  TAXIWAY_DATABASE_URL: (await createTestDatabase(t)).url,
  TAXIWAY_DATA_DIR: join(folder, 'data'),
  TAXIWAY_ADMIN_PASSWORD: secret('the first administrator’s password'),
}
const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url))
const seeds = fileURLToPath(new URL('../../seeds/collections.yaml', import.meta.url))
await writeFile(join(folder, 'taxiway'), `#!/bin/sh\nexec '${process.execPath}' '${main}' "$@"\n`)
await chmod(join(folder, 'taxiway'), 0o755)

t.test('docs/cli.md: each command prints what it says', async (t) => {
  await startService(t, settings)
  t.equal((await runTaxiway(t, ['apply', seeds], settings)).code, 0)
  for (const [file, text] of guide.files) await writeFile(join(folder, file), text)
  t.ok(guide.steps.length > 25, 'there are commands to type')
  const env = {
    PATH: [folder, process.env.PATH].join(delimiter),
    HOME: folder,
    TZ: 'UTC',
    NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE,
    ...settings,
  }
  for (const { command, printed } of guide.steps) {
    const typed = ['-c', `exec </dev/null; cd '${folder}' && ${command}`]
    const { code, stdout, stderr } = await run('bash', typed, { env })
    t.equal(code, 0, `${command}\n${stderr}`)
    const missing = findMissing(printed, [stdout, stderr])
    t.equal(missing, undefined, `${command}\n${stdout}${stderr}`)
  }
})

t.test('docs/cli.md names commands that there are, and all of those that ask', async (t) => {
  const program = await buildProgram(undefined)
  for (const name of ['account', 'collection', 'source', 'secret']) {
    const group = program.commands.find((one) => one.name() === name)
    for (const command of group?.commands ?? []) {
      const words = `${name} ${command.name()}`
      const elsewhere = ['collection sample', 'collection lint', 'secret reset']
      if (elsewhere.includes(words)) continue
      t.match(text, new RegExp(`\\b${words}\\b`), words)
    }
  }
})

t.test('docs/cli.md and the help tell the same exit codes', async (t) => {
  const told = [...text.matchAll(/^\| (\d) \|/gm)].map(([, code]) => Number(code))
  t.strictSame(told, Object.values(exitCodes))
  let help = ''
  const program = await buildProgram('health')
  program.configureOutput({ writeOut: (piece) => (help += piece) })
  program.outputHelp()
  for (const code of told) t.match(help, new RegExp(`\\b${code} [a-z]`))
})
