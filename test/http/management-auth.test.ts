import t from 'tap'
import { StoreUnavailable } from '../../src/model/errors.ts'
import { changeAccount } from '../../src/store/account-changes.ts'
import { noteSecret } from '../helpers/secrets.ts'
import { startApp } from './server.ts'

const app = await startApp(t, {
  before: (identify) => ({
    ...identify,
    async issueJwt(name, ...rest) {
      if (name === 'away') throw new StoreUnavailable('the database at db.internal does not answer')
      if (name === 'defect') throw new TypeError('a secret of the house')
      return identify.issueJwt(name, ...rest)
    },
  }),
})
const esa1 = await app.addAccount('esa1')

async function signIn(
  body: unknown,
  {
    path = '/management/auth',
    type = 'application/json' as string | undefined,
    from = '127.0.0.1',
  } = {},
) {
  const answer = await app.ask({
    method: 'POST',
    path,
    headers: { 'Content-Type': type },
    body: typeof body === 'string' ? body : JSON.stringify(body),
    from,
  })
  return { ...answer, json: JSON.parse(answer.text) }
}

const right = { username: 'esa1', password: esa1.password }

t.test('a name and a password give a token, with and without a slash at the end', async (t) => {
  for (const path of ['/management/auth', '/management/auth/']) {
    const { status, headers, json } = await signIn(right, { path })
    t.equal(status, 200)
    t.match(headers['content-type'], /^application\/json/)
    t.equal(headers['cache-control'], 'no-store')
    t.same(Object.keys(json), ['token'])
    const Authorization = `Bearer ${noteSecret(json.token, 'JWT')}`
    const who = await app.ask({ path: '/api/v1/account', headers: { Authorization } })
    t.match(JSON.parse(who.text), { name: 'esa1', proof: 'jwt' })
  }
})

t.test('wrong ones are a 401, and all of them look alike', async (t) => {
  const disabled = await app.addAccount('disabled')
  await changeAccount(app.db, disabled.account.id, { disabled: true })
  await app.db
    .insertInto('accounts')
    .values({ name: 'robot', role: 'reader', password_hash: null })
    .execute()
  const answers = []
  for (const wrong of [
    { username: 'esa1', password: 'wrong' },
    { username: 'esa1', password: '' },
    { username: 'nobody', password: esa1.password },
    { username: 'disabled', password: disabled.password },
    { username: 'robot', password: '' },
    { username: 'robot', password: 'null' },
    { username: 'a\0b', password: 'a' },
    { username: '\ud800', password: 'a' },
    { username: 'x'.repeat(5_000), password: 'y'.repeat(5_000) },
  ]) {
    const { status, headers, text } = await signIn(wrong)
    t.match(headers['content-type'], /^application\/problem\+json/)
    t.equal(headers['www-authenticate'], 'Bearer realm="taxiway"')
    answers.push(`${status} ${text}`)
  }
  t.equal(new Set(answers).size, 1)
  t.match(answers[0], /^401 .*"code":"UNAUTHORIZED"/)
})

t.test('a body that is not what is asked for is a 400 that names the place', async (t) => {
  for (const [body, faults] of [
    [{ username: 'esa1' }, [{ place: '/password', message: 'is needed' }]],
    [
      {},
      [
        { place: '/username', message: 'is needed' },
        { place: '/password', message: 'is needed' },
      ],
    ],
    [{ username: 1, password: 'a' }, [{ place: '/username', message: 'must be text' }]],
    [{ username: 'a', password: null }, [{ place: '/password', message: 'must be text' }]],
    [{ username: 'a', password: ['a'] }, [{ place: '/password', message: 'must be text' }]],
    [{ ...right, scope: 'x' }, [{ place: '', message: 'holds more than username and password' }]],
    ['[]', [{ place: '', message: 'must be an object with username and password' }]],
    ['null', [{ place: '', message: 'must be an object with username and password' }]],
    ['"a"', [{ place: '', message: 'must be an object with username and password' }]],
  ] as const) {
    const { status, json } = await signIn(body)
    t.equal(status, 400)
    t.match(json, { code: 'VALIDATION_FAILED', errors: faults })
    t.equal(json.errors.length, faults.length)
  }
})

t.test('what is no JSON is told without being repeated', async (t) => {
  const secret = esa1.password
  for (const [body, type, wanted] of [
    [`{"username":"esa1","password":"${secret}"`, 'application/json', 400],
    [`{"username":"esa1",password:"${secret}"}`, 'application/json', 400],
    ['{"__proto__":{"a":1},"username":"a","password":"b"}', 'application/json', 400],
    ['', 'application/json', 400],
    [`username=esa1&password=${secret}`, 'application/x-www-form-urlencoded', 415],
    [JSON.stringify(right), 'text/plain', 415],
    [JSON.stringify(right), 'application/xml', 415],
    [JSON.stringify(right), undefined, 415],
    [JSON.stringify({ ...right, password: 'x'.repeat(20_000) }), 'application/json', 413],
  ] as const) {
    const { status, headers, text } = await app.ask({
      method: 'POST',
      path: '/management/auth',
      headers: { 'Content-Type': type },
      body,
    })
    t.equal(status, wanted, `${type}: ${body.slice(0, 12)}`)
    t.match(headers['content-type'], /^application\/problem\+json/)
    t.notMatch(text, secret)
  }
  t.equal((await signIn(right, { type: 'application/json; charset=utf-8' })).status, 200)
})

t.test('guesses are slowed there as everywhere', async (t) => {
  const from = '127.0.0.3'
  for (let n = 0; n < 11; n++) {
    t.equal((await signIn({ username: 'esa1', password: `guess ${n}` }, { from })).status, 401)
  }
  const { status, headers, json } = await signIn(right, { from })
  t.equal(status, 429)
  t.equal(headers['retry-after'], '1')
  t.match(json, { code: 'TOO_MANY_GUESSES', detail: /Try again in 1 s/ })
  t.equal((await signIn(right)).status, 200, 'from elsewhere it is open')
  app.clock.now = new Date(app.clock.now.getTime() + 1_000)
  t.equal((await signIn(right, { from })).status, 200)
})

t.test('a database that is away is 503, a defect 500, and neither says where it is', async (t) => {
  const away = await signIn({ username: 'away', password: 'a' })
  t.equal(away.status, 503)
  t.match(away.json, { code: 'STORE_UNAVAILABLE' })
  const defect = await signIn({ username: 'defect', password: 'a' })
  t.equal(defect.status, 500)
  t.match(defect.json, { code: 'INTERNAL' })
  t.notMatch(away.text + defect.text, /db\.internal|secret|TypeError/)
})

t.test('other methods are not there', async (t) => {
  for (const method of ['GET', 'PUT', 'DELETE']) {
    t.equal((await app.ask({ method, path: '/management/auth' })).status, 404)
  }
})
