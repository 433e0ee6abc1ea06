import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { DataDirLocked } from '../../src/model/errors.ts'
import { lockDataDir } from '../../src/store/data-dir-lock.ts'
import { openStore } from '../../src/store/db.ts'
import { runProgram } from '../helpers/program.ts'
import { makeFolder, makeStore } from '../helpers/stores.ts'

const holder = fileURLToPath(new URL('process-on-folder.ts', import.meta.url))
const lockOf = (folder: string) => join(folder, 'taxiway.lock')

t.test('a second process on an embedded database is refused and told of the first', async (t) => {
  const place = await makeStore(t, 'embedded')
  const first = runProgram(t, holder, [place.dataDir])
  t.equal(await first.nextLine(), 'open')
  const refused = openStore(place)
  await t.rejects(refused, DataDirLocked)
  await t.rejects(refused, { code: 'DATA_DIR_LOCKED', message: `process ${first.pid} has` })
  await t.rejects(refused, { message: place.dataDir })

  first.endInput()
  t.equal(await first.ended, 0)
  t.notOk(existsSync(lockOf(place.dataDir)), 'a process that ends gives the folder back')
  await (await openStore(place)).close()
})

t.test('others on the machine reach no file of the embedded database', async (t) => {
  const dataDir = makeFolder(t)
  const folder = join(dataDir, 'pglite')
  mkdirSync(folder)
  for (const open of [dataDir, folder]) chmodSync(open, 0o755)
  await (await openStore({ dataDir, databaseUrl: undefined })).close()
  t.equal(statSync(folder).mode & 0o777, 0o700)
  t.ok(existsSync(join(folder, 'PG_VERSION')))
})

t.test('the lock of a process that was killed is taken over', async (t) => {
  const place = await makeStore(t, 'embedded')
  const killed = runProgram(t, holder, [place.dataDir])
  t.equal(await killed.nextLine(), 'open')
  t.equal(await killed.kill('SIGKILL'), 'SIGKILL')
  t.ok(existsSync(lockOf(place.dataDir)), 'it was left behind')
  const store = await openStore(place)
  t.match(readFileSync(lockOf(place.dataDir), 'utf8'), `"pid":${process.pid}`)
  await store.close()
})

t.test('a folder is locked for this process too', async (t) => {
  const folder = makeFolder(t)
  const unlock = await lockDataDir(folder)
  await t.rejects(lockDataDir(folder), { message: `process ${process.pid} has` })
  await unlock()
  await (await lockDataDir(folder))()
  t.same(readdirSync(folder), [], 'nothing is left')
})

t.test('a lock whose process id is another process by now is taken over', async (t) => {
  const folder = makeFolder(t)
  const unlock = await lockDataDir(folder)
  const lock = JSON.parse(readFileSync(lockOf(folder), 'utf8'))
  await unlock()
  t.type(lock.began, 'string')
  t.not(lock.began, '')
  writeFileSync(lockOf(folder), JSON.stringify({ ...lock, began: `${lock.began}0` }))
  await (await lockDataDir(folder))()

  writeFileSync(lockOf(folder), JSON.stringify(lock))
  await t.rejects(lockDataDir(folder), DataDirLocked, 'while the very process counts')
})

t.test("a lock that says nothing readable is nobody's", async (t) => {
  for (const text of [
    '',
    '{"pid":',
    'null',
    '[]',
    '{}',
    '{"pid":-1}',
    '{"pid":"1"}',
    '\0\0\0',
    '7',
  ]) {
    const folder = makeFolder(t)
    writeFileSync(lockOf(folder), text)
    const unlock = await lockDataDir(folder)
    t.match(readFileSync(lockOf(folder), 'utf8'), `"pid":${process.pid}`, JSON.stringify(text))
    await unlock()
    t.same(readdirSync(folder), [])
  }
})

t.test('of many that find a stale lock at once, one takes it over', async (t) => {
  const { dataDir: folder } = await makeStore(t, 'embedded')
  const dead = runProgram(t, '--version', [])
  await dead.ended
  writeFileSync(lockOf(folder), JSON.stringify({ pid: dead.pid, began: 'then' }))
  const processes = Array.from({ length: 4 }, () => runProgram(t, holder, [folder]))
  const answers = await Promise.all(processes.map((one) => one.nextLine()))
  t.equal(answers.filter((answer) => answer === 'open').length, 1)
  const winner = processes[answers.indexOf('open')]
  for (const one of processes) {
    if (one === winner) continue
    t.not(await one.ended, 0)
    t.match(one.errors(), `process ${winner?.pid} has`)
  }
  winner?.endInput()
  t.equal(await winner?.ended, 0)
})
