import t from 'tap'
import { countScrypt } from './counted-scrypt.ts'

const scrypt = countScrypt()
const { hashPassword, makePassword, verifyPassword } = await import(
  '../../src/security/passwords.ts'
)

t.test('a password is recognised by its hash, and no other is', async (t) => {
  const passwords = ['simple', 'with:co:lons', '  spaces  ', 'ünïcödé 😀', 'x'.repeat(10_000), '']
  for (const [n, password] of passwords.entries()) {
    // The first at its full cost; what a password may hold does not depend on that.
    scrypt.cheap = n > 0
    const hash = await hashPassword(password)
    t.notMatch(hash, password.slice(0, 20) || 'nothing')
    t.equal(await verifyPassword(password, hash), true, password.slice(0, 20))
    for (const other of [
      `${password} `,
      password.toUpperCase(),
      password.slice(0, -1),
      `x${password}`,
    ]) {
      if (other !== password) t.equal(await verifyPassword(other, hash), false)
    }
  }
  scrypt.cheap = false
})

t.test('each hash has a salt of its own and names its cost', async (t) => {
  const [one, other] = [await hashPassword('the same'), await hashPassword('the same')]
  t.not(one, other)
  t.match(one, /^scrypt\$32768\$8\$3\$[\w-]{22}\$[\w-]{43}$/)
})

t.test('hashes are made one after the other, also after one that failed', async (t) => {
  scrypt.cheap = true
  scrypt.mostAtOnce = 0
  const made = [1, 2, 3].map((n) => hashPassword(`many ${n}`))
  const failed = hashPassword(undefined as never)
  const after = hashPassword('after it')
  await t.rejects(failed)
  t.equal(new Set([...(await Promise.all(made)), await after]).size, 4)
  t.equal(scrypt.mostAtOnce, 1)
  scrypt.cheap = false
})

t.test(
  'a password typed on another system is the same: composed and decomposed letters',
  async (t) => {
    const composed = 'caf\u00e9'
    const decomposed = 'cafe\u0301'
    t.not(composed, decomposed)
    t.equal(await verifyPassword(decomposed, await hashPassword(composed)), true)
    t.equal(await verifyPassword(composed, await hashPassword(decomposed)), true)
  },
)

t.test('a hash of another cost is still verified', async (t) => {
  const hash = 'scrypt$1024$8$1$AAAAAAAAAAAAAAAAAAAAAA$'
  const { scryptSync } = await import('node:crypto')
  const key = scryptSync('old password', Buffer.alloc(16), 32, { N: 1024, r: 8, p: 1 })
  t.equal(await verifyPassword('old password', hash + key.toString('base64url')), true)
  t.equal(await verifyPassword('new password', hash + key.toString('base64url')), false)
})

t.test('an unknown name costs what a wrong password costs, and is never right', async (t) => {
  const hash = await hashPassword('right')
  scrypt.calls.length = 0
  t.equal(await verifyPassword('guess', hash), false)
  t.equal(await verifyPassword('guess', undefined), false)
  const [known, unknown, ...more] = scrypt.calls
  t.same(more, [])
  t.same(unknown, known)
  t.match(known, { cost: { N: 32_768, r: 8, p: 3 } })
})

t.test('a stored hash that is none is a defect, not a wrong password', async (t) => {
  for (const hash of ['', 'plain text', 'bcrypt$1$2$3$AAAA$AAAA', 'scrypt$32768$8$3$AAAA']) {
    await t.rejects(verifyPassword('any', hash), {
      message: 'a stored password hash is not readable',
    })
  }
})

t.test('passwords that are made can be typed, and none is made twice', async (t) => {
  const made = Array.from({ length: 100 }, makePassword)
  t.equal(new Set(made).size, 100)
  for (const password of made) if (!/^[\w-]{27}$/.test(password)) t.fail(password)
  t.pass()
})
