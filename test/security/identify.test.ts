import { sql } from 'kysely'
import t, { type Test } from 'tap'
import { createMetrics } from '../../src/metrics.ts'
import { TooManyGuesses } from '../../src/model/errors.ts'
import { createKeyring } from '../../src/security/keyring.ts'
import { makeToken, tokenDigest, tokenHint } from '../../src/security/tokens.ts'
import { changeAccount } from '../../src/store/account-changes.ts'
import { changePassword, createAccount } from '../../src/store/accounts.ts'
import { createCertificate } from '../../src/store/certificates.ts'
import type { Db } from '../../src/store/db.ts'
import { pruneNetworks } from '../../src/store/sign-in.ts'
import { createToken, revokeToken } from '../../src/store/tokens.ts'
import { cheapHash } from '../helpers/cheap-hash.ts'
import { noteSecret, secret } from '../helpers/secrets.ts'
import { forEachStore, openTestStore } from '../helpers/stores.ts'
import { countScrypt } from './counted-scrypt.ts'

// What a check costs, passwords.test.ts looks at.
countScrypt().cheap = true
const { knownMs } = await import('../../src/security/authenticate.ts')
const { createIdentify } = await import('../../src/security/identify.ts')

const home = '192.0.2.1'
const elsewhere = '198.51.100.7'
const password = secret('password', { colons: true, utf8: true })
const hash = cheapHash(password)
const key = secret('secret key')

async function start(db: Db) {
  const clock = { now: new Date() }
  const metrics = createMetrics()
  const warned: string[] = []
  const make = (secretKey = key) =>
    createIdentify({
      db,
      keyring: createKeyring(secretKey),
      jwtSeconds: 600,
      metrics,
      log: { warn: (_, message) => warned.push(message) },
      clock: () => clock.now,
    })
  const account = await createAccount(db, 'esa1', hash, 'reader')
  if (!account) throw new Error('there is an esa1 already')
  const identify = make()
  /** @returns `1 password refused, …`: what was counted */
  const counted = async () => {
    const metric = metrics.registry.getSingleMetric('taxiway_sign_ins_total')
    const { values = [] } = (await metric?.get()) ?? {}
    return values
      .filter(({ value }) => value > 0)
      .map(({ value, labels }) => `${value} ${labels.proof} ${labels.outcome}`)
      .toSorted()
      .join(', ')
  }
  const addToken = async (scopes: string[] | null = null, expiresInDays = 1) => {
    const token = noteSecret(makeToken())
    const { id } = await createToken(db, account.id, {
      name: 'a token',
      digest: tokenDigest(token),
      hint: tokenHint(token),
      scopes,
      createdBy: 'test',
      expiresInDays,
    })
    return { id, token }
  }
  const later = (ms: number) => {
    clock.now = new Date(clock.now.getTime() + ms)
  }
  return { identify, make, account, clock, counted, addToken, later, warned }
}

type Started = Awaited<ReturnType<typeof start>>

/** A test on each kind of store. */
function onStores(name: string, work: (t: Test, db: Db, started: Started) => Promise<void>): void {
  t.test(name, (t) => forEachStore(t, async (t, { db }) => work(t, db, await start(db))))
}

/** A test that concerns no statement of its own, on PostgreSQL. */
function onPostgres(name: string, work: (t: Test, db: Db, started: Started) => Promise<void>) {
  t.test(name, async (t) => {
    const { db } = await openTestStore(t, 'postgresql')
    await work(t, db, await start(db))
  })
}

const disable = (db: Db, id: number, disabled = true) => changeAccount(db, id, { disabled })

onStores('a token is its account, until it is revoked or has expired', async (t, db, started) => {
  const { identify, account, addToken, later, counted } = started
  const one = await addToken()
  const other = await addToken()
  const caller = await identify.byBearer(one.token, home)
  t.match(caller, { account, proof: 'token' })
  t.ok(caller?.permissions.has('feed:read'))
  await revokeToken(db, one.id)
  t.equal(await identify.byBearer(one.token, home), undefined)
  t.ok(await identify.byBearer(other.token, home))
  later(86_400_000 - 60_000)
  t.ok(await identify.byBearer(other.token, home))
  later(120_000)
  t.equal(await identify.byBearer(other.token, home), undefined)
  t.equal(await identify.byBearer(makeToken(), home), undefined)
  await identify.settle()
  t.equal(await counted(), '3 token accepted, 3 token refused')
})

onStores(
  'a token is limited to its scopes, and never has more than its account',
  async (t, _, started) => {
    const { identify, addToken } = started
    const permissionsOf = async (scopes: string[] | null) => {
      const { token } = await addToken(scopes)
      return [...((await identify.byBearer(token, home))?.permissions ?? ['nobody'])].toSorted()
    }
    t.same(await permissionsOf(null), ['collections:read', 'feed:read', 'feed:write'])
    t.same(await permissionsOf(['feed:read']), ['feed:read'])
    t.same(await permissionsOf(['feed:read', 'accounts:write', 'nonsense']), ['feed:read'])
    t.same(await permissionsOf([]), [])
    await identify.settle()
  },
)

onStores('whoever is disabled is nobody, whatever he shows', async (t, db, started) => {
  const { identify, account, addToken, counted } = started
  const { token } = await addToken()
  const jwt = noteSecret((await identify.issueJwt('esa1', password, home)) ?? '', 'JWT')
  const certificate = { fingerprint: 'ab'.repeat(32), subject: 'CN=esa1' }
  await createCertificate(db, account.id, {
    fingerprint: certificate.fingerprint,
    subject: null,
    createdBy: 'test',
  })
  const all = () =>
    Promise.all([
      identify.byPassword('esa1', password, home),
      identify.byBearer(token, home),
      identify.byBearer(jwt, home),
      identify.byCertificate(certificate, home),
    ])
  t.same(
    (await all()).map((caller) => caller?.proof),
    ['password', 'token', 'jwt', 'certificate'],
  )
  await disable(db, account.id)
  t.same(await all(), [undefined, undefined, undefined, undefined])
  t.equal(await identify.issueJwt('esa1', password, home), undefined)
  await disable(db, account.id, false)
  t.same(
    (await all()).map((caller) => caller?.proof),
    ['password', 'token', undefined, 'certificate'],
    'a JWT of before does not come back',
  )
  await identify.settle()
  t.equal(
    await counted(),
    [
      '1 jwt accepted',
      '1 password accepted',
      '2 certificate accepted',
      '1 certificate refused',
      '2 jwt refused',
      '2 password refused',
      '2 token accepted',
      '1 token refused',
    ]
      .toSorted()
      .join(', '),
    'a password that is remembered is not counted again',
  )
})

onStores('a JWT ends when the password is changed', async (t, db, { identify, make, later }) => {
  const jwt = noteSecret((await identify.issueJwt('esa1', password, home)) ?? '', 'JWT')
  t.match(await identify.byBearer(jwt, home), { account: { name: 'esa1' }, proof: 'jwt' })
  t.ok(await make().byBearer(jwt, elsewhere), 'another process with the key accepts it')
  t.equal(await make(secret('secret key')).byBearer(jwt, home), undefined, 'one without does not')
  later(599_000)
  t.ok(await identify.byBearer(jwt, home))
  later(1_000)
  t.equal(await identify.byBearer(jwt, home), undefined)
  const next = noteSecret((await identify.issueJwt('esa1', password, home)) ?? '', 'JWT')
  t.ok(await identify.byBearer(next, home))
  const changed = secret('password')
  await changePassword(db, 'esa1', cheapHash(changed))
  t.equal(await identify.byBearer(next, home), undefined)
  t.equal(await identify.issueJwt('esa1', password, home), undefined)
  t.ok(await identify.issueJwt('esa1', changed, home))
  await identify.settle()
})

onPostgres('a JWT does not pass to another account of the same id', async (t, db, started) => {
  const { identify, account } = started
  const jwt = noteSecret((await identify.issueJwt('esa1', password, home)) ?? '', 'JWT')
  await db.updateTable('accounts').set({ name: 'other' }).where('id', '=', account.id).execute()
  t.equal(await identify.byBearer(jwt, home), undefined)
  await identify.settle()
})

onPostgres('what is no token does not reach the store', async (t, _, started) => {
  const identify = createIdentify({
    db: {} as Db,
    keyring: createKeyring(key),
    jwtSeconds: 60,
    clock: () => started.clock.now,
  })
  for (const text of [
    '',
    'abc',
    'taxiway_',
    `taxiway_${'a'.repeat(44)}`,
    'taxiway_\0',
    '..',
    'a.b.c',
  ]) {
    t.equal(await identify.byBearer(text, home), undefined, JSON.stringify(text))
  }
})

onStores(
  'a certificate is known by its fingerprint, or else by its subject',
  async (t, db, started) => {
    const { identify, account } = started
    const other = await createAccount(db, 'esa2', hash, 'reader')
    if (!other) throw new Error('there is an esa2 already')
    const [fingerprint, renewed] = ['ab'.repeat(32), 'cd'.repeat(32)]
    const subject = 'CN=esa1, O=Example'
    const nameOf = async (given: { fingerprint: string; subject: string }) =>
      (await identify.byCertificate(given, home))?.account.name
    t.equal(await nameOf({ fingerprint, subject }), undefined)
    await createCertificate(db, other.id, { fingerprint: null, subject, createdBy: 'test' })
    t.equal(await nameOf({ fingerprint, subject }), 'esa2')
    await createCertificate(db, account.id, { fingerprint, subject: null, createdBy: 'test' })
    t.equal(await nameOf({ fingerprint, subject }), 'esa1')
    t.equal(await nameOf({ fingerprint, subject: 'CN=other' }), 'esa1')
    t.equal(await nameOf({ fingerprint: renewed, subject }), 'esa2')
    t.equal(await nameOf({ fingerprint: renewed, subject: 'CN=esa1' }), undefined)
    await disable(db, account.id)
    t.equal(await nameOf({ fingerprint, subject }), undefined, 'nor does it fall to the subject’s')
    await identify.settle()
  },
)

onStores('nobody signs in with a password where there is none', async (t, db, { identify }) => {
  await db
    .insertInto('accounts')
    .values({ name: 'robot', role: 'reader', password_hash: null })
    .execute()
  for (const guess of ['', 'null', 'undefined', password]) {
    t.equal(await identify.byPassword('robot', guess, home), undefined)
    t.equal(await identify.issueJwt('robot', guess, home), undefined)
  }
  await identify.settle()
})

onStores('a name is the same in composed and decomposed letters', async (t, db, { identify }) => {
  await createAccount(db, 'jos\u00e9', hash, 'reader')
  t.ok(await identify.byPassword('jos\u00e9', password, home))
  t.ok(await identify.byPassword('jose\u0301', password.normalize('NFD'), home))
  t.equal(await identify.byPassword('jose', password, home), undefined)
  await identify.settle()
})

onStores('names that nobody can have are nobody', async (t, _, { identify }) => {
  for (const name of ['', 'a\0b', 'a:b', '\ud800', 'x'.repeat(10_000), 'esa1\n']) {
    t.equal(
      await identify.byPassword(name, password, home),
      undefined,
      JSON.stringify(name.slice(0, 9)),
    )
  }
})

onStores(
  'when it was last seen and used is noted, at most once a minute',
  async (t, db, started) => {
    const { identify, account, addToken, clock, later } = started
    const { id, token } = await addToken()
    const read = async () => {
      await identify.settle()
      const { rows } = await sql<{ used: Date | null; seen: Date | null }>`
      select t.last_used_at as used, a.last_seen_at as seen
      from tokens t join accounts a on a.id = t.account_id where t.id = ${id}`.execute(db)
      return rows[0]
    }
    t.same(await read(), { used: null, seen: null })
    const first = clock.now
    await identify.byBearer(token, home)
    t.same(await read(), { used: first, seen: first })
    later(59_999)
    await identify.byBearer(token, home)
    t.same(await read(), { used: first, seen: first })
    later(1)
    await Promise.all(Array.from({ length: 20 }, () => identify.byBearer(token, home)))
    t.same(await read(), { used: clock.now, seen: clock.now })
    const used = clock.now
    later(60_000)
    await identify.byPassword('esa1', password, home)
    t.same(await read(), { used, seen: clock.now })
    await identify.byPassword('esa1', 'wrong', home)
    await disable(db, account.id)
    later(60_000)
    await identify.byBearer(token, home)
    t.not((await read())?.seen?.getTime(), clock.now.getTime(), 'refused ones are not noted')
  },
)

onPostgres(
  'what cannot be noted keeps nobody out',
  async (t, db, { identify, addToken, warned }) => {
    const { token } = await addToken()
    await sql`alter table accounts rename column last_seen_at to gone`.execute(db)
    await sql`alter table accounts add column last_seen_at timestamptz generated always as (gone) stored`.execute(
      db,
    )
    t.ok(await identify.byBearer(token, home))
    await identify.settle()
    t.same(warned, ['when an account was last seen could not be noted'])
  },
)

onStores(
  'whence an account proved itself is noted, and forgotten after 90 days',
  async (t, db, started) => {
    const { identify, clock, later } = started
    const read = async () => {
      await identify.settle()
      const { rows } = await sql<{ address: string; at: Date }>`
      select address, last_used_at as at from account_addresses order by address`.execute(db)
      return rows
    }
    await identify.byPassword('esa1', 'wrong', elsewhere)
    t.same(await read(), [])
    const first = clock.now
    await identify.byPassword('esa1', password, '::ffff:192.0.2.1')
    await identify.byPassword('esa1', password, '2001:db8::1')
    await identify.byPassword('esa1', password, '2001:db8::2')
    const known = ['192.0.2.1', '2001:db8:0:0::/64']
    t.same(
      await read(),
      known.map((address) => ({ address, at: first })),
    )
    later(86_400_000)
    await identify.byPassword('esa1', password, home)
    t.same(await read(), [
      { address: '192.0.2.1', at: clock.now },
      { address: '2001:db8:0:0::/64', at: first },
    ])
    t.equal(await pruneNetworks(db, new Date(clock.now.getTime() - knownMs)), 0)
    t.equal(await pruneNetworks(db, new Date(first.getTime() + 1)), 1)
    t.same(await read(), [{ address: '192.0.2.1', at: clock.now }])
  },
)

onPostgres('guesses from elsewhere do not lock an account out at home', async (t, _, started) => {
  const { identify, counted } = started
  t.ok(await identify.byPassword('esa1', password, home))
  await identify.settle()
  let slowed = 0
  for (let n = 0; n < 200; n++) {
    const guess = identify.byPassword('esa1', `guess ${n}`, elsewhere)
    await guess.catch((error) => {
      if (!(error instanceof TooManyGuesses)) throw error
      slowed += 1
    })
  }
  t.equal(slowed, 189, 'ten are free, and one more is checked')
  t.ok(await identify.byPassword('esa1', password, home))
  t.equal(await counted(), '1 password accepted, 11 password refused, 189 password slowed')
})

onPostgres(
  'where guesses are slowed, a right password is not checked either',
  async (t, _, started) => {
    const { identify, later } = started
    t.ok(await identify.byPassword('esa1', password, home), 'it is remembered now')
    for (let n = 0; n < 11; n++) await identify.byPassword('esa1', `guess ${n}`, elsewhere)
    const slowed = { code: 'TOO_MANY_GUESSES', retryAfterSeconds: 1 }
    await t.rejects(identify.byPassword('esa1', password, elsewhere), slowed)
    await t.rejects(identify.issueJwt('esa1', password, elsewhere), slowed)
    later(1_000)
    t.ok(await identify.byPassword('esa1', password, elsewhere))
    await identify.settle()
  },
)

onPostgres(
  'an address that tries many names does not lock out who is known there',
  async (t, db, started) => {
    const { identify } = started
    await createAccount(db, 'esa2', hash, 'reader')
    t.ok(await identify.byPassword('esa1', password, home))
    await identify.settle()
    for (let n = 0; n < 101; n++) await identify.byPassword(`name ${n}`, 'guess', home)
    await t.rejects(identify.byPassword('name', 'guess', home), { code: 'TOO_MANY_GUESSES' })
    await t.rejects(identify.byPassword('esa2', password, home), { code: 'TOO_MANY_GUESSES' })
    t.ok(await identify.byPassword('esa1', password, home))
    t.ok(await identify.byPassword('esa2', password, elsewhere))
    const remembered = identify.byPassword('esa2', password, home)
    await t.rejects(remembered, { code: 'TOO_MANY_GUESSES' }, 'though it is remembered now')
    await identify.settle()
  },
)

onPostgres(
  'guesses that come in together are no more than those that come in turn',
  async (t, _, started) => {
    const { identify, counted } = started
    await Promise.allSettled(
      Array.from({ length: 100 }, (_, n) => identify.byPassword('esa1', `guess ${n}`, elsewhere)),
    )
    t.equal(await counted(), '11 password refused, 89 password slowed')
  },
)

onPostgres('a token and a remembered password cost one statement each', async (t, db, started) => {
  const { identify, addToken } = started
  const { token } = await addToken()
  const jwt = noteSecret((await identify.issueJwt('esa1', password, home)) ?? '', 'JWT')
  await identify.byBearer(token, home)
  await identify.settle()
  const statements: string[] = []
  const executor = db.getExecutor()
  const compile = executor.compileQuery.bind(executor)
  t.intercept(executor, 'compileQuery', {
    value: (...args: Parameters<typeof compile>) => {
      const compiled = compile(...args)
      statements.push(compiled.sql)
      return compiled
    },
  })
  const costOf = async (ask: () => Promise<unknown>) => {
    statements.length = 0
    t.ok(await ask())
    await identify.settle()
    return statements.length
  }
  t.equal(await costOf(() => identify.byBearer(token, home)), 1)
  t.equal(await costOf(() => identify.byBearer(jwt, home)), 1)
  t.equal(await costOf(() => identify.byPassword('esa1', password, home)), 1)
})
