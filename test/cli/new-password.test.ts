import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Test } from 'tap'
import t from 'tap'
import { version } from '../../src/version.ts'
import { runPython } from '../helpers/python.ts'
import { secret } from '../helpers/secrets.ts'
import { makeFolder, runTaxiway } from '../helpers/taxiway.ts'

const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url))

/** A server at the socket of a data folder that takes every password. */
async function startServer(t: Test) {
  const folder = await makeFolder(t)
  const met: { password?: string }[] = []
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const piece of request) body += piece
    if (body !== '') met.push(JSON.parse(body))
    response.writeHead(200, {
      'content-type': 'application/json',
      'taxiway-version': version,
      'taxiway-store': 'embedded',
    })
    response.end('{"name":"esa1"}')
  })
  await new Promise<void>((done) => server.listen(join(folder, 'taxiway.sock'), done))
  t.teardown(() => server.close())
  return { folder, met }
}

/** Types each text when its question stands there. */
const terminal = `
import os,pty,sys
folder,*rest=sys.argv[1:]
split=rest.index('--')
typed,command=rest[:split],rest[split+1:]
pid,fd=pty.fork()
if pid==0:
  os.execve(command[0],command,{**os.environ,'TAXIWAY_DATA_DIR':folder})
seen=b''
def read():
  global seen
  try: piece=os.read(fd,4096)
  except OSError: piece=b''
  seen+=piece
  return piece
for question,text in zip([b'New password of',b'The same again'],typed):
  while question not in seen and read(): pass
  if question in seen: os.write(fd,open(text,'rb').read()+b'\\r')
while read(): pass
sys.stdout.buffer.write(seen)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid,0)[1]))`

t.test('a password is asked for twice, is shown nowhere, and has to be the same', async (t) => {
  const { folder, met } = await startServer(t)
  const [first, second] = [
    secret('a password that is typed', { colons: true, utf8: true }),
    secret('a password that is typed otherwise'),
  ]
  // In files: arguments are read by everybody.
  const [one, other] = [join(folder, 'one'), join(folder, 'other')]
  await writeFile(one, first)
  await writeFile(other, second)
  const command = [process.execPath, main, 'account', 'passwd', 'esa1', '--password-prompt']
  const type = (...files: string[]) =>
    runPython(['-c', terminal, folder, ...files, '--', ...command])

  const differing = await type(one, other)
  t.equal(differing.code, 2, differing.stdout)
  t.match(differing.stdout, /the second password was not the first; nothing was changed/)
  t.strictSame(met, [])
  const same = await type(one, one)
  t.equal(same.code, 0, same.stdout)
  t.match(same.stdout, /changed the password of esa1/)
  t.strictSame(met, [{ password: first }])
  for (const { stdout } of [differing, same]) {
    for (const word of [first, second]) t.notMatch(stdout, word.slice(0, 20))
  }
})

t.test('a password that nobody can use is refused before anybody is asked', async (t) => {
  const { folder, met } = await startServer(t)
  const settings = { TAXIWAY_DATA_DIR: folder }
  const file = join(folder, 'short')
  await writeFile(file, 'short\nand a note\n')
  const passwd = (...more: string[]) =>
    runTaxiway(t, ['account', 'passwd', 'esa1', ...more], settings)
  t.match(await passwd('--password-file', file), { code: 2, stderr: /at least 12 characters/ })
  t.match(await passwd('--password-file', join(folder, 'none')), { code: 2, stderr: /ENOENT/ })
  t.match(await passwd('--password-prompt'), { code: 2, stderr: /needs a terminal/ })
  t.match(await passwd('--password-prompt', '--password-file', file), {
    code: 2,
    stderr: /cannot be used with/,
  })
  t.strictSame(met, [])
})
