import t from 'tap'
import { findCollection } from '../../src/store/collections.ts'
import { forEachStore, openTestStore } from '../helpers/stores.ts'
import { aBody, inJson, openCollections as open } from './three-collections.ts'

t.test('many are written together, or none', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const app = await open(t, db)
    const apply = (who: string, collections: object[], more: object = {}, headers = {}) =>
      app.ask(who, 'POST /api/v1/collections/apply', { body: { collections, ...more }, headers })
    const stored = async () => {
      const rows = await db.selectFrom('collections').selectAll().orderBy('name').execute()
      return rows.map(({ name, description }) => `${name}: ${description}`)
    }
    const before = await stored()
    const shared = { name: 'shared', ...aBody({ description: 'Changed', pageSize: 7 }) }
    const wanted = [shared, { name: 'theirs', ...inJson }, { name: 'b', ...inJson }]
    const changes = [
      {
        name: 'shared',
        kind: 'changed',
        settings: [
          { setting: 'description', from: 'Everything.', to: 'Changed' },
          { setting: 'pageSize', from: null, to: 7 },
        ],
      },
      { name: 'theirs', kind: 'unchanged', settings: [] },
      { name: 'b', kind: 'new', settings: [] },
      { name: 'secret', kind: 'not in the file', settings: [] },
    ]
    const dry = await apply('root', wanted, { dryRun: true })
    t.equal(dry.status, 200)
    t.strictSame(dry.body, { dryRun: true, changes })
    t.strictSame(await stored(), before)
    t.equal(app.followed(), 0)

    for (const bad of [
      { name: 'c', description: 'C', rule: { all: [] }, cidr: 'cidr' },
      { name: 'shared', ...inJson },
      { name: 'c', description: '\u0000', rule: { all: [] } },
      { name: 'c', description: 'C', rule: { tag: '\ud800' } },
    ]) {
      t.match(await apply('root', [...wanted, bad]), {
        status: 400,
        body: { code: 'VALIDATION_FAILED', errors: [{ place: /^\/collections\/3\// }] },
      })
    }
    t.match(await apply('ann', [{ name: 'theirs', ...aBody({ pageSize: 1 }) }, shared]), {
      status: 403,
    })
    t.strictSame(await stored(), before, 'one that is refused keeps all from being written')

    const done = await apply('root', wanted, {}, { 'idempotency-key': 'k' })
    t.strictSame(done.body, { dryRun: false, changes })
    t.strictSame(await stored(), [
      'b: Everything.',
      'secret: Everything.',
      'shared: Changed',
      'theirs: Everything.',
    ])
    t.equal(app.followed(), 1)
    const again = await apply('root', wanted, {}, { 'idempotency-key': 'k' })
    t.strictSame(again.body, done.body)
    t.equal(again.headers['idempotency-replayed'], 'true')
    t.equal(app.followed(), 1)
    t.match((await apply('root', wanted)).body.changes, [
      { kind: 'unchanged' },
      { kind: 'unchanged' },
      { kind: 'unchanged' },
    ])
    // Of what he may not see he is not told that it stays as it is.
    const anns = await apply('ann', [{ name: 'theirs', ...inJson }])
    t.strictSame(
      anns.body.changes.map(({ name }: { name: string }) => name),
      ['theirs', 'shared'],
    )
  })
})

t.test('a collection is changed only while it is what the caller has seen', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const app = await open(t, db)
    const url = '/api/v1/collections/theirs'
    const put = (change: object, headers: Record<string, string>) =>
      app.ask('ann', `PUT ${url}`, { body: aBody(change), headers })
    const first = await app.ask('ann', `GET ${url}`)
    const seen = String(first.headers.etag)
    const same = await app.ask('ann', `GET ${url}`, { headers: { 'if-none-match': seen } })
    t.equal(same.status, 304)
    t.equal(same.body, '')

    const changed = await put({ pageSize: 2 }, { 'if-match': seen })
    t.equal(changed.status, 200)
    t.not(changed.headers.etag, seen)
    const newer = await app.ask('ann', `GET ${url}`, { headers: { 'if-none-match': seen } })
    t.equal(newer.status, 200)
    t.equal(newer.headers.etag, changed.headers.etag)

    t.match(await put({ pageSize: 3 }, { 'if-match': seen }), {
      status: 412,
      body: { code: 'PRECONDITION_FAILED' },
    })
    t.match(await put({ pageSize: 3 }, { 'if-none-match': '*' }), { status: 412 })
    t.match(
      await app.ask('root', 'PUT /api/v1/collections/nowhere', {
        body: aBody(),
        headers: { 'if-match': '*' },
      }),
      { status: 412 },
    )
    t.equal((await findCollection(db, 'theirs'))?.pageSize, 2)
    t.equal(await findCollection(db, 'nowhere'), undefined)
    t.match(await put({ pageSize: 3 }, { 'if-match': `"x", ${changed.headers.etag}` }), {
      status: 200,
    })
  })
})

t.test('of many who change or make the same at once, one does', async (t) => {
  const { db } = await openTestStore(t, 'postgresql')
  const app = await open(t, db)
  const race = async (url: string, headers: Record<string, string>) => {
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, n) =>
        app.ask('root', `PUT ${url}`, { body: aBody({ description: `Number ${n}` }), headers }),
      ),
    )
    return answers.map(({ status }) => status).sort()
  }
  const { headers } = await app.ask('root', 'GET /api/v1/collections/theirs')
  const changed = await race('/api/v1/collections/theirs', { 'if-match': String(headers.etag) })
  t.strictSame(changed, [200, ...Array(7).fill(412)])
  const made = await race('/api/v1/collections/new', { 'if-none-match': '*' })
  t.strictSame(made, [201, ...Array(7).fill(412)])
  t.equal((await findCollection(db, 'theirs'))?.settingsVersion, 2)

  const names = ['p', 'q', 'r', 's', 'theirs', 'shared']
  const applied = await Promise.all(
    [names, names.toReversed(), names, names.toReversed()].map((list, n) =>
      app.ask('root', 'POST /api/v1/collections/apply', {
        body: { collections: list.map((name) => ({ name, ...aBody({ pageSize: n + 1 }) })) },
      }),
    ),
  )
  t.strictSame(
    applied.map(({ status }) => status),
    [200, 200, 200, 200],
  )
  const sizes = await Promise.all(
    names.map(async (name) => (await findCollection(db, name))?.pageSize),
  )
  t.equal(new Set(sizes).size, 1, 'the last one wrote all of them')
})

t.test('who lost his role since he was let in changes nothing', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const app = await open(t, db)
    const put = (who: string) =>
      app.ask(who, 'PUT /api/v1/collections/theirs', { body: aBody({ pageSize: 9 }) })
    const apply = (who: string) =>
      app.ask(who, 'POST /api/v1/collections/apply', {
        body: { collections: [{ name: 'theirs', ...aBody({ pageSize: 9 }) }] },
      })
    const change = (name: string, set: { role?: string; disabled_at?: Date }) =>
      db.updateTable('accounts').set(set).where('name', '=', name).execute()
    await change('root', { role: 'curator' })
    await change('ann', { disabled_at: new Date() })
    for (const who of ['root', 'ann']) {
      const wanted = { status: 403, body: { detail: /disabled or given another role while you/ } }
      t.match(await put(who), wanted, who)
      t.match(await apply(who), wanted, who)
    }
    t.equal((await findCollection(db, 'theirs'))?.pageSize, undefined)
    await change('root', { role: 'administrator' })
    t.match(await put('root'), { status: 200 })
  })
})

t.test(
  'the log tells who changed which settings of what, and nothing of what was not',
  async (t) => {
    const { db } = await openTestStore(t, 'postgresql')
    const lines: object[] = []
    const log = {
      info: (details: object, message: string) => lines.push({ ...details, message }),
      warn: () => {},
      error: () => {},
    }
    const app = await open(t, db, { log })
    const url = '/api/v1/collections'
    const wanted = [
      { name: 'theirs', ...aBody({ pageSize: 4, maxTlp: 'white' }) },
      { name: 'shared', ...inJson },
      { name: 'b', ...inJson },
    ]
    await app.ask('ann', `PUT ${url}/shared`, { body: aBody({ pageSize: 4 }) })
    await app.ask('ann', `PUT ${url}/theirs`, { body: aBody() })
    await app.ask('root', `POST ${url}/apply`, { body: { collections: wanted, dryRun: true } })
    t.strictSame(lines, [])
    await app.ask('ann', `PUT ${url}/theirs`, { body: aBody({ pageSize: 3 }) })
    const headers = { 'idempotency-key': 'k' }
    await app.ask('root', `POST ${url}/apply`, { body: { collections: wanted }, headers })
    await app.ask('root', `POST ${url}/apply`, { body: { collections: wanted }, headers })
    const message = 'changed collections'
    t.strictSame(lines, [
      {
        by: 'ann',
        proof: 'token',
        collections: [{ name: 'theirs', kind: 'changed', settings: ['pageSize'] }],
        message,
      },
      {
        by: 'root',
        proof: 'token',
        collections: [
          { name: 'theirs', kind: 'changed', settings: ['maxTlp', 'pageSize'] },
          { name: 'b', kind: 'new', settings: [] },
        ],
        message,
      },
    ])
  },
)
