import t from 'tap'
import { noteSecret } from '../helpers/secrets.ts'
import { forEachStore, openTestStore } from '../helpers/stores.ts'
import { openAccountApp, problemOf, refusal } from './account-app.ts'

const dayMs = 86_400_000

t.test('a token is shown once, lets in as its account, and is revoked at once', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const { ask, letIn, logged } = await openAccountApp(t, db)
    await letIn('ana', 'curator')
    const made = await ask('POST /api/v1/accounts/ana/tokens', { body: { name: 'night shift' } })
    const { token, ...told } = made.body
    noteSecret(token)
    t.match(made, { status: 201, headers: { etag: /^"/, 'cache-control': 'no-store' } })
    t.equal(made.headers.location, `/api/v1/accounts/ana/tokens/${told.id}`)
    t.match(told, {
      name: 'night shift',
      hint: token.slice(-4),
      scopes: null,
      createdBy: 'root',
      revokedAt: null,
      lastUsedAt: null,
    })
    t.equal(Date.parse(told.expiresAt) - Date.parse(told.createdAt), 90 * dayMs)
    t.match(await ask('GET /api/v1/account', { token }), {
      status: 200,
      body: { name: 'ana', proof: 'token' },
    })
    const list = await ask('GET /api/v1/accounts/ana/tokens')
    t.equal(list.body.tokens.length, 2)
    t.strictSame({ ...list.body.tokens[0], lastUsedAt: null }, told, 'the newest first')
    t.notMatch(JSON.stringify(list.body), token.slice(0, -4))
    const rows = await db.selectFrom('tokens').selectAll().execute()
    t.notMatch(JSON.stringify(rows), token.slice(0, -4), 'the store has a digest alone')
    t.notMatch(JSON.stringify(logged), token.slice(0, -4))

    const place = `/api/v1/accounts/ana/tokens/${told.id}`
    t.match(await ask(`DELETE ${place}`), { status: 204, body: '' })
    t.equal((await ask('GET /api/v1/account', { token })).status, 401)
    t.strictSame(refusal(await ask(`DELETE ${place}`)), problemOf(404, 'TOKEN_NOT_FOUND'))
    const [revoked] = (await ask('GET /api/v1/accounts/ana/tokens')).body.tokens
    t.match(revoked, { id: told.id, revokedAt: /^\d{4}-/ })
    t.equal((await ask('GET /api/v1/accounts/ana')).body.tokens, 1, 'those that count')
    t.match(logged, [
      { details: { by: 'root', account: 'ana', token: told.id }, message: 'made a token' },
      { details: { by: 'root', account: 'ana', token: told.id }, message: 'revoked a token' },
    ])
  })
})

t.test('a token is limited as it is asked for', async (t) => {
  const { db } = await openTestStore(t, 'postgresql')
  const { ask, letIn } = await openAccountApp(t, db)
  await letIn('ana', 'curator')
  const made = await ask('POST /api/v1/accounts/ana/tokens', {
    body: { name: 'x', scopes: ['sources:read', 'feed:read'], expiresInDays: 1 },
  })
  t.match(made, { status: 201, body: { scopes: ['sources:read', 'feed:read'] } })
  const { token, createdAt, expiresAt } = made.body
  noteSecret(token)
  t.equal(Date.parse(expiresAt) - Date.parse(createdAt), dayMs)
  t.strictSame((await ask('GET /api/v1/account', { token })).body.permissions.toSorted(), [
    'feed:read',
    'sources:read',
  ])
  t.equal((await ask('GET /api/v1/sources', { token })).status, 200)
  t.strictSame(refusal(await ask('GET /api/v1/ledger', { token })), problemOf(403, 'NOT_PERMITTED'))
  await db
    .updateTable('tokens')
    .set({ expires_at: new Date(0) })
    .execute()
  const expired = await ask('GET /api/v1/account', { token })
  t.match(expired, { status: 401, headers: { 'www-authenticate': /error="invalid_token"/ } })
})

t.test('what is no token to make, or to revoke, is refused', async (t) => {
  const { db } = await openTestStore(t, 'postgresql')
  const { ask, letIn } = await openAccountApp(t, db)
  await letIn('ana', 'curator')
  await letIn('bea', 'reader')
  const cases: [body: object, place: string][] = [
    [{}, '/name'],
    [{ name: '' }, '/name'],
    [{ name: 'a\u0000b' }, '/name'],
    [{ name: 'x'.repeat(129) }, '/name'],
    [{ name: 'x', scopes: [] }, '/scopes'],
    [{ name: 'x', scopes: ['feed:read', 'feed:read'] }, '/scopes'],
    [{ name: 'x', scopes: ['everything'] }, '/scopes/0'],
    [{ name: 'x', scopes: ['feed:read', 'accounts:write'] }, '/scopes/1'],
    [{ name: 'x', expiresInDays: 0 }, '/expiresInDays'],
    [{ name: 'x', expiresInDays: 367 }, '/expiresInDays'],
    [{ name: 'x', expiresInDays: 1.5 }, '/expiresInDays'],
    [{ name: 'x', expiresInDays: '30' }, '/expiresInDays'],
    [{ name: 'x', token: 'mine' }, '/token'],
  ]
  for (const [body, place] of cases) {
    const told = await ask('POST /api/v1/accounts/ana/tokens', { body })
    t.strictSame(refusal(told), problemOf(400, 'VALIDATION_FAILED'), JSON.stringify(body))
    t.equal(told.body.errors[0].place, place)
  }
  const nobody = await ask('POST /api/v1/accounts/nobody/tokens', { body: { name: 'x' } })
  t.strictSame(refusal(nobody), problemOf(404, 'ACCOUNT_NOT_FOUND'))
  const [bea] = (await ask('GET /api/v1/accounts/bea/tokens')).body.tokens
  for (const id of [bea.id, 999, Number.MAX_SAFE_INTEGER]) {
    const told = await ask(`DELETE /api/v1/accounts/ana/tokens/${id}`)
    t.strictSame(refusal(told), problemOf(404, 'TOKEN_NOT_FOUND'), 'of another account, too')
  }
  for (const id of ['0', '-1', 'x', '1.5', '9'.repeat(30)]) {
    const told = await ask(`DELETE /api/v1/accounts/ana/tokens/${id}`)
    t.strictSame(refusal(told), problemOf(400, 'VALIDATION_FAILED'), id)
    t.equal(told.body.errors[0].place, 'id')
  }
})

t.test(
  'a list that grows and shrinks between its pages neither repeats nor leaves out what stays',
  async (t) => {
    await forEachStore(t, async (t, { db }) => {
      const { ask, letIn } = await openAccountApp(t, db)
      await letIn('ana', 'reader')
      const make = async (name: string) => {
        const { body } = await ask('POST /api/v1/accounts/ana/tokens', { body: { name } })
        noteSecret(body.token)
        return body.id as number
      }
      const ids: number[] = []
      for (let number = 0; number < 6; number += 1) ids.push(await make(`token ${number}`))
      const page = async (cursor?: string) =>
        (
          await ask(
            `GET /api/v1/accounts/ana/tokens?limit=2${cursor === undefined ? '' : `&cursor=${cursor}`}`,
          )
        ).body
      const seen: string[] = []
      let { tokens, next } = await page()
      let pages = 1
      while (next !== null) {
        seen.push(...tokens.map(({ name }: { name: string }) => name))
        // What the cursor names may go, and others may come.
        await db.deleteFrom('tokens').where('id', '=', tokens.at(-1).id).execute()
        await make(`later ${pages}`)
        ;({ tokens, next } = await page(next))
        pages += 1
      }
      seen.push(...tokens.map(({ name }: { name: string }) => name))
      t.strictSame(seen, [5, 4, 3, 2, 1, 0].map((number) => `token ${number}`).concat('of a test'))
      t.equal(pages, 4)
    })
  },
)

t.test('accounts are listed by their names, page by page and by role', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const { ask, letIn } = await openAccountApp(t, db)
    const names = ['Zoë', 'ana', 'b b', 'ba', 'Ärger', '😀', 'esa10', 'esa2', 'a/b']
    for (const name of names) await letIn(name, name.startsWith('esa') ? 'curator' : 'reader')
    const all = [...names, 'root'].toSorted((a, b) =>
      Buffer.compare(Buffer.from(a), Buffer.from(b)),
    )
    for (const limit of [1, 3, 10, 500]) {
      const seen: string[] = []
      let next: string | null = ''
      while (next !== null) {
        const cursor: string = next === '' ? '' : `&cursor=${next}`
        const told = await ask(`GET /api/v1/accounts?limit=${limit}${cursor}`)
        t.equal(told.status, 200)
        t.ok(told.body.accounts.length <= limit)
        seen.push(...told.body.accounts.map(({ name }: { name: string }) => name))
        next = told.body.next
        // One that comes before is of a page that was read.
        if (seen.length === 3) await letIn('0', 'reader')
      }
      t.strictSame(seen, all, `pages of ${limit}`)
      await db.deleteFrom('accounts').where('name', '=', '0').execute()
    }
    const curators = await ask('GET /api/v1/accounts?role=curator')
    t.strictSame(
      curators.body.accounts.map(({ name }: { name: string }) => name),
      ['esa10', 'esa2'],
    )
  })
})

t.test(
  'a cursor that is none of the list is refused, and so is a limit out of its range',
  async (t) => {
    const { db } = await openTestStore(t, 'postgresql')
    const { ask, letIn } = await openAccountApp(t, db)
    await letIn('ana', 'reader')
    const { body } = await ask('GET /api/v1/accounts?limit=1')
    const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
    const cursors = [
      'x',
      '%00',
      '====',
      encode('accounts'),
      encode({}),
      encode(['accounts']),
      encode(['accounts', 5]),
      encode(['accounts', 'a', 'b']),
      encode(['accounts', 'a\0']),
      encode(['tokens', 'a']),
      encode(['accounts', 'a']).slice(0, -3),
      'a'.repeat(1_000),
      Buffer.from('['.repeat(500)).toString('base64url'),
    ]
    for (const cursor of cursors) {
      const told = await ask(`GET /api/v1/accounts?cursor=${cursor}`)
      t.strictSame(refusal(told), problemOf(400, 'VALIDATION_FAILED'), cursor)
      t.equal(told.body.errors[0].place, 'cursor')
    }
    for (const list of ['tokens', 'certificates']) {
      for (const id of ['-99999999999', '1e300', '1.5', '"1"']) {
        const cursor = Buffer.from(`["${list}",${id}]`).toString('base64url')
        const told = await ask(`GET /api/v1/accounts/ana/${list}?cursor=${cursor}`)
        t.strictSame(refusal(told), problemOf(400, 'VALIDATION_FAILED'), `${list} ${id}`)
      }
    }
    const elsewhere = await ask(`GET /api/v1/accounts/ana/tokens?cursor=${body.next}`)
    t.strictSame(refusal(elsewhere), problemOf(400, 'VALIDATION_FAILED'), 'of another list')
    for (const query of [
      'limit=0',
      'limit=501',
      'limit=x',
      'limit=',
      'limit=1&limit=2',
      'limt=1',
      'role=king',
    ]) {
      const told = await ask(`GET /api/v1/accounts?${query}`)
      t.strictSame(refusal(told), problemOf(400, 'VALIDATION_FAILED'), query)
      t.equal(told.body.errors[0].place, query.split('=')[0])
    }
  },
)
