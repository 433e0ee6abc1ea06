import t from 'tap'
import { applyCollections } from '../../src/intake/apply-collections.ts'
import { cheapHash } from '../helpers/cheap-hash.ts'
import { noteSecret, secret } from '../helpers/secrets.ts'
import { forEachStore, openTestStore } from '../helpers/stores.ts'
import { aCollection } from '../intake/reports.ts'
import { openAccountApp, problemOf, refusal } from './account-app.ts'

const address = '192.0.2.1'

t.test('an account is made with a password that is told once, and lets in with it', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const { ask, identify, logged } = await openAccountApp(t, db)
    const made = await ask('POST /api/v1/accounts', { body: { name: 'esa1' } })
    t.match(made, {
      status: 201,
      headers: {
        location: '/api/v1/accounts/esa1',
        etag: /^"[\w-]{22}"$/,
        'cache-control': 'no-store',
      },
    })
    const { password, ...account } = made.body
    noteSecret(password)
    t.match(account, { createdAt: /^\d{4}-\d\d-\d\dT[\d:.]+Z$/ })
    t.strictSame(account, {
      name: 'esa1',
      role: 'reader',
      disabled: false,
      hasPassword: true,
      clientAgeOutDays: 30,
      allCollections: false,
      grants: [],
      tokens: 0,
      certificates: 0,
      createdAt: account.createdAt,
      lastSeenAt: null,
    })
    t.match(await identify.byPassword('esa1', password, address), { account: { name: 'esa1' } })
    t.equal(await identify.byPassword('esa1', `${password}x`, address), undefined)
    const read = await ask('GET /api/v1/accounts/esa1')
    t.match(read, { status: 200, headers: { etag: made.headers.etag } })
    t.strictSame({ ...read.body, lastSeenAt: null }, account)
    t.strictSame(logged, [
      {
        details: { by: 'root', proof: 'token', account: 'esa1', role: 'reader' },
        message: 'made an account',
      },
    ])
  })
})

t.test('an account is made as it is asked for', async (t) => {
  const { db } = await openTestStore(t, 'postgresql')
  const { ask, identify } = await openAccountApp(t, db)
  await applyCollections(db, [aCollection({ name: 'one' }), aCollection({ name: 'two' })])
  const password = secret('password', { colons: true, utf8: true })
  const given = await ask('POST /api/v1/accounts', {
    body: {
      name: 'ana',
      role: 'curator',
      password,
      clientAgeOutDays: 3,
      grants: [{ collection: 'two', write: true }, { collection: 'one' }],
    },
  })
  t.match(given, { status: 201, body: { role: 'curator', clientAgeOutDays: 3, hasPassword: true } })
  t.strictSame(given.body.grants, [
    { collection: 'one', read: true, write: false },
    { collection: 'two', read: true, write: true },
  ])
  t.notOk('password' in given.body, 'who gave it has it')
  t.match(await identify.byPassword('ana', password, address), { account: { role: 'curator' } })
  const without = await ask('POST /api/v1/accounts', {
    body: { name: 'robot', passwordless: true },
  })
  t.match(without, { status: 201, body: { hasPassword: false } })
  t.notOk('password' in without.body)
  const root = await ask('POST /api/v1/accounts', {
    body: { name: 'bea', role: 'administrator', passwordless: true },
  })
  t.match(root.body, { allCollections: true, grants: [] }, 'he reads all without a grant')
})

t.test('what cannot be made is refused, each fault with its place', async (t) => {
  const { db } = await openTestStore(t, 'postgresql')
  const { ask, logged } = await openAccountApp(t, db)
  const short = 'too short'
  const cases: [body: unknown, places: string[]][] = [
    [{}, ['/name']],
    [{ name: '' }, ['/name']],
    [{ name: 'a:b' }, ['/name']],
    [{ name: 'a\nb' }, ['/name']],
    [{ name: '..' }, ['/name']],
    [{ name: 'esa1 ' }, ['/name']],
    [{ name: '\u3000esa1' }, ['/name']],
    [{ name: 'esa\u200d1' }, ['/name']],
    [{ name: 'esa1\u202e' }, ['/name']],
    [{ name: 'esa\u{e0100}1' }, ['/name']],
    [{ name: '\ud83d' }, ['/name']],
    [{ name: 'a'.repeat(129) }, ['/name']],
    [{ name: 5, role: 'king', clientAgeOutDays: '7' }, ['/name', '/role', '/clientAgeOutDays']],
    [{ name: 'a', clientAgeOutDays: 0 }, ['/clientAgeOutDays']],
    [{ name: 'a', password: short }, ['/password']],
    [{ name: 'a', password: secret('password'), passwordless: true }, ['/passwordless']],
    [{ name: 'a', isAdmin: true }, ['/isAdmin']],
    [{ name: 'a', grants: [{ collection: 'x', admin: 1 }] }, ['/grants/0/admin']],
    [{ name: 'a', grants: [{ collection: 'x' }, { collection: 'x' }] }, ['/grants/1/collection']],
    [{ name: 'a', grants: [{ collection: 'x', read: false }] }, ['/grants/0']],
  ]
  for (const [body, places] of cases) {
    const told = await ask('POST /api/v1/accounts', { body })
    t.strictSame(refusal(told), problemOf(400, 'VALIDATION_FAILED'), JSON.stringify(body))
    t.strictSame(
      told.body.errors.map(({ place }: { place: string }) => place).toSorted(),
      places.toSorted(),
      JSON.stringify(body),
    )
    for (const { message } of told.body.errors) t.match(told.body.detail, message)
    t.notMatch(told.body.detail, short, 'what was given is not repeated')
  }
  const unknown = await ask('POST /api/v1/accounts', {
    body: { name: 'a', passwordless: true, grants: [{ collection: 'nothing' }] },
  })
  t.strictSame(refusal(unknown), problemOf(404, 'COLLECTION_NOT_FOUND'))
  t.match(await ask('GET /api/v1/accounts/a'), { status: 404 }, 'all or nothing')
  const twice = await ask('POST /api/v1/accounts', { body: { name: 'root', passwordless: true } })
  t.strictSame(refusal(twice), problemOf(409, 'ACCOUNT_EXISTS'))
  t.strictSame(logged, [])
})

t.test('whatever an account is named, it is found under its name', async (t) => {
  const { db } = await openTestStore(t, 'postgresql')
  const { ask } = await openAccountApp(t, db)
  const names = [
    'a/b',
    '/',
    '%',
    '%2F',
    'esa%201',
    'a b',
    '...',
    'q?x=1&y',
    'a#b',
    '😀👩👩👧',
    'ß→é',
    "o'neil; drop table accounts --",
    '"\\',
    '__proto__',
    '𝛑'.repeat(128),
  ]
  for (const name of names) {
    const made = await ask('POST /api/v1/accounts', { body: { name, passwordless: true } })
    t.match(made, { status: 201, body: { name } }, name)
    t.equal(made.headers.location, `/api/v1/accounts/${encodeURIComponent(name)}`)
    const read = await ask(`GET ${made.headers.location}`)
    t.match(read, { status: 200, body: { name } }, name)
    const token = await ask(`POST ${made.headers.location}/tokens`, { body: { name: 'x' } })
    t.equal(token.status, 201, name)
    noteSecret(token.body.token)
    t.match(await ask(`GET ${made.headers.location}/grants`), { status: 200 }, name)
  }
  const decomposed = 'Zoe\u0308'
  const made = await ask('POST /api/v1/accounts', {
    body: { name: decomposed, passwordless: true },
  })
  t.equal(made.body.name, 'Zo\u00eb')
  for (const name of [decomposed, 'Zo\u00eb']) {
    t.match(await ask(`GET /api/v1/accounts/${encodeURIComponent(name)}`), { status: 200 })
  }
  t.equal(
    (await ask('POST /api/v1/accounts', { body: { name: 'Zo\u00eb', passwordless: true } })).status,
    409,
  )
  for (const path of ['nobody', '%00', '%ED%A0%80', 'ROOT', 'a'.repeat(2_000)]) {
    const told = await ask(`GET /api/v1/accounts/${path}`)
    const expected =
      path === '%ED%A0%80' ? problemOf(400, 'BAD_REQUEST') : problemOf(404, 'ACCOUNT_NOT_FOUND')
    t.strictSame(refusal(told), expected, path)
  }
})

t.test(
  'a name that was made before names were normalized is found as it was written',
  async (t) => {
    const { db } = await openTestStore(t, 'postgresql')
    const { ask } = await openAccountApp(t, db)
    await db
      .insertInto('accounts')
      .values({ name: 'Zoe\u0308', role: 'reader', password_hash: null })
      .execute()
    const told = await ask(`GET /api/v1/accounts/${encodeURIComponent('Zoe\u0308')}`)
    t.match(told, { status: 200, body: { name: 'Zoe\u0308' } })
  },
)

t.test('a role counts at once, up and down, and ends JWTs', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const { ask, letIn, identify, logged } = await openAccountApp(t, db)
    const token = await letIn('ana', 'reader')
    const password = secret('password')
    await db
      .updateTable('accounts')
      .set({ password_hash: cheapHash(password) })
      .where('name', '=', 'ana')
      .execute()
    const jwt = noteSecret((await identify.issueJwt('ana', password, address)) as string)
    t.equal((await ask('GET /api/v1/accounts', { token })).status, 403)
    const up = await ask('PATCH /api/v1/accounts/ana', { body: { role: 'administrator' } })
    t.match(up, { status: 200, body: { role: 'administrator', allCollections: true } })
    t.equal((await ask('GET /api/v1/accounts', { token })).status, 200)
    t.equal((await ask('GET /api/v1/account', { token: jwt })).status, 401)
    const again = noteSecret((await identify.issueJwt('ana', password, address)) as string)
    await ask('PATCH /api/v1/accounts/ana', {
      body: { role: 'administrator', clientAgeOutDays: 5 },
    })
    t.equal((await ask('GET /api/v1/account', { token: again })).status, 200, 'the same role')
    await ask('PATCH /api/v1/accounts/ana', { body: { role: 'reader' } })
    t.equal((await ask('GET /api/v1/accounts', { token })).status, 403)
    t.strictSame(logged[0], {
      details: { by: 'root', proof: 'token', account: 'ana', change: { role: 'administrator' } },
      message: 'changed an account',
    })
  })
})

t.test(
  'nobody is let in as an account that is disabled, and all as before once it is enabled',
  async (t) => {
    const { db } = await openTestStore(t, 'postgresql')
    const { ask, letIn, identify } = await openAccountApp(t, db)
    const token = await letIn('ana', 'curator')
    const password = secret('password')
    await ask('PUT /api/v1/accounts/ana/password', { body: { password } })
    const jwt = noteSecret((await identify.issueJwt('ana', password, address)) as string)
    await ask('POST /api/v1/accounts/ana/certificates', { body: { subject: 'CN=ana' } })
    const certificate = { fingerprint: 'ab'.repeat(32), subject: 'CN=ana' }
    t.match(await identify.byCertificate(certificate, address), { account: { name: 'ana' } })
    const disabled = await ask('PATCH /api/v1/accounts/ana', { body: { disabled: true } })
    t.match(disabled, {
      status: 200,
      body: { disabled: true, tokens: 1, certificates: 1, hasPassword: true },
    })
    for (const one of [token, jwt]) {
      t.equal((await ask('GET /api/v1/account', { token: one })).status, 401)
    }
    t.equal(await identify.byPassword('ana', password, address), undefined)
    t.equal(await identify.issueJwt('ana', password, address), undefined)
    t.equal(await identify.byCertificate(certificate, address), undefined)
    t.match(await ask('PATCH /api/v1/accounts/ana', { body: { disabled: false } }), {
      status: 200,
      body: { disabled: false },
    })
    t.equal((await ask('GET /api/v1/account', { token })).status, 200)
    t.match(await identify.byPassword('ana', password, address), { account: { name: 'ana' } })
    t.equal((await ask('GET /api/v1/account', { token: jwt })).status, 401, 'JWTs end for good')
  },
)

t.test('a new password counts at once, and the one before and its JWTs no more', async (t) => {
  const { db } = await openTestStore(t, 'postgresql')
  const { ask, identify, logged } = await openAccountApp(t, db)
  await ask('POST /api/v1/accounts', { body: { name: 'ana', passwordless: true } })
  const made = await ask('PUT /api/v1/accounts/ana/password', { body: {} })
  t.match(made, { status: 200, headers: { etag: /^"/ } })
  t.strictSame(Object.keys(made.body), ['name', 'password'])
  const first = noteSecret(made.body.password)
  const jwt = noteSecret((await identify.issueJwt('ana', first, address)) as string)
  t.equal((await ask('GET /api/v1/account', { token: jwt })).status, 200)
  const second = secret('password', { colons: true, utf8: true })
  const given = await ask('PUT /api/v1/accounts/ana/password', { body: { password: second } })
  t.match(given, { status: 200 })
  t.strictSame(given.body, { name: 'ana' })
  t.not(given.headers.etag, made.headers.etag)
  t.equal(await identify.byPassword('ana', first, address), undefined)
  t.match(await identify.byPassword('ana', second, address), { account: { name: 'ana' } })
  t.equal((await ask('GET /api/v1/account', { token: jwt })).status, 401)
  const before = { 'if-match': String(made.headers.etag) }
  const late = await ask('PUT /api/v1/accounts/ana/password', { body: {}, headers: before })
  t.strictSame(refusal(late), problemOf(412, 'PRECONDITION_FAILED'))
  const onlyNew = await ask('PUT /api/v1/accounts/ana/password', {
    body: {},
    headers: { 'if-none-match': '*' },
  })
  t.strictSame(refusal(onlyNew), problemOf(412, 'PRECONDITION_FAILED'))
  t.match(await identify.byPassword('ana', second, address), { account: { name: 'ana' } })
  for (const body of [{ password: 'short' }, { password: null }, { passwort: 'x' }, 'null']) {
    const told = await ask('PUT /api/v1/accounts/ana/password', { body })
    t.strictSame(refusal(told), problemOf(400, 'VALIDATION_FAILED'), JSON.stringify(body))
  }
  const unknown = await ask('PUT /api/v1/accounts/nobody/password', { body: {} })
  t.strictSame(refusal(unknown), problemOf(404, 'ACCOUNT_NOT_FOUND'))
  t.match(logged.at(-1), { details: { by: 'root', account: 'ana' }, message: 'changed a password' })
})

t.test(
  'the last administrator who is not disabled stays one, also when two go at once',
  async (t) => {
    await forEachStore(t, async (t, { db }) => {
      const { ask, letIn } = await openAccountApp(t, db)
      for (const body of [
        { disabled: true },
        { role: 'reader' },
        { role: 'curator', disabled: true },
      ]) {
        const told = await ask('PATCH /api/v1/accounts/root', { body })
        t.strictSame(refusal(told), problemOf(409, 'LAST_ADMINISTRATOR'))
        t.match(told.body.detail, '"root" is the last administrator')
      }
      t.match(await ask('PATCH /api/v1/accounts/root', { body: { clientAgeOutDays: 7 } }), {
        status: 200,
      })
      await letIn('sleeper', 'administrator')
      t.match(await ask('PATCH /api/v1/accounts/sleeper', { body: { disabled: true } }), {
        status: 200,
      })
      const told = await ask('PATCH /api/v1/accounts/root', { body: { role: 'reader' } })
      t.equal(told.status, 409, 'who is disabled lets nobody in')
      for (const body of [{ role: 'reader' }, { disabled: true }]) {
        const other = await letIn('other', 'administrator')
        await ask('PATCH /api/v1/accounts/other', {
          body: { role: 'administrator', disabled: false },
        })
        const both = await Promise.all([
          ask('PATCH /api/v1/accounts/other', { body }),
          ask('PATCH /api/v1/accounts/root', { body, token: other }),
        ])
        // Who comes second is no administrator any more.
        t.strictSame(both.map(({ status }) => status).toSorted(), [200, 403])
        const { body: list } = await ask('GET /api/v1/account', { token: other })
        const { count } = await db
          .selectFrom('accounts')
          .select(({ fn }) => fn.countAll<string>().as('count'))
          .where('role', '=', 'administrator')
          .where('disabled_at', 'is', null)
          .executeTakeFirstOrThrow()
        t.equal(Number(count), 1, JSON.stringify(list))
        await db
          .updateTable('accounts')
          .set({ role: 'administrator', disabled_at: null })
          .where('name', '=', 'root')
          .execute()
      }
    })
  },
)

t.test('who asks is told who he is and what he may', async (t) => {
  const { db } = await openTestStore(t, 'postgresql')
  const { ask, letIn } = await openAccountApp(t, db)
  await applyCollections(db, [aCollection({ name: 'one' })])
  const token = await letIn('ana', 'curator', ['collections:read', 'sources:read'])
  await ask('PUT /api/v1/accounts/ana/grants/one', { body: { read: true, write: true } })
  t.strictSame((await ask('GET /api/v1/account', { token })).body, {
    name: 'ana',
    role: 'curator',
    proof: 'token',
    permissions: ['collections:read', 'sources:read'],
    allCollections: false,
    grants: [{ collection: 'one', read: true, write: true }],
  })
  t.match((await ask('GET /api/v1/account')).body, { name: 'root', allCollections: true })
  const nobody = await ask('GET /api/v1/account', { token: 'nothing' })
  t.strictSame(refusal(nobody), problemOf(401, 'UNAUTHORIZED'))
})

t.test('grants are given, changed, read and taken back', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const { ask, logged } = await openAccountApp(t, db)
    await applyCollections(db, [aCollection({ name: 'one' }), aCollection({ name: 'b/ß %' })])
    await ask('POST /api/v1/accounts', { body: { name: 'ana', passwordless: true } })
    const odd = `/api/v1/accounts/ana/grants/${encodeURIComponent('b/ß %')}`
    const given = await ask(`PUT ${odd}`, { body: { read: true, write: false } })
    t.match(given, { status: 200, headers: { etag: /^"/ } })
    t.strictSame(given.body, { collection: 'b/ß %', read: true, write: false })
    await ask('PUT /api/v1/accounts/ana/grants/one', { body: { read: false, write: true } })
    const all = await ask('GET /api/v1/accounts/ana/grants')
    t.strictSame(all.body, {
      grants: [
        { collection: 'b/ß %', read: true, write: false },
        { collection: 'one', read: false, write: true },
      ],
    })
    const etag = String(given.headers.etag)
    const changed = await ask(`PUT ${odd}`, {
      body: { read: true, write: true },
      headers: { 'if-match': etag },
    })
    t.equal(changed.status, 200)
    const late = await ask(`DELETE ${odd}`, { headers: { 'if-match': etag } })
    t.strictSame(refusal(late), problemOf(412, 'PRECONDITION_FAILED'))
    const known = { 'if-none-match': String(all.headers.etag) }
    t.match(await ask('GET /api/v1/accounts/ana/grants', { headers: known }), { status: 200 })
    t.match(await ask(`DELETE ${odd}`), { status: 204, body: '' })
    t.strictSame(refusal(await ask(`DELETE ${odd}`)), problemOf(404, 'GRANT_NOT_FOUND'))
    const onlyNew = await ask('PUT /api/v1/accounts/ana/grants/one', {
      body: { read: true, write: true },
      headers: { 'if-none-match': '*' },
    })
    t.strictSame(refusal(onlyNew), problemOf(412, 'PRECONDITION_FAILED'))
    for (const path of ['ana/grants/nothing', 'ana/grants/%00']) {
      const told = await ask(`PUT /api/v1/accounts/${path}`, { body: { read: true, write: true } })
      t.strictSame(refusal(told), problemOf(404, 'COLLECTION_NOT_FOUND'))
      const gone = await ask(`DELETE /api/v1/accounts/${path}`)
      t.strictSame(refusal(gone), problemOf(404, 'COLLECTION_NOT_FOUND'))
    }
    const nobody = await ask('PUT /api/v1/accounts/nobody/grants/one', {
      body: { read: true, write: true },
    })
    t.strictSame(refusal(nobody), problemOf(404, 'ACCOUNT_NOT_FOUND'))
    for (const body of [
      {},
      { read: true },
      { read: 'true', write: true },
      { read: false, write: false },
    ]) {
      const told = await ask('PUT /api/v1/accounts/ana/grants/one', { body })
      t.strictSame(refusal(told), problemOf(400, 'VALIDATION_FAILED'), JSON.stringify(body))
    }
    t.match(logged.at(-1), {
      details: { by: 'root', account: 'ana', collection: 'b/ß %' },
      message: 'took a grant back',
    })
  })
})
