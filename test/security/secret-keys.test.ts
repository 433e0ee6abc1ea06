import {
  chownSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { openSecretKeys, resetSecretKey } from '../../src/secret-keys.ts'
import { createKeyring, deriveSecretKey, type Keyring } from '../../src/security/keyring.ts'
import { type Db, openStore } from '../../src/store/db.ts'
import { contextOfAnswer, keepAnswer, takeKey } from '../../src/store/idempotency.ts'
import { findSecret, findStoreKeyId, listSecrets, putSecret } from '../../src/store/secrets.ts'
import { runProgram } from '../helpers/program.ts'
import { noteSecret, secret } from '../helpers/secrets.ts'
import { makeFolder, makeStore, openTestStore } from '../helpers/stores.ts'

interface Given {
  readonly key?: string
  readonly previousKey?: string
  readonly dataDir?: string
}

function open(t: Test, db: Db, given: Given, forCommand = false) {
  const logged: { level: string; message: string }[] = []
  const write = (level: string) => (_: object, message: string) => logged.push({ level, message })
  const log = { info: write('info'), warn: write('warn'), error: write('error') } as never
  const { key, previousKey, dataDir = makeFolder(t) } = given
  const config = { secrets: { key, previousKey }, dataDir, jwtSeconds: 3600 }
  const options = { config, store: { db }, log, forCommand }
  return { opened: openSecretKeys(options), reset: () => resetSecretKey(options), logged }
}

const rotate = (db: Db, keys: Awaited<ReturnType<typeof openSecretKeys>>) =>
  db.transaction().execute((trx) => keys.rotateWithin(trx))

/** Seals a secret and the answer of an idempotency key. */
async function fill(db: Db, keyring: Keyring, value: string) {
  await putSecret(db, keyring, 'otx', value)
  const sealed = keyring.seal(Buffer.from(value), contextOfAnswer('account 1', 'k'))
  await db.transaction().execute(async (trx) => {
    await takeKey(trx, 'account 1', 'k', Buffer.from('digest'))
    await keepAnswer(trx, 'account 1', 'k', 201, sealed)
  })
}

async function readAll(db: Db, keyring: Keyring) {
  const { sealed } = await db
    .selectFrom('idempotency_keys')
    .select('sealed')
    .executeTakeFirstOrThrow()
  const answer = keyring.open(sealed, contextOfAnswer('account 1', 'k'))
  return [await findSecret(db, keyring, 'otx'), Buffer.from(answer).toString()]
}

const filesIn = (folder: string) =>
  readdirSync(folder)
    .filter((name) => name.startsWith('secret-key'))
    .sort()
const keyIn = (folder: string, name = 'secret-key') =>
  noteSecret(readFileSync(join(folder, name), 'utf8').trim(), 'secret key')

t.test('the first process gives the store its key, and another key is refused', async (t) => {
  const { db } = await openTestStore(t, 'postgresql')
  const key = secret('secret key')
  const { keyring } = await open(t, db, { key }).opened
  t.equal(await findStoreKeyId(db), keyring.keyId)
  t.equal((await open(t, db, { key }).opened).keyring.keyId, keyring.keyId)
  const other = secret('another secret key')
  const words = new RegExp(
    `under the key ${keyring.keyId}.* given ${deriveSecretKey(other).id}.*TAXIWAY_SECRET_KEY_PREVIOUS.*taxiway secret reset`,
  )
  await t.rejects(open(t, db, { key: other }).opened, { code: 'SECRET_KEY_WRONG', message: words })
  await t.rejects(open(t, db, {}).opened, {
    code: 'SECRET_KEY_WRONG',
    message: /neither TAXIWAY_SECRET_KEY nor \S+secret-key: /,
  })
})

t.test('a command that has not the key does whatever needs none', async (t) => {
  const { db } = await openTestStore(t, 'postgresql')
  const { keyring } = await open(t, db, { key: secret('secret key') }).opened
  const command = await open(t, db, { key: secret('another secret key') }, true).opened
  t.equal(command.keyring.keyId, keyring.keyId)
  const wrong = { code: 'SECRET_KEY_WRONG' }
  t.throws(() => command.keyring.seal(Buffer.from('a'), 'c'), wrong)
  t.throws(() => command.keyring.deriveKeys('jwt'), wrong)
  await t.rejects(rotate(db, command), wrong)
})

t.test('a command gives a store no key, so that the service can start with its own', async (t) => {
  const { db } = await openTestStore(t, 'postgresql')
  const dataDir = makeFolder(t)
  for (const given of [{ dataDir }, { key: secret('a shell’s secret key') }]) {
    const command = await open(t, db, given, true).opened
    t.equal(command.keyring.keyId, 'none')
    const none = { code: 'SECRET_KEY_WRONG', message: /no secret key yet.*first start/ }
    t.throws(() => command.keyring.seal(Buffer.from('a'), 'c'), none)
    await t.rejects(rotate(db, command), none)
  }
  t.same(filesIn(dataDir), [])
  t.equal(await findStoreKeyId(db), undefined)
  const { keyring } = await open(t, db, { key: secret('secret key') }).opened
  t.equal(await findStoreKeyId(db), keyring.keyId)
})

t.test('a secret that is kept is read again, replaced, and told without its value', async (t) => {
  const { db } = await openTestStore(t, 'postgresql')
  const { keyring } = await open(t, db, { key: secret('secret key') }).opened
  t.equal(await findSecret(db, keyring, 'otx'), undefined)
  const [first, second] = [secret('first'), secret('second', { utf8: true, colons: true })]
  await putSecret(db, keyring, 'otx', first)
  t.equal(await findSecret(db, keyring, 'otx'), first)
  await putSecret(db, keyring, 'otx', second)
  await putSecret(db, keyring, 'amqp', first)
  t.equal(await findSecret(db, keyring, 'otx'), second)
  t.match(await listSecrets(db), [
    { name: 'amqp', keyId: keyring.keyId, changedAt: Date },
    { name: 'otx', keyId: keyring.keyId },
  ])
  await db
    .updateTable('secrets')
    .set((eb) => ({
      sealed: eb.selectFrom('secrets').select('sealed').where('name', '=', 'amqp') as never,
    }))
    .where('name', '=', 'otx')
    .execute()
  await t.rejects(findSecret(db, keyring, 'otx'), { code: 'SECRET_KEY_WRONG' }, 'not another’s')
})

t.test(
  'keys of the settings are changed without a moment in which a replica cannot read',
  async (t) => {
    const { db } = await openTestStore(t, 'postgresql')
    const [old, young] = [secret('old key'), secret('young key')]
    const value = secret('sealed')
    const before = await open(t, db, { key: old }).opened
    await fill(db, createKeyring(old), value)

    // The first replica restarts with both: it still seals and signs under the old key.
    const { opened, logged } = open(t, db, { key: young, previousKey: old })
    const one = await opened
    t.equal(one.keyring.keyId, before.keyring.keyId)
    t.equal(one.findNextKeyId(), deriveSecretKey(young).id)
    t.match(
      logged[0]?.message,
      'once every process has both keys, "taxiway secret rotate" changes to',
    )
    t.strictSame(one.keyring.deriveKeys('jwt')[0], before.keyring.deriveKeys('jwt')[0])
    await putSecret(db, one.keyring, 'made meanwhile', value)
    t.equal(await findSecret(db, before.keyring, 'made meanwhile'), value)

    // Then all have both.
    const other = await open(t, db, { key: young, previousKey: old }).opened
    const { rewrapped, keyId } = await rotate(db, one)
    t.equal(rewrapped, 3)
    t.equal(keyId, deriveSecretKey(young).id)
    await one.follow()
    t.equal(one.keyring.keyId, keyId)
    t.equal(one.findNextKeyId(), undefined)
    t.strictSame(await readAll(db, createKeyring(young)), [value, value], 'the young key is enough')

    // The other has not met the change yet: it reads everything, and what it seals is put right by the next.
    t.strictSame(await readAll(db, other.keyring), [value, value])
    await putSecret(db, other.keyring, 'late', value)
    t.equal((await listSecrets(db)).filter((secret) => secret.keyId !== keyId).length, 1)
    await other.follow()
    t.equal(other.keyring.keyId, keyId)
    t.equal((await listSecrets(db)).filter((secret) => secret.keyId !== keyId).length, 0)
    t.strictSame(await rotate(db, one), { rewrapped: 0, keyId }, 'again is nothing')

    // Last, the old key is taken away.
    const after = await open(t, db, { key: young }).opened
    t.equal(await findSecret(db, after.keyring, 'late'), value)
    t.equal(after.keyring.deriveKeys('jwt').length, 1)
    await t.rejects(before.follow(), { code: 'SECRET_KEY_WRONG' }, 'who was forgotten is told')
  },
)

t.test('what is still sealed under a key that nobody has is told at the start', async (t) => {
  const { db } = await openTestStore(t, 'postgresql')
  const [key, lost] = [secret('secret key'), secret('lost key')]
  await open(t, db, { key }).opened
  await putSecret(db, createKeyring(lost), 'stray', secret('sealed'))
  const { opened, logged } = open(t, db, { key })
  await opened
  t.match(logged, [
    {
      level: 'error',
      message: `sealed under the key ${deriveSecretKey(lost).id}, which is not given`,
    },
  ])
})

t.test('a key file that is gone is said to be, also where the service runs', async (t) => {
  const dataDir = makeFolder(t)
  const { db } = await openTestStore(t, 'embedded')
  const keys = await open(t, db, { dataDir }).opened
  keyIn(dataDir)
  rmSync(join(dataDir, 'secret-key'))
  const gone = {
    code: 'SECRET_KEY_WRONG',
    message: /secret-key.*put (it|the file) back from a copy/,
  }
  await t.rejects(rotate(db, keys), gone)
  await t.rejects(keys.follow(), gone)
  t.strictSame(filesIn(dataDir), [], 'none is made in its place')
})

t.test('a rotation that cannot read one secret changes none', async (t) => {
  const { db } = await openTestStore(t, 'postgresql')
  const [old, young, lost] = [secret('old key'), secret('young key'), secret('lost key')]
  const value = secret('sealed')
  await open(t, db, { key: old }).opened
  await fill(db, createKeyring(old), value)
  await putSecret(db, createKeyring(lost), 'stray', value)
  const keys = await open(t, db, { key: young, previousKey: old }).opened
  await t.rejects(rotate(db, keys), { code: 'SECRET_KEY_WRONG', message: /stray/ })
  t.equal(await findStoreKeyId(db), deriveSecretKey(old).id)
  t.strictSame(await readAll(db, createKeyring(old)), [value, value])
})

t.test('a key that is lost is given up with what was sealed under it', async (t) => {
  const { db } = await openTestStore(t, 'postgresql')
  const old = secret('old key')
  const { keyring } = await open(t, db, { key: old }).opened
  await fill(db, createKeyring(old), secret('sealed'))
  const dataDir = makeFolder(t)
  const given = open(t, db, { dataDir })
  await t.rejects(given.opened, { code: 'SECRET_KEY_WRONG' })
  t.strictSame(filesIn(dataDir), [], 'no key was made')
  const { keyId, ...forgotten } = await given.reset()
  t.strictSame(forgotten, { secrets: ['otx'], answers: 1, before: keyring.keyId })
  keyIn(dataDir)
  t.equal((await open(t, db, { dataDir }).opened).keyring.keyId, keyId)
})

t.test(
  'processes that start at once on one folder make one key, which only its owner reads',
  async (t) => {
    const dataDir = makeFolder(t)
    const { db } = await openTestStore(t, 'postgresql')
    const all = await Promise.all([1, 2, 3, 4, 5, 6].map(() => open(t, db, { dataDir }).opened))
    t.equal(new Set(all.map(({ keyring }) => keyring.keyId)).size, 1)
    t.strictSame(filesIn(dataDir), ['secret-key'])
    t.equal(statSync(join(dataDir, 'secret-key')).mode & 0o777, 0o600)
    t.equal(deriveSecretKey(keyIn(dataDir)).id, await findStoreKeyId(db))
  },
)

const onlyRoot = process.geteuid?.() === 0 ? false : 'only the superuser gives files away'

t.test('a key that another user has put there is refused', { skip: onlyRoot }, async (t) => {
  const { db } = await openTestStore(t, 'postgresql')
  const dataDir = makeFolder(t)
  writeFileSync(join(dataDir, 'secret-key'), secret('secret key'), { mode: 0o600 })
  chownSync(join(dataDir, 'secret-key'), 65_534, 65_534)
  await t.rejects(open(t, db, { dataDir }).opened, {
    code: 'CONFIG_INVALID',
    message: /secret-key belongs to another user \(65534\)/,
  })
  t.equal(await findStoreKeyId(db), undefined)
})

t.test('a key that others can read is warned of, and half a key is refused', async (t) => {
  const dataDir = makeFolder(t)
  const { db } = await openTestStore(t, 'postgresql')
  const key = secret('secret key')
  writeFileSync(join(dataDir, 'secret-key'), `${key}\n`, { mode: 0o644 })
  const { opened, logged } = open(t, db, { dataDir })
  await opened
  t.match(logged, [{ level: 'warn', message: /others can read \S+secret-key: chmod 600/ }])
  t.equal(logged.length, 1)
  writeFileSync(join(dataDir, 'secret-key'), key.slice(0, 20))
  await t.rejects(open(t, db, { dataDir }).opened, {
    code: 'CONFIG',
    message: /secret-key holds no secret key: put it back from a copy/,
  })
})

t.test(
  'a key in a file is changed, and the one before is accepted while a JWT may live',
  async (t) => {
    const dataDir = makeFolder(t)
    const { db } = await openTestStore(t, 'postgresql')
    const [one, other] = [
      await open(t, db, { dataDir }).opened,
      await open(t, db, { dataDir }).opened,
    ]
    const value = secret('sealed')
    await fill(db, createKeyring(keyIn(dataDir)), value)
    const before = one.keyring.keyId
    const [signing] = one.keyring.deriveKeys('jwt')
    const { keyId } = await rotate(db, one)
    await one.follow()
    t.not(keyId, before)
    t.equal(one.keyring.keyId, keyId)
    t.equal(one.keyring.previousKeyId, before)
    t.strictSame(one.keyring.deriveKeys('jwt')[1], signing)
    t.strictSame(await readAll(db, createKeyring(keyIn(dataDir))), [value, value])
    await other.follow()
    t.equal(other.keyring.keyId, keyId, 'another process on the folder goes on, too')
    t.strictSame(filesIn(dataDir), ['secret-key', 'secret-key.previous'])

    const old = new Date(Date.now() - 3_601_000)
    utimesSync(join(dataDir, 'secret-key.previous'), old, old)
    await one.follow()
    t.equal(one.keyring.previousKeyId, undefined)
    t.strictSame(filesIn(dataDir), ['secret-key'])
  },
)

const program = fileURLToPath(new URL('rotating-process.ts', import.meta.url))
const steps = [
  'settled',
  'locked',
  'next key made',
  'rewrapped',
  'committed',
  'previous kept',
  'settled',
  'followed',
]

t.test(
  'a rotation that is killed at any step is finished or forgotten by the next start',
  async (t) => {
    const place = await makeStore(t, 'postgresql')
    const store = await openStore(place)
    t.teardown(() => store.close())
    const { db } = store
    const dataDir = makeFolder(t)
    const value = secret('sealed')
    const first = await open(t, db, { dataDir }).opened
    await fill(db, createKeyring(keyIn(dataDir)), value)
    t.equal(await findStoreKeyId(db), first.keyring.keyId)

    for (const [index, last] of steps.entries()) {
      const before = await findStoreKeyId(db)
      const rotating = runProgram(t, program, [String(place.databaseUrl), dataDir])
      for (const [number, step] of steps.slice(0, index + 1).entries()) {
        t.equal(await rotating.nextLine(), step, rotating.errors())
        if (number < index) rotating.write('go on\n')
      }
      await rotating.kill('SIGKILL')
      const { keyring } = await open(t, db, { dataDir }).opened
      t.equal(await findSecret(db, keyring, 'otx'), value, `killed at "${last}"`)
      t.strictSame(await readAll(db, createKeyring(keyIn(dataDir))), [value, value])
      t.equal(keyring.keyId, await findStoreKeyId(db))
      t.notOk(filesIn(dataDir).includes('secret-key.next'))
      const isChanged = keyring.keyId !== before
      t.equal(isChanged, index >= steps.indexOf('committed'), `changed when killed at "${last}"`)
    }
  },
)
