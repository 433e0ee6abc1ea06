import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { watchArguments } from '../../scripts/secrets/arguments.ts'
import { readAllEvidence } from '../../scripts/secrets/evidence.ts'

t.test('what `ps` shows of our own processes is kept, and nothing of others', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'taxiway-arguments-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  mkdirSync(join(folder, 'src'))
  const main = join(folder, 'src', 'main.ts')
  writeFileSync(main, 'setInterval(() => {}, 1000)')
  const ours = spawn(process.execPath, [main, 'serve', '--planted', folder])
  const other = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)', `${folder} other`])
  const client = spawn('tail', ['-f', main])
  t.teardown(() => [ours, other, client].forEach((child) => void child.kill('SIGKILL')))
  const unwatch = watchArguments(folder)
  t.teardown(() => unwatch())
  const find = () =>
    [...readAllEvidence(folder)]
      .map(({ body }) => String(body))
      .filter((text) => text.includes(folder))
  while (find().length === 0) await new Promise((resolve) => setTimeout(resolve, 20))
  t.strictSame(find(), [`${process.execPath} ${main} serve --planted ${folder} `])
})
