import t from 'tap'
import { openTestStore } from '../helpers/stores.ts'
import { openAccountApp, problemOf, refusal } from './account-app.ts'

const ana = '/api/v1/accounts/ana'

t.test('whoever has an account as it is, is told so, and whoever has not is sent it', async (t) => {
  const { db } = await openTestStore(t, 'postgresql')
  const { ask, letIn } = await openAccountApp(t, db)
  await letIn('ana', 'reader')
  const first = await ask(`GET ${ana}`)
  const etag = String(first.headers.etag)
  t.match(etag, /^"[\w-]+"$/)
  const same = [etag, `W/${etag}`, `"x", ${etag}`, '*']
  for (const known of same) {
    const told = await ask(`GET ${ana}`, { headers: { 'if-none-match': known } })
    t.match(told, { status: 304, body: '', headers: { etag } }, known)
  }
  for (const known of ['"x"', etag.slice(1, -1), 'W/"x"']) {
    const told = await ask(`GET ${ana}`, { headers: { 'if-none-match': known } })
    t.match(told, { status: 200, body: { name: 'ana' } }, known)
  }
  // What comes and goes by itself is not what one changes.
  const token = await letIn('ana', 'reader')
  await ask('GET /api/v1/account', { token })
  t.equal((await ask(`GET ${ana}`)).headers.etag, etag)
  await ask(`PATCH ${ana}`, { body: { clientAgeOutDays: 7 } })
  const now = await ask(`GET ${ana}`, { headers: { 'if-none-match': etag } })
  t.match(now, { status: 200, body: { clientAgeOutDays: 7 } })
  t.not(now.headers.etag, etag)
})

t.test('a change under an If-Match is made while it is true, and else nothing is', async (t) => {
  const { db } = await openTestStore(t, 'postgresql')
  const { ask, letIn } = await openAccountApp(t, db)
  await letIn('ana', 'reader')
  const etag = String((await ask(`GET ${ana}`)).headers.etag)
  const patch = (days: number, headers: Record<string, string>) =>
    ask(`PATCH ${ana}`, { body: { clientAgeOutDays: days }, headers })
  const changed = await patch(1, { 'if-match': etag })
  t.match(changed, { status: 200, body: { clientAgeOutDays: 1 } })
  const next = String(changed.headers.etag)
  t.equal((await ask(`GET ${ana}`)).headers.etag, next)
  for (const known of [etag, '"x"', `W/${next}`, '', next.slice(1, -1)]) {
    const told = await patch(9, { 'if-match': known })
    t.strictSame(refusal(told), problemOf(412, 'PRECONDITION_FAILED'), known)
    t.equal(told.headers.etag, undefined)
    t.match(told.body.detail, /read it again/)
  }
  t.strictSame(
    refusal(await patch(9, { 'if-none-match': '*' })),
    problemOf(412, 'PRECONDITION_FAILED'),
  )
  t.match((await ask(`GET ${ana}`)).body, { clientAgeOutDays: 1 })
  t.equal((await patch(2, { 'if-match': '*' })).status, 200)
  const last = String((await patch(3, {})).headers.etag)
  t.equal((await patch(4, { 'if-match': `"x", ${last}` })).status, 200)
  const nobody = await ask('PATCH /api/v1/accounts/nobody', {
    body: { disabled: true },
    headers: { 'if-match': '*' },
  })
  t.strictSame(refusal(nobody), problemOf(404, 'ACCOUNT_NOT_FOUND'))
})

t.test('of several changes under one If-Match one is made', async (t) => {
  const { db } = await openTestStore(t, 'postgresql')
  const { ask, letIn, logged } = await openAccountApp(t, db)
  await letIn('ana', 'reader')
  for (let round = 0; round < 5; round += 1) {
    const headers = { 'if-match': String((await ask(`GET ${ana}`)).headers.etag) }
    const told = await Promise.all(
      [1, 2, 3, 4].map((number) =>
        ask(`PATCH ${ana}`, { body: { clientAgeOutDays: 10 * round + number + 1 }, headers }),
      ),
    )
    const made = told.filter(({ status }) => status === 200)
    t.equal(made.length, 1)
    for (const one of told) {
      if (one.status !== 200) t.strictSame(refusal(one), problemOf(412, 'PRECONDITION_FAILED'))
    }
    const { body, headers: now } = await ask(`GET ${ana}`)
    t.equal(body.clientAgeOutDays, made[0]?.body.clientAgeOutDays)
    t.equal(now.etag, made[0]?.headers.etag)
  }
  t.equal(logged.length, 5)
})

t.test('a change of nothing, or of what is not there to change, is refused', async (t) => {
  const { db } = await openTestStore(t, 'postgresql')
  const { ask, letIn, logged } = await openAccountApp(t, db)
  await letIn('ana', 'reader')
  const cases: [body: unknown, place: string][] = [
    [{}, ''],
    [[], ''],
    [{ name: 'bea' }, '/name'],
    [{ role: 'king' }, '/role'],
    [{ role: null }, '/role'],
    [{ disabled: 'true' }, '/disabled'],
    [{ disabled: 1 }, '/disabled'],
    [{ clientAgeOutDays: 3_651 }, '/clientAgeOutDays'],
    [{ clientAgeOutDays: 1e99 }, '/clientAgeOutDays'],
  ]
  for (const [body, place] of cases) {
    const told = await ask(`PATCH ${ana}`, { body })
    t.strictSame(refusal(told), problemOf(400, 'VALIDATION_FAILED'), JSON.stringify(body))
    t.equal(told.body.errors[0].place, place, JSON.stringify(body))
  }
  t.strictSame(logged, [])
})
