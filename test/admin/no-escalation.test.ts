import t from 'tap'
import { applyCollections } from '../../src/intake/apply-collections.ts'
import { type Role, roles } from '../../src/model/account.ts'
import { type Permission, permissions, rolePermissions } from '../../src/model/permission.ts'
import { noteSecret, secret } from '../helpers/secrets.ts'
import { openTestStore } from '../helpers/stores.ts'
import { aCollection } from '../intake/reports.ts'
import { openAccountApp, problemOf, refusal } from './account-app.ts'

const forAccounts: readonly Permission[] = ['accounts:read', 'accounts:write']

/** What an administrator's token is limited to, and the roles whose accounts it may then make and change. */
const limits: readonly [scopes: readonly Permission[], may: readonly Role[]][] = [
  [forAccounts, []],
  [[...forAccounts, 'feed:read', 'feed:write', 'collections:read'], ['reader']],
  [
    [...forAccounts, ...rolePermissions.responder],
    ['reader', 'responder'],
  ],
  [
    [...forAccounts, ...rolePermissions.curator],
    ['reader', 'curator', 'responder'],
  ],
  [permissions.filter((one) => one !== 'secrets:write'), ['reader', 'curator', 'responder']],
  [permissions.filter((one) => one !== 'feed:write'), []],
  [permissions, roles],
]

t.test('a token changes what may do no more than itself, whatever the change', async (t) => {
  const { db } = await openTestStore(t, 'postgresql')
  const { ask, letIn } = await openAccountApp(t, db)
  await applyCollections(db, [aCollection({ name: 'one' })])
  let number = 0
  for (const [scopes, may] of limits) {
    const token = await letIn('root', 'administrator', scopes)
    for (const role of roles) {
      number += 1
      const name = `${role}${number}`
      await letIn(name, role)
      const place = `/api/v1/accounts/${name}`
      const certificate = await ask(`POST ${place}/certificates`, {
        body: { subject: `CN=${name}` },
      })
      await ask(`PUT ${place}/grants/one`, { body: { read: true, write: true } })
      const other = await ask(`POST ${place}/tokens`, { body: { name: 'x' } })
      noteSecret(other.body.token)
      const changes: [request: string, body?: object][] = [
        [`PATCH ${place}`, { disabled: true }],
        [`PATCH ${place}`, { disabled: false }],
        [`PATCH ${place}`, { clientAgeOutDays: 2 }],
        [`PATCH ${place}`, { role }],
        [`PUT ${place}/password`, { password: secret('password') }],
        [`PUT ${place}/grants/one`, { read: true, write: false }],
        [`DELETE ${place}/grants/one`],
        [`POST ${place}/tokens`, { name: 'x' }],
        [`POST ${place}/tokens`, { name: 'x', scopes: ['feed:read'] }],
        [`POST ${place}/certificates`, { subject: `CN=${name} 2` }],
        [`DELETE ${place}/certificates/${certificate.body.id}`],
        [`DELETE ${place}/tokens/${other.body.id}`],
        ['POST /api/v1/accounts', { name: `${name} 2`, role, passwordless: true }],
      ]
      const before = await ask(`GET ${place}`)
      for (const [request, body] of changes) {
        const told = await ask(request, { token, ...(body && { body }) })
        const about = `${request} by ${scopes.length} scopes`
        if (may.includes(role)) t.ok(told.status < 300, `${about}: ${told.status}`)
        else t.strictSame(refusal(told), problemOf(403, 'NOT_PERMITTED'), about)
        if (told.body.token) noteSecret(told.body.token)
      }
      if (!may.includes(role)) {
        t.strictSame((await ask(`GET ${place}`)).body, before.body, 'nothing was changed')
      }
    }
  }
})

t.test('nobody is given a role beyond what the caller may', async (t) => {
  const { db } = await openTestStore(t, 'postgresql')
  const { ask, letIn } = await openAccountApp(t, db)
  await letIn('ana', 'reader')
  const token = await letIn('root', 'administrator', [...forAccounts, ...rolePermissions.reader])
  for (const role of ['curator', 'responder', 'administrator']) {
    const told = await ask('PATCH /api/v1/accounts/ana', { body: { role }, token })
    t.strictSame(refusal(told), problemOf(403, 'NOT_PERMITTED'))
    t.match(told.body.detail, /you need all that it may do, and you lack .*sources:read/)
    const made = await ask('POST /api/v1/accounts', {
      body: { name: 'bea', role, passwordless: true },
      token,
    })
    t.strictSame(refusal(made), problemOf(403, 'NOT_PERMITTED'))
  }
  t.match((await ask('GET /api/v1/accounts/ana')).body, { role: 'reader' })
})

t.test('a token made by a limited one is limited for good', async (t) => {
  const { db } = await openTestStore(t, 'postgresql')
  const { ask, letIn } = await openAccountApp(t, db)
  await letIn('ana', 'reader')
  const token = await letIn('root', 'administrator', [...forAccounts, ...rolePermissions.reader])
  const made = await ask('POST /api/v1/accounts/ana/tokens', { body: { name: 'x' }, token })
  t.equal(made.status, 201)
  t.strictSame(made.body.scopes.toSorted(), [...rolePermissions.reader].toSorted())
  const free = await ask('POST /api/v1/accounts/ana/tokens', { body: { name: 'x' } })
  t.equal(free.body.scopes, null)
  await ask('PATCH /api/v1/accounts/ana', { body: { role: 'administrator' } })
  const mayAs = async (one: string) =>
    (await ask('GET /api/v1/account', { token: noteSecret(one) })).body.permissions
  t.strictSame((await mayAs(made.body.token)).toSorted(), [...rolePermissions.reader].toSorted())
  t.strictSame((await mayAs(free.body.token)).toSorted(), [...permissions].toSorted())
})

t.test('who is not an administrator changes no account, his own neither', async (t) => {
  const { db } = await openTestStore(t, 'postgresql')
  const { ask, letIn } = await openAccountApp(t, db)
  for (const role of ['reader', 'curator', 'responder'] as const) {
    const token = await letIn(role, role)
    for (const [request, body] of [
      ['GET /api/v1/accounts'],
      [`GET /api/v1/accounts/${role}`],
      [`PUT /api/v1/accounts/${role}/password`, {}],
      [`PATCH /api/v1/accounts/${role}`, { role: 'administrator' }],
      [`POST /api/v1/accounts/${role}/tokens`, { name: 'x' }],
    ] as const) {
      const told = await ask(request, { token, ...(body && { body }) })
      t.strictSame(refusal(told), problemOf(403, 'NOT_PERMITTED'), `${role}: ${request}`)
    }
  }
})

t.test('an administrator who loses the role while he asks makes no other', async (t) => {
  const { db } = await openTestStore(t, 'postgresql')
  const { ask, letIn } = await openAccountApp(t, db)
  for (const body of [{ role: 'reader' }, { disabled: true }]) {
    const token = await letIn('eve', 'administrator')
    await ask('PATCH /api/v1/accounts/eve', { body: { role: 'administrator', disabled: false } })
    const [gone, ...made] = await Promise.all([
      ask('PATCH /api/v1/accounts/eve', { body }),
      ...Array.from({ length: 6 }, (_, number) =>
        ask('POST /api/v1/accounts', {
          body: { name: `mallory ${number}`, role: 'administrator', passwordless: true },
          token,
        }),
      ),
    ])
    t.equal(gone?.status, 200)
    const late = await ask('POST /api/v1/accounts/eve/tokens', { body: { name: 'x' }, token })
    t.ok([401, 403].includes(late.status))
    for (const { status, body } of made) {
      if (status === 201)
        await ask(`PATCH /api/v1/accounts/${body.name}`, { body: { disabled: true } })
      else t.ok([401, 403].includes(status), String(status))
    }
    await db.deleteFrom('accounts').where('name', 'like', 'mallory%').execute()
  }
})
