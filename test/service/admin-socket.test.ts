import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, lstat, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { type RequestOptions, request } from 'node:http'
import { join } from 'node:path'
import type { Test } from 'tap'
import t from 'tap'
import { createTestDatabase } from '../helpers/postgres.ts'
import { makeFolder, runTaxiway, type Settings, startService } from '../helpers/taxiway.ts'

const { url: databaseUrl } = await createTestDatabase(t)

async function prepare(t: Test, folder = ''): Promise<Settings & { TAXIWAY_DATA_DIR: string }> {
  return {
    TAXIWAY_DATABASE_URL: databaseUrl,
    TAXIWAY_DATA_DIR: folder === '' ? await makeFolder(t) : folder,
  }
}

const socketIn = (settings: { TAXIWAY_DATA_DIR: string }) =>
  join(settings.TAXIWAY_DATA_DIR, 'taxiway.sock')

interface Answer {
  readonly status: number
  readonly body: string
}

/** @param more between the head of the request and the end of its body */
function ask(
  socketPath: string,
  path: string,
  { body, more, ...options }: RequestOptions & { body?: string; more?: () => Promise<void> } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asked = request({ socketPath, path, headers: { host: 'x' }, agent: false, ...options })
    asked.once('error', reject)
    asked.once('response', async (response) => {
      let text = ''
      for await (const piece of response.setEncoding('utf8')) text += piece
      resolve({ status: response.statusCode ?? 0, body: text })
    })
    if (!more) return asked.end(body)
    asked.flushHeaders()
    more().then(() => asked.end(body), reject)
  })
}

t.test('only this user reaches the socket, and is the administrator there', async (t) => {
  const settings = await prepare(t)
  const service = await startService(t, settings)
  const path = socketIn(settings)
  const { mode, uid } = await lstat(path)
  t.equal(mode & 0o777, 0o600)
  t.equal(uid, process.geteuid?.())
  t.notMatch(service.stderr(), 'other users of this machine')
  t.match(JSON.parse((await ask(path, '/api/v1/account')).body), {
    name: 'local administrator',
    role: 'administrator',
    proof: 'local',
  })
  t.equal((await ask(path, '/livez')).status, 200)

  await t.test('feeds and metrics are not there', async (t) => {
    for (const other of ['/taxii/discovery', '/taxii/poll', '/metrics', '/management/auth']) {
      t.equal((await ask(path, other, { method: 'POST' })).status, 404, other)
    }
  })

  const skip = process.geteuid?.() === 0 ? false : 'only root can become another user'
  await t.test(
    'another user cannot connect, though he may enter the folder',
    { skip },
    async (t) => {
      await chmod(settings.TAXIWAY_DATA_DIR, 0o755)
      const script = `require('node:net').connect(${JSON.stringify(path)})
      .on('connect', () => console.log('connected')).on('error', (e) => console.log(e.code))
      .on('close', () => process.exit())`
      const stranger = spawn(process.execPath, ['-e', script], {
        uid: 65_534,
        gid: 65_534,
        cwd: '/',
      })
      let said = ''
      stranger.stdout.on('data', (piece) => {
        said += piece
      })
      await once(stranger, 'close')
      t.equal(said, 'EACCES\n')
      await chmod(settings.TAXIWAY_DATA_DIR, 0o700)
    },
  )

  service.process.kill('SIGTERM')
  t.equal((await service.ended).code, 0)
  t.notOk((await readdir(settings.TAXIWAY_DATA_DIR)).some((name) => name.includes('.sock')))
})

t.test(
  'what a killed service left is replaced, and the rights of its folder are told',
  async (t) => {
    const settings = await prepare(t)
    await chmod(settings.TAXIWAY_DATA_DIR, 0o750)
    const killed = await startService(t, settings)
    t.match(killed.stderr(), /other users of this machine may look into .* \(mode 750\): chmod 700/)
    killed.process.kill('SIGKILL')
    await killed.ended
    const path = socketIn(settings)
    const { ino } = await lstat(path)
    await t.rejects(ask(path, '/livez'), { code: 'ECONNREFUSED' })
    // No service runs there, whatever the file says.
    t.match(await runTaxiway(t, ['whoami'], settings), {
      code: 0,
      stdout: /no service answers here/,
    })
    const next = await startService(t, settings)
    t.equal((await ask(path, '/livez')).status, 200)
    t.not((await lstat(path)).ino, ino)
    t.notMatch(next.stderr(), 'there is no socket')
  },
)

t.test('a living one is left alone: replicas may share a folder', async (t) => {
  const settings = await prepare(t)
  const [first, second] = [await startService(t, settings), await startService(t, settings)]
  const path = socketIn(settings)
  t.match(second.stderr(), /there is no socket for commands .* another process answers there/)
  const { ino } = await lstat(path)
  second.process.kill('SIGTERM')
  t.equal((await second.ended).code, 0)
  t.equal((await lstat(path)).ino, ino, 'who did not make it does not remove it')
  t.equal((await ask(path, '/livez')).status, 200)
  first.process.kill('SIGTERM')
  await first.ended
  await t.rejects(stat(path), { code: 'ENOENT' })
})

t.test('a folder with a path too long for a socket has one all the same', async (t) => {
  const folder = join(await makeFolder(t), ...Array.from({ length: 4 }, () => 'x'.repeat(50)))
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const settings = await prepare(t, folder)
  const service = await startService(t, settings)
  t.equal((await lstat(socketIn(settings))).mode & 0o777, 0o600)
  const { code, stdout } = await runTaxiway(t, ['whoami'], settings)
  t.equal(code, 0)
  t.match(stdout, socketIn(settings))
  service.process.kill('SIGTERM')
  t.equal((await service.ended).code, 0)
  await t.rejects(lstat(socketIn(settings)), { code: 'ENOENT' })
})

t.test('something else of that name stays, and the service goes without', async (t) => {
  const settings = await prepare(t)
  await writeFile(socketIn(settings), 'my notes')
  const service = await startService(t, settings)
  t.match(service.stderr(), /there is no socket for commands .* something else than a socket/)
  service.process.kill('SIGTERM')
  await service.ended
  t.equal(await readFile(socketIn(settings), 'utf8'), 'my notes')
  t.strictSame(
    (await readdir(settings.TAXIWAY_DATA_DIR)).filter((name) => name.includes('sock')),
    ['taxiway.sock'],
  )
})

t.test('a request under way when SIGTERM comes is answered', async (t) => {
  const settings = await prepare(t)
  const service = await startService(t, settings)
  const path = socketIn(settings)
  const body = JSON.stringify({ name: 'late', passwordless: true })
  const { status } = await ask(path, '/api/v1/accounts', {
    method: 'POST',
    headers: { host: 'x', 'content-type': 'application/json', 'content-length': body.length },
    body,
    more: async () => {
      // The server has the head when it has answered what was asked after it.
      await ask(path, '/livez')
      service.process.kill('SIGTERM')
      await service.saw(/SIGTERM: finishing what is under way/)
      while (await exists(path)) await ask(path, '/livez').catch(() => {})
    },
  })
  t.equal(status, 201)
  t.equal((await service.ended).code, 0)
})

async function exists(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  )
}
