import {
  lchownSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { readConfig } from '../src/config.ts'
import { ensureAdministrator } from '../src/first-administrator.ts'
import type { Log } from '../src/log.ts'
import { ConfigError } from '../src/model/errors.ts'
import { verifyPassword } from '../src/security/passwords.ts'
import { findAccount, readAccounts } from '../src/store/accounts.ts'
import { openStore } from '../src/store/db.ts'
import { forEachStore, makeFolder, makeStore, openTestStore } from './helpers/stores.ts'

function startIn(dataDir: string, environment: Record<string, string> = {}) {
  const lines: string[] = []
  const log = { info: (...said: unknown[]) => lines.push(JSON.stringify(said)) } as unknown as Log
  const config = readConfig({ TAXIWAY_DATA_DIR: dataDir, ...environment })
  const file = join(dataDir, 'admin-password')
  return { config, log, lines, file, password: () => readFileSync(file, 'utf8').trimEnd() }
}

t.test(
  'the first start makes an administrator, with a password in a file of its user',
  async (t) => {
    await forEachStore(t, async (t, store) => {
      const { config, log, lines, file, password } = startIn(makeFolder(t))
      await ensureAdministrator(store, config, log)
      const found = await findAccount(store.db, 'admin')
      t.match(found, { account: { role: 'administrator' } })
      t.equal(await verifyPassword(password(), found?.passwordHash), true)
      t.ok(password().length >= 20)
      t.equal(statSync(file).mode & 0o777, 0o600)
      t.same(readdirSync(config.dataDir), ['admin-password'])
      t.equal(lines.length, 1)
      t.match(lines[0], file)
      t.notMatch(lines[0], password())

      const before = password()
      await ensureAdministrator(store, config, log)
      t.equal(password(), before)
      t.equal((await readAccounts(store.db)).length, 1)
      t.equal(lines.length, 1, 'the second start says nothing')
    })
  },
)

t.test('a password that is given is taken, and stands in no file', async (t) => {
  const store = await openTestStore(t, 'postgresql')
  const given = 'a password that was given'
  const environment = { TAXIWAY_ADMIN_USERNAME: 'root', TAXIWAY_ADMIN_PASSWORD: given }
  const { config, log, lines } = startIn(makeFolder(t), environment)
  await ensureAdministrator(store, config, log)
  t.equal(await verifyPassword(given, (await findAccount(store.db, 'root'))?.passwordHash), true)
  t.same(readdirSync(config.dataDir), [])
  t.notMatch(lines.join(), given)
})

const onlyRoot = process.geteuid?.() === 0 ? false : 'only the superuser gives files away'

t.test('a password that another user has put there is refused', { skip: onlyRoot }, async (t) => {
  const store = await openTestStore(t, 'postgresql')
  const nobody = 65_534
  const plant = {
    'his file': (file: string) => writeFileSync(file, 'what he has thought of\n'),
    'his link to what all can read': (file: string) => symlinkSync('/etc/passwd', file),
  }
  for (const [name, put] of Object.entries(plant)) {
    const { config, log, file } = startIn(makeFolder(t))
    put(file)
    lchownSync(file, nobody, nobody)
    const refused = ensureAdministrator(store, config, log)
    await t.rejects(refused, ConfigError, name)
    await t.rejects(refused, { message: /admin-password belongs to another user \(65534\)/ })
    t.same(await readAccounts(store.db), [])
  }
})

t.test('a start that was cut short behind the file goes on with its password', async (t) => {
  const store = await openTestStore(t, 'postgresql')
  const { config, log, file } = startIn(makeFolder(t))
  writeFileSync(file, 'the password that is in it\n', { mode: 0o600 })
  await ensureAdministrator(store, config, log)
  const found = await findAccount(store.db, 'admin')
  t.equal(await verifyPassword('the password that is in it', found?.passwordHash), true)
})

t.test('an empty file is no password', async (t) => {
  const store = await openTestStore(t, 'postgresql')
  const { config, log, file } = startIn(makeFolder(t))
  writeFileSync(file, '')
  const refused = ensureAdministrator(store, config, log)
  await t.rejects(refused, ConfigError)
  await t.rejects(refused, { message: file })
  t.same(await readAccounts(store.db), [])
})

t.test(
  'of two that start at once one makes the account, and no file holds another password',
  async (t) => {
    const place = await makeStore(t, 'postgresql')
    for (const shared of [true, false]) {
      const folder = makeFolder(t)
      const starts = await Promise.all(
        [1, 2, 3].map(async () => {
          const store = await openStore(place)
          t.teardown(() => store.close())
          return { store, ...startIn(shared ? folder : makeFolder(t)) }
        }),
      )
      const [{ store }] = starts as [(typeof starts)[0]]
      await store.db.deleteFrom('accounts').execute()
      await Promise.all(
        starts.map(({ store, config, log }) => ensureAdministrator(store, config, log)),
      )
      const found = await findAccount(store.db, 'admin')
      t.equal((await readAccounts(store.db)).length, 1)
      t.equal(starts.flatMap(({ lines }) => lines).length, 1, 'one says so')
      const folders = shared ? starts.slice(0, 1) : starts
      const holding = folders.filter(({ config }) => readdirSync(config.dataDir).length > 0)
      t.equal(holding.length, 1)
      for (const { config, password } of holding) {
        t.same(readdirSync(config.dataDir), ['admin-password'])
        t.equal(await verifyPassword(password(), found?.passwordHash), true)
      }
    }
  },
)
