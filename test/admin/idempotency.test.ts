import { sql } from 'kysely'
import t from 'tap'
import {
  createKeyring,
  createKeyringOf,
  deriveSecretKey,
  type SecretKey,
} from '../../src/security/keyring.ts'
import { openStore } from '../../src/store/db.ts'
import { purge } from '../../src/store/purge.ts'
import {
  findOtherKeyIds,
  keepStoreKey,
  lockStoreKey,
  rewrapAll,
  setStoreKeyId,
} from '../../src/store/secrets.ts'
import { noteSecret, secret } from '../helpers/secrets.ts'
import { forEachStore, makeStore, openTestStore } from '../helpers/stores.ts'
import { openAccountApp, problemOf, refusal } from './account-app.ts'

const under = (key: string) => ({ 'idempotency-key': key })
const tokens = 'POST /api/v1/accounts/ana/tokens'

t.test('what is sent again under its key is done once and answered the same', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const { ask, logged } = await openAccountApp(t, db)
    const body = { name: 'ana' }
    const first = await ask('POST /api/v1/accounts', { body, headers: under('a key') })
    t.match(first, { status: 201, headers: { 'idempotency-replayed': undefined } })
    noteSecret(first.body.password)
    const again = await ask('POST /api/v1/accounts', { body, headers: under('a key') })
    t.equal(again.status, 201)
    t.strictSame(again.body, first.body, 'with the password that was made')
    for (const name of ['location', 'etag', 'content-type']) {
      t.equal(again.headers[name], first.headers[name], name)
    }
    t.equal(again.headers['idempotency-replayed'], 'true')
    t.equal(logged.length, 1)
    const other = await ask('POST /api/v1/accounts', { body, headers: under('another key') })
    t.strictSame(refusal(other), problemOf(409, 'ACCOUNT_EXISTS'))
    const none = await ask('POST /api/v1/accounts', { body })
    t.strictSame(refusal(none), problemOf(409, 'ACCOUNT_EXISTS'))
  })
})

t.test('two that come at once under one key do it once and have the same answer', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const { ask, letIn, logged } = await openAccountApp(t, db)
    const both = await Promise.all(
      Array.from({ length: 4 }, () =>
        ask('POST /api/v1/accounts', { body: { name: 'ana' }, headers: under('k') }),
      ),
    )
    const [first] = both
    noteSecret(first?.body.password)
    for (const told of both) {
      t.equal(told.status, 201)
      t.strictSame(told.body, first?.body)
    }
    const replayed = both.filter(({ headers }) => headers['idempotency-replayed'] === 'true')
    t.equal(replayed.length, 3)
    t.equal(logged.length, 1)
    await letIn('bea', 'reader')
    const made = await Promise.all(
      Array.from({ length: 4 }, () =>
        ask('POST /api/v1/accounts/bea/tokens', { body: { name: 'x' }, headers: under('k2') }),
      ),
    )
    t.equal(new Set(made.map(({ body }) => body.token)).size, 1)
    noteSecret(made[0]?.body.token)
    t.equal((await ask('GET /api/v1/accounts/bea')).body.tokens, 2)
  })
})

t.test('another request under the key is refused, and nothing is done', async (t) => {
  const { db } = await openTestStore(t, 'postgresql')
  const { ask, letIn } = await openAccountApp(t, db)
  await letIn('ana', 'reader')
  await letIn('bea', 'reader')
  const made = await ask(tokens, { body: { name: 'x' }, headers: under('k') })
  noteSecret(made.body.token)
  const others = [
    [tokens, { name: 'y' }],
    [tokens, { name: 'x', expiresInDays: 5 }],
    ['POST /api/v1/accounts/bea/tokens', { name: 'x' }],
    ['POST /api/v1/accounts/ana/certificates', { subject: 'CN=x' }],
  ] as const
  for (const [request, body] of others) {
    const told = await ask(request, { body, headers: under('k') })
    t.strictSame(refusal(told), problemOf(422, 'IDEMPOTENCY_KEY_REUSED'))
  }
  t.equal((await ask('GET /api/v1/accounts/bea')).body.tokens, 1)
  t.equal((await ask(tokens, { body: { name: 'x' }, headers: under('k') })).status, 201)
})

t.test('what was refused is not kept: the key is free for what is right', async (t) => {
  const { db } = await openTestStore(t, 'postgresql')
  const { ask, letIn } = await openAccountApp(t, db)
  const early = await ask(tokens, { body: { name: 'x' }, headers: under('k') })
  t.equal(early.status, 404)
  await letIn('ana', 'reader')
  const made = await ask(tokens, { body: { name: 'x' }, headers: under('k') })
  t.equal(made.status, 201)
  noteSecret(made.body.token)
})

t.test(
  'each has keys of his own, and a limited token never the answer to an unlimited one',
  async (t) => {
    const { db } = await openTestStore(t, 'postgresql')
    const { ask, letIn } = await openAccountApp(t, db)
    await letIn('ana', 'administrator')
    const limited = await letIn('root', 'administrator', ['accounts:read', 'accounts:write'])
    const other = await letIn('bea', 'administrator')
    const body = { name: 'x' }
    const made = await ask(tokens, { body, headers: under('k') })
    noteSecret(made.body.token)
    const told = await ask(tokens, { body, headers: under('k'), token: limited })
    t.strictSame(refusal(told), problemOf(403, 'NOT_PERMITTED'), 'of the same account')
    const second = await ask(tokens, { body, headers: under('k'), token: other })
    t.equal(second.status, 201)
    t.not(noteSecret(second.body.token), made.body.token)
    const reader = await letIn('cea', 'reader')
    t.equal((await ask(tokens, { body, headers: under('k'), token: reader })).status, 403)
  },
)

t.test(
  'an answer is kept sealed, through a restart, and opens with the secret key alone',
  async (t) => {
    const place = await makeStore(t, 'postgresql')
    const key = secret('secret key')
    const body = { name: 'x' }
    const password = secret('password')
    const account = { name: 'bea', password }
    const first = await openStore(place)
    const before = await openAccountApp(t, first.db, { keyring: createKeyring(key) })
    await before.letIn('ana', 'reader')
    const made = await before.ask(tokens, { body, headers: under('k') })
    const { token } = made.body
    noteSecret(token)
    await before.ask('POST /api/v1/accounts', { body: account, headers: under('k3') })
    const rows = await first.db.selectFrom('idempotency_keys').selectAll().execute()
    t.equal(rows.length, 2)
    for (const row of rows) {
      const all = Buffer.concat([row.sealed, row.request]).toString('latin1') + row.caller + row.key
      for (const one of [token, token.slice(8), password]) t.notOk(all.includes(one))
      t.notMatch(all, /hint|scopes|"status"/)
    }
    await before.app.close()
    await first.close()

    const second = await openStore(place)
    t.teardown(() => second.close())
    const root = await openAccountApp(t, second.db, { keyring: createKeyring(key) })
    const again = await root.ask(tokens, { body, headers: under('k') })
    t.strictSame(again.body, made.body)
    t.equal(again.headers['idempotency-replayed'], 'true')

    const rotated = createKeyring(secret('secret key'), key)
    const after = await openAccountApp(t, second.db, { keyring: rotated })
    t.strictSame((await after.ask(tokens, { body, headers: under('k') })).body, made.body)

    // An answer that is put in another's place does not open.
    await sql`update idempotency_keys set sealed = (select sealed from idempotency_keys where key = 'k3')
    where key = 'k'`.execute(second.db)
    const moved = await root.ask(tokens, { body, headers: under('k') })
    t.strictSame(refusal(moved), problemOf(500, 'SECRET_KEY_WRONG'))
  },
)

t.test('an answer is sealed under the key that the store is on by then', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const [before, now] = [secret('secret key'), secret('secret key')].map(deriveSecretKey) as [
      SecretKey,
      SecretKey,
    ]
    const keyring = createKeyringOf(before, [])
    let followed = 0
    const follow = async () => {
      followed += 1
      keyring.exchange(now, [before])
    }
    const rotateWithin = async () => ({ rewrapped: 0, keyId: now.id })
    const keys = { keyring, findNextKeyId: () => undefined, rotateWithin, follow }
    const { ask, letIn } = await openAccountApp(t, db, { keyring, keys })
    await letIn('ana', 'reader')
    await db.transaction().execute((trx) => lockStoreKey(trx, before.id))
    const make = async (key: string) => {
      const made = await ask(tokens, { body: { name: 'x' }, headers: under(key) })
      return { ...made, token: noteSecret(made.body.token) }
    }
    const first = await make('k1')
    t.equal(followed, 0)
    t.strictSame(await findOtherKeyIds(db, before.id), [])

    // Another process has changed it, and what was sealed before with it.
    await db.transaction().execute(async (trx) => {
      await lockStoreKey(trx, before.id)
      await rewrapAll(trx, createKeyringOf(now, [before]))
      await setStoreKeyId(trx, now.id)
    })
    t.equal((await make('k1')).token, first.token, 'what the other has sealed is opened')
    t.equal(followed, 1)
    t.equal((await make('k2')).status, 201)
    t.strictSame(await findOtherKeyIds(db, now.id), [])
  })
})

t.test('the secret key is not changed between sealing and commit', async (t) => {
  const { db } = await openTestStore(t, 'postgresql')
  await db.transaction().execute((trx) => lockStoreKey(trx, '00'.repeat(8)))
  const order: string[] = []
  let change: Promise<unknown> | undefined
  await db.transaction().execute(async (trx) => {
    t.equal(await keepStoreKey(trx), '00'.repeat(8))
    const beside = db.transaction().execute((other) => keepStoreKey(other))
    t.equal(await beside, '00'.repeat(8), 'others seal at the same time')
    change = db
      .transaction()
      .execute((other) => lockStoreKey(other, '00'.repeat(8)))
      .then(() => order.push('changed'))
    const waiting = sql`select from pg_stat_activity
      where datname = current_database() and wait_event_type = 'Lock'`
    while ((await waiting.execute(db)).rows.length === 0);
    order.push('sealed')
  })
  await change
  t.strictSame(order, ['sealed', 'changed'])
})

t.test('a key is free again after 24 hours, and its answer is deleted', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const { ask, letIn } = await openAccountApp(t, db)
    await letIn('ana', 'reader')
    const make = async (key: string, name = 'x') => {
      const told = await ask(tokens, { body: { name }, headers: under(key) })
      if (told.status === 201) noteSecret(told.body.token)
      return told
    }
    const age = (hours: number) =>
      sql`update idempotency_keys set created_at = now() - ${hours} * interval '1 hour'`.execute(db)
    const keys = async () =>
      (await db.selectFrom('idempotency_keys').select('key').orderBy('key').execute()).map(
        ({ key }) => key,
      )
    const first = await make('k')
    await age(23.9)
    t.equal((await make('k')).body.token, first.body.token)
    t.equal((await make('k', 'y')).status, 422)
    await age(24.1)
    const second = await make('k', 'y')
    t.equal(second.status, 201)
    t.not(second.body.token, first.body.token)
    t.equal((await make('k', 'y')).body.token, second.body.token)
    await make('old')
    await age(24.1)
    await make('new')
    await purge(db, { resultSetSeconds: 60 })
    t.strictSame(await keys(), ['new'])
  })
})

t.test('a key is 1 to 128 printable ASCII characters', async (t) => {
  const { db } = await openTestStore(t, 'postgresql')
  const { ask, letIn } = await openAccountApp(t, db)
  await letIn('ana', 'reader')
  const body = { name: 'x' }
  for (const key of ['a', '~!"#$ %&', 'x'.repeat(128), '0']) {
    const told = await ask(tokens, { body, headers: under(key) })
    t.equal(told.status, 201, key)
    noteSecret(told.body.token)
  }
  for (const key of ['', 'x'.repeat(129), 'a\tb', 'caf\u00e9']) {
    const told = await ask(tokens, { body, headers: under(key) })
    t.strictSame(refusal(told), problemOf(400, 'VALIDATION_FAILED'), key)
    t.equal(told.body.errors[0].place, 'idempotency-key')
  }
})
