import { createHmac } from 'node:crypto'
import t from 'tap'
import { createJwt } from '../../src/security/jwt.ts'
import { createKeyring } from '../../src/security/keyring.ts'
import { noteSecret, secret } from '../helpers/secrets.ts'

const key = secret('secret key')
const otherKey = secret('secret key')
const subject = { accountId: 7, name: 'esa1 é', credentialsVersion: 3 }
const clock = { now: new Date('2026-06-01T00:00:00Z') }
const jwtOf = (keyring = createKeyring(key), seconds = 600) =>
  createJwt(keyring, seconds, () => clock.now)
const jwt = jwtOf()
const issue = async (by = jwt) => noteSecret(await by.issue(subject))

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
const decode = (part = '') => JSON.parse(Buffer.from(part, 'base64url').toString())

/** A JWT as somebody would make it who has the key. */
function forge(
  claims: object,
  header: Readonly<Record<string, unknown>> = { alg: 'HS256' },
  by = createKeyring(key),
): string {
  const text = `${encode(header)}.${encode(claims)}`
  const [signing] = by.deriveKeys('jwt')
  if (!signing) throw new Error('there is no key')
  const hash = header.alg === 'HS512' ? 'sha512' : 'sha256'
  return `${text}.${createHmac(hash, signing).update(text).digest('base64url')}`
}

const claims = {
  name: subject.name,
  ver: 3,
  sub: '7',
  iss: 'taxiway',
  aud: 'taxiway',
  iat: 1_780_272_000,
  exp: 1_780_272_600,
}

t.test('it says for whom it is, and for how long', async (t) => {
  const token = await issue()
  const [header, payload] = token.split('.')
  t.strictSame(decode(header), { alg: 'HS256', typ: 'JWT' })
  t.strictSame(decode(payload), claims)
  t.strictSame(await jwt.verify(token), subject)
  t.strictSame(await jwt.verify(forge(claims)), subject, 'what the test forges is what is issued')
})

t.test('it is accepted to its end and no longer', async (t) => {
  const token = await issue()
  t.teardown(() => {
    clock.now = new Date('2026-06-01T00:00:00Z')
  })
  clock.now = new Date('2026-06-01T00:09:59Z')
  t.ok(await jwt.verify(token))
  clock.now = new Date('2026-06-01T00:10:00Z')
  t.equal(await jwt.verify(token), undefined)
})

t.test(
  'every process with the key accepts it, and while keys are changed the one before',
  async (t) => {
    const token = await issue()
    t.strictSame(await jwtOf(createKeyring(key)).verify(token), subject)
    t.strictSame(await jwtOf(createKeyring(otherKey, key)).verify(token), subject)
    t.equal(await jwtOf(createKeyring(otherKey)).verify(token), undefined)
    const changed = await issue(jwtOf(createKeyring(otherKey, key)))
    t.equal(await jwt.verify(changed), undefined, 'it signs under the new one')
  },
)

t.test('what is changed, forged or for another purpose is refused', async (t) => {
  const token = await issue()
  const [header = '', payload = '', signature = ''] = token.split('.')
  const none = `${encode({ alg: 'none', typ: 'JWT' })}.${payload}.`
  const refused: Record<string, string> = {
    'another payload': [header, encode({ ...claims, sub: '1' }), signature].join('.'),
    'no signature': `${header}.${payload}.`,
    'alg none': none,
    'alg none with a signature': none + signature,
    'alg in other letters': forge(claims, { alg: 'hs256' }),
    'another alg under the right key': forge(claims, { alg: 'HS512' }),
    'an unknown critical header': forge(claims, { alg: 'HS256', crit: ['exp'], exp: 1 }),
    'no header': forge(claims, {}),
    'another issuer': forge({ ...claims, iss: 'other' }),
    'another audience': forge({ ...claims, aud: 'other' }),
    'no end': forge({ ...claims, exp: undefined }),
    'an end that is text': forge({ ...claims, exp: '1780272600' }),
    'no subject': forge({ ...claims, sub: undefined }),
    'a subject that is no id': forge({ ...claims, sub: 'esa1' }),
    'no version': forge({ ...claims, ver: undefined }),
    'a version that is text': forge({ ...claims, ver: '3' }),
    'no name': forge({ ...claims, name: undefined }),
    'not yet': forge({ ...claims, nbf: 1_780_272_500 }),
    'no JWT': 'abc',
    'two dots': '..',
    nothing: '',
    'a key of another purpose': (() => {
      const text = `${encode({ alg: 'HS256' })}.${encode(claims)}`
      const [other] = createKeyring(key).deriveKeys('another')
      if (!other) throw new Error('there is no key')
      return `${text}.${createHmac('sha256', other).update(text).digest('base64url')}`
    })(),
  }
  for (const [what, wrong] of Object.entries(refused)) {
    t.equal(await jwt.verify(wrong), undefined, what)
  }
})
