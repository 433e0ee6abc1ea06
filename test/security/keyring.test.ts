import fc from 'fast-check'
import t from 'tap'
import { sealContext } from '../../src/model/keyring.ts'
import { createKeyring, createKeyringOf, deriveSecretKey } from '../../src/security/keyring.ts'
import { secret } from '../helpers/secrets.ts'

const key = secret('secret key')
const otherKey = secret('another secret key')
const bytes = (text: string) => new Uint8Array(Buffer.from(text))
const text = (plain: Uint8Array) => Buffer.from(plain).toString()
// Version, key id, and the wrapped data key: nonce, 32 bytes, tag.
const wrapped = 1 + 8 + 12 + 32 + 16
const wrong = { code: 'SECRET_KEY_WRONG' }

t.test(
  'what is sealed is opened again under the same key and for the same context alone',
  async (t) => {
    const keyring = createKeyring(key)
    for (const plain of ['', 'a', secret('sealed', { utf8: true }), 'x'.repeat(100_000)]) {
      const sealed = keyring.seal(bytes(plain), 'secret otx')
      t.equal(text(keyring.open(sealed, 'secret otx')), plain)
      t.equal(text(createKeyring(key).open(sealed, 'secret otx')), plain, 'by another process')
      t.throws(() => keyring.open(sealed, 'secret amqp'), wrong)
      t.throws(() => createKeyring(otherKey).open(sealed, 'secret otx'), {
        ...wrong,
        message: `secret otx is sealed under the key ${keyring.keyId}, which is not given`,
      })
    }
  },
)

t.test('the same secret is sealed differently each time', async (t) => {
  const keyring = createKeyring(key)
  const sealed = [1, 2, 3].map(() => Buffer.from(keyring.seal(bytes('same'), 'c')).toString('hex'))
  t.equal(new Set(sealed.map((one) => one.slice(18))).size, 3)
  t.equal(new Set(sealed.map((one) => one.slice(0, 18))).size, 1, 'version and key id are')
})

t.test('no byte of what is sealed can be changed, cut off or added', async (t) => {
  const keyring = createKeyring(key, otherKey)
  const sealed = Buffer.from(keyring.seal(bytes('secret'), 'c'))
  for (let at = 0; at < sealed.length; at++) {
    for (const bit of [1, 128]) {
      const changed = Buffer.from(sealed)
      changed[at] = Number(changed[at]) ^ bit
      if (!throws(() => keyring.open(changed, 'c'))) t.fail(`byte ${at} was changed`)
      if (at < wrapped && !throws(() => keyring.rewrap(changed, 'c'))) t.fail(`rewrapped ${at}`)
    }
  }
  for (let length = 0; length < sealed.length; length++) {
    if (!throws(() => keyring.open(sealed.subarray(0, length), 'c'))) t.fail(`cut at ${length}`)
  }
  t.throws(() => keyring.open(Buffer.concat([sealed, Buffer.of(0)]), 'c'), wrong)
  t.throws(() => keyring.open(sealed.subarray(0, 40), 'c'), { message: 'is cut off' })
  t.throws(() => keyring.open(Buffer.from('plain text, never sealed'), 'c'), {
    message: 'is in no form that this version knows',
  })
})

function throws(work: () => unknown): boolean {
  try {
    work()
    return false
  } catch (error) {
    return (error as { code?: string }).code === 'SECRET_KEY_WRONG'
  }
}

t.test('a part of one sealed secret does not fit into another', async (t) => {
  const keyring = createKeyring(key)
  const [one, two] = ['one', 'two'].map((plain) => Buffer.from(keyring.seal(bytes(plain), 'c')))
  const mixed = Buffer.concat([
    one?.subarray(0, wrapped) ?? '',
    two?.subarray(wrapped) ?? '',
  ] as Buffer[])
  t.throws(() => keyring.open(mixed, 'c'), wrong)
})

t.test('rewrapping changes the key and leaves the content as it is', async (t) => {
  const before = createKeyring(otherKey)
  const both = createKeyring(key, otherKey)
  const after = createKeyring(key)
  const sealed = before.seal(bytes('secret'), 'c')
  const rewrapped = both.rewrap(sealed, 'c')
  if (!rewrapped) return t.fail('it was under another key')
  t.equal(text(after.open(rewrapped, 'c')), 'secret')
  t.throws(() => before.open(rewrapped, 'c'), wrong)
  t.strictSame(rewrapped.slice(wrapped), sealed.slice(wrapped))
  t.equal(both.rewrap(rewrapped, 'c'), undefined)
  t.throws(() => both.rewrap(sealed, 'd'), wrong)
})

t.test('keys are exchanged while a keyring is used', async (t) => {
  const [old, young] = [deriveSecretKey(otherKey), deriveSecretKey(key)]
  const keyring = createKeyringOf(old, [])
  const sealed = keyring.seal(bytes('secret'), 'c')
  const [signing] = keyring.deriveKeys('jwt')
  keyring.exchange(young, [old, young])
  t.equal(keyring.keyId, young.id)
  t.equal(keyring.previousKeyId, old.id)
  t.equal(text(keyring.open(sealed, 'c')), 'secret')
  t.strictSame(keyring.deriveKeys('jwt')[1], signing)
  keyring.exchange(young, [])
  t.equal(keyring.previousKeyId, undefined)
  t.equal(keyring.deriveKeys('jwt').length, 1)
  t.throws(() => keyring.open(sealed, 'c'), wrong)
})

t.test('each purpose has keys of its own, none of them those that wrap or name', async (t) => {
  const { id, wrapping, derive } = deriveSecretKey(key)
  const purposes = ['jwt', 'jwt ', 'key id', 'wrapping', '', 'taxiway 1 wrapping']
  const derived = purposes.map((purpose) => Buffer.from(derive(purpose)).toString('hex'))
  t.equal(new Set([...derived, Buffer.from(wrapping).toString('hex')]).size, purposes.length + 1)
  t.notOk(derived.some((one) => one.startsWith(id)))
  t.match(id, /^[0-9a-f]{16}$/)
  t.equal(deriveSecretKey(key).id, id)
})

t.test('contexts of different parts differ', async (t) => {
  const parts = fc.array(fc.string({ unit: 'grapheme' }), { maxLength: 4 })
  fc.assert(
    fc.property(parts, parts, (one, other) => {
      const same = JSON.stringify(one) === JSON.stringify(other)
      return (sealContext(...one) === sealContext(...other)) === same
    }),
  )
  t.not(sealContext('a b', 'c'), sealContext('a', 'b c'))
})
