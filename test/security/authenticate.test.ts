import t, { type Test } from 'tap'
import type { Authenticate } from '../../src/security/authenticate.ts'
import { secret } from '../helpers/secrets.ts'
import { forEachStore, openTestStore } from '../helpers/stores.ts'
import { countScrypt } from './counted-scrypt.ts'

const scrypt = countScrypt()
// What a check costs, passwords.test.ts looks at.
scrypt.cheap = true
const { hashPassword } = await import('../../src/security/passwords.ts')
const { createAuthenticate } = await import('../../src/security/authenticate.ts')
const { noteNetwork } = await import('../../src/store/sign-in.ts')
const { changePassword, createAccount } = await import('../../src/store/accounts.ts')

const password = secret('password of reader')
const hash = await hashPassword(password)
const otherHash = await hashPassword('battery staple')

/** Where all of them have proved themselves before. */
const home = '192.0.2.1'

/** What is asked for from one address, where that does not matter. */
function accounts(authenticate: Authenticate, address = home) {
  return async (name: string, given: string) => (await authenticate(name, given, address))?.account
}

async function start(t: Test, names: readonly string[] = ['reader']) {
  const { db } = await openTestStore(t, 'postgresql')
  const clock = { now: 1_000_000 }
  for (const name of names) {
    const account = await createAccount(db, name, hash, 'reader')
    if (account) await noteNetwork(db, account.id, home, new Date(clock.now))
  }
  scrypt.calls.length = 0
  scrypt.mostAtOnce = 0
  return { db, clock, authenticate: accounts(createAuthenticate(db, () => clock.now)) }
}

t.test('a name with its password is its account, anything else is nobody', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const account = await createAccount(db, 'reader', hash, 'reader')
    const authenticate = accounts(createAuthenticate(db))
    t.same(await authenticate('reader', password), account)
    t.equal(await authenticate('reader', 'wrong'), undefined)
    t.equal(await authenticate('nobody', password), undefined)
    t.equal(await authenticate('', ''), undefined)
    t.equal(await authenticate('Reader', password), undefined)
  })
})

t.test('a pair that was right is not hashed again until its time is over', async (t) => {
  const { authenticate, clock } = await start(t)
  for (let poll = 0; poll < 5; poll++) t.ok(await authenticate('reader', password))
  t.equal(scrypt.calls.length, 1)
  clock.now += 299_999
  t.ok(await authenticate('reader', password))
  t.equal(scrypt.calls.length, 1)
  clock.now += 1
  t.ok(await authenticate('reader', password))
  t.equal(scrypt.calls.length, 2)
})

t.test('a wrong password and an unknown name are hashed each time', async (t) => {
  const { authenticate } = await start(t)
  await authenticate('reader', password)
  scrypt.calls.length = 0
  for (const name of ['reader', 'reader', 'nobody', 'nobody']) {
    t.equal(await authenticate(name, 'wrong'), undefined)
  }
  t.equal(scrypt.calls.length, 4)
  const costs = scrypt.calls.map(({ cost, keyBytes, saltBytes }) =>
    JSON.stringify({ cost, keyBytes, saltBytes }),
  )
  t.equal(new Set(costs).size, 1, 'at the same cost')
  t.ok(await authenticate('reader', password), 'and the right one stays remembered')
  t.equal(scrypt.calls.length, 4)
})

t.test('who is disabled, or has no password, costs what a wrong password costs', async (t) => {
  const { db, authenticate } = await start(t, ['reader', 'disabled'])
  await db
    .updateTable('accounts')
    .set({ disabled_at: new Date() })
    .where('name', '=', 'disabled')
    .execute()
  await db
    .insertInto('accounts')
    .values({ name: 'robot', role: 'reader', password_hash: null })
    .execute()
  t.equal(await authenticate('reader', 'wrong'), undefined)
  for (let n = 0; n < 2; n++) {
    t.equal(await authenticate('disabled', password), undefined)
    t.equal(await authenticate('robot', password), undefined)
    t.equal(await authenticate('robot', ''), undefined)
  }
  t.equal(scrypt.calls.length, 7)
  const costs = scrypt.calls.map(({ cost, keyBytes, saltBytes }) =>
    JSON.stringify({ cost, keyBytes, saltBytes }),
  )
  t.equal(new Set(costs).size, 1)
})

t.test('whoever is disabled is so at once, though his password is remembered', async (t) => {
  const { db, authenticate } = await start(t)
  t.ok(await authenticate('reader', password))
  await db.updateTable('accounts').set({ disabled_at: new Date() }).execute()
  t.equal(await authenticate('reader', password), undefined)
  await db.updateTable('accounts').set({ disabled_at: null }).execute()
  t.ok(await authenticate('reader', password))
})

t.test('a name and a password do not run into each other', async (t) => {
  const { db, authenticate } = await start(t, ['a'])
  await createAccount(db, 'ab', otherHash, 'reader')
  t.ok(await authenticate('a', password))
  t.equal(await authenticate('ac', password.slice(1)), undefined)
  t.equal(await authenticate('ab', password), undefined)
})

t.test('a changed password counts at once, and so does a changed role', async (t) => {
  const { db, authenticate } = await start(t)
  t.match(await authenticate('reader', password), { role: 'reader' })
  await db.updateTable('accounts').set({ role: 'administrator' }).execute()
  t.match(await authenticate('reader', password), { role: 'administrator' })
  t.equal(scrypt.calls.length, 1)

  await changePassword(db, 'reader', otherHash)
  t.equal(await authenticate('reader', password), undefined)
  t.ok(await authenticate('reader', 'battery staple'))
  await db.deleteFrom('accounts').execute()
  t.equal(await authenticate('reader', 'battery staple'), undefined)
})

t.test(
  'a password that is changed while it is checked does not count for the new hash',
  async (t) => {
    const { db, authenticate } = await start(t)
    const released = Promise.withResolvers<void>()
    scrypt.hold(released.promise)
    const begun = authenticate('reader', password)
    while (scrypt.calls.length < 1) await db.selectFrom('accounts').selectAll().execute()
    await changePassword(db, 'reader', otherHash)
    const late = authenticate('reader', password)
    while (scrypt.calls.length < 2) await db.selectFrom('accounts').selectAll().execute()
    scrypt.hold(undefined)
    released.resolve()
    await begun
    t.equal(await late, undefined)
    t.equal(await authenticate('reader', password), undefined, 'nor is it remembered for it')
  },
)

t.test('many that come in together with one pair share one check', async (t) => {
  const { authenticate } = await start(t)
  const accounts = await Promise.all(
    Array.from({ length: 50 }, () => authenticate('reader', password)),
  )
  t.equal(accounts.filter((account) => account?.name === 'reader').length, 50)
  t.equal(scrypt.calls.length, 1)
})

t.test('two checks run at a time, whatever comes in', async (t) => {
  const { db, authenticate } = await start(t)
  const released = Promise.withResolvers<void>()
  scrypt.hold(released.promise)
  const guesses = Array.from({ length: 7 }, (_, n) => authenticate('reader', `guess ${n}`))
  const right = authenticate('reader', password)
  // So long that all of them have looked for their account.
  for (let n = 0; n < 20; n++) await db.selectFrom('accounts').selectAll().execute()
  t.equal(scrypt.calls.length, 2)
  scrypt.hold(undefined)
  released.resolve()
  t.same(await Promise.all(guesses), Array(7).fill(undefined))
  t.ok(await right)
  t.equal(scrypt.calls.length, 8)
  t.equal(scrypt.mostAtOnce, 2)
})

t.test('a check that fails by a defect gives its place back', async (t) => {
  const { db, authenticate } = await start(t, ['reader', 'broken'])
  await changePassword(db, 'broken', 'no hash')
  for (let n = 0; n < 3; n++) await t.rejects(authenticate('broken', password), /not readable/)
  t.ok(await authenticate('reader', password))
})

t.test('as many pairs as there is room for are remembered, the oldest goes first', async (t) => {
  const cheap = `scrypt$2$1$1$${'A'.repeat(22)}$`
  const { scryptSync } = await import('node:crypto')
  const key = scryptSync(password, Buffer.alloc(16), 32, { N: 2, r: 1, p: 1 }).toString('base64url')
  const { db, authenticate } = await start(t, [])
  const names = Array.from({ length: 1_001 }, (_, n) => `reader ${n}`)
  const rows = names.map((name) => ({ name, password_hash: cheap + key, role: 'reader' }))
  await db.insertInto('accounts').values(rows).execute()
  for (const name of names) if (!(await authenticate(name, password))) t.fail(name)
  t.equal(scrypt.calls.length, 1_001)
  for (const name of names.slice(1)) await authenticate(name, password)
  t.equal(scrypt.calls.length, 1_001, 'a thousand are remembered')
  await authenticate('reader 0', password)
  t.equal(scrypt.calls.length, 1_002, 'the first is not')
})
