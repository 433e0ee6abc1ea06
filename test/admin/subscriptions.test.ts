import t, { type Test } from 'tap'
import type { SubscriptionJson } from '../../src/admin/subscription-schema.ts'
import { findCollection, writeCollection } from '../../src/store/collections.ts'
import type { Db } from '../../src/store/db.ts'
import { changeSubscription, subscribe } from '../../src/store/subscriptions.ts'
import { openTestStore } from '../helpers/stores.ts'
import { aCollection } from '../intake/reports.ts'
import { type AdminApp, openAdminApp } from './admin-app.ts'

const stix12 = 'urn:stix.mitre.org:xml:1.2'

interface SubscriptionApp extends AdminApp {
  subscribe(who: string, collection: string, responseType?: 'FULL' | 'COUNT_ONLY'): Promise<string>
  end(who: string, collection: string, id: string): Promise<void>
}

/** ann reads "shared", to which esa1 subscribes, and esa2 to "secret". */
async function open(t: Test, db: Db): Promise<SubscriptionApp> {
  for (const name of ['secret', 'shared']) await writeCollection(db, aCollection({ name }))
  const app = await openAdminApp(t, db)
  const ids = new Map<string, number>()
  for (const [name, role, grants] of [
    ['root', 'administrator', {}],
    ['ann', 'curator', { shared: 'read' }],
    ['rob', 'responder', {}],
    ['esa1', 'reader', { shared: 'read' }],
    ['esa2', 'reader', { secret: 'read' }],
  ] as const) {
    ids.set(name, (await app.addAccount(name, role, grants)).account.id)
  }
  const ownerOf = async (who: string, collection: string) => ({
    accountId: ids.get(who) ?? 0,
    collectionId: (await findCollection(db, collection))?.id ?? 0,
  })
  return {
    ...app,
    async subscribe(who, collection, responseType = 'FULL') {
      const contentBindings = responseType === 'FULL' ? ([stix12] as const) : []
      const owner = await ownerOf(who, collection)
      return (await subscribe(db, { ...owner, responseType, contentBindings })).id
    },
    async end(who, collection, id) {
      await changeSubscription(db, await ownerOf(who, collection), id, 'UNSUBSCRIBED')
    },
  }
}

async function read(app: AdminApp, who: string, query = ''): Promise<string[]> {
  const { status, body } = await app.ask(who, `GET /api/v1/subscriptions${query}`)
  if (status !== 200) return [`${status} ${body.code}`]
  return body.subscriptions.map(
    ({ account, collection, status }: SubscriptionJson) => `${account} ${collection} ${status}`,
  )
}

t.test('each sees the subscriptions to what he may read, and administrators all', async (t) => {
  const { db } = await openTestStore(t, 'postgresql')
  const app = await open(t, db)
  t.strictSame(await read(app, 'root'), [])
  const first = await app.subscribe('esa1', 'shared')
  await app.subscribe('esa2', 'secret', 'COUNT_ONLY')
  await app.end('esa1', 'shared', first)
  t.strictSame(await read(app, 'root'), ['esa2 secret ACTIVE', 'esa1 shared UNSUBSCRIBED'])
  t.strictSame(await read(app, 'ann'), ['esa1 shared UNSUBSCRIBED'])
  t.strictSame(await read(app, 'rob'), [])
  t.strictSame(await read(app, 'esa1'), ['403 NOT_PERMITTED'])

  const [one] = (await app.ask('ann', 'GET /api/v1/subscriptions')).body.subscriptions
  const { createdAt, changedAt, ...rest } = one
  t.ok(Date.parse(createdAt) <= Date.parse(changedAt))
  t.strictSame(rest, {
    id: first,
    account: 'esa1',
    collection: 'shared',
    status: 'UNSUBSCRIBED',
    responseType: 'FULL',
    contentBindings: [stix12],
  })
})

t.test('what is filtered by must be known to the one who asks', async (t) => {
  const { db } = await openTestStore(t, 'postgresql')
  const app = await open(t, db)
  await app.subscribe('esa1', 'shared')
  await app.subscribe('esa2', 'secret')
  const rows: readonly [who: string, query: string, wanted: string[]][] = [
    ['root', '?account=esa2', ['esa2 secret ACTIVE']],
    ['root', '?account=ann', []],
    ['root', '?account=nobody', ['404 ACCOUNT_NOT_FOUND']],
    ['root', '?account=%00', ['404 ACCOUNT_NOT_FOUND']],
    ['root', '?collection=secret', ['esa2 secret ACTIVE']],
    ['root', '?account=esa1&collection=secret', []],
    ['root', '?collection=nowhere', ['404 COLLECTION_NOT_FOUND']],
    ['ann', '?collection=shared', ['esa1 shared ACTIVE']],
    ['ann', '?collection=secret', ['404 COLLECTION_NOT_FOUND']],
    ['ann', '?account=esa1', ['esa1 shared ACTIVE']],
    ['ann', '?account=ann', []],
    ['ann', '?account=esa2', ['404 ACCOUNT_NOT_FOUND']],
    ['root', '?status=ACTIVE', ['400 VALIDATION_FAILED']],
  ]
  for (const [who, query, wanted] of rows) {
    t.strictSame(await read(app, who, query), wanted, `${who} ${query}`)
  }
})

t.test('pages meet, and a cursor of another list is none', async (t) => {
  const { db } = await openTestStore(t, 'postgresql')
  const app = await open(t, db)
  for (const who of ['root', 'ann', 'esa1']) {
    await app.subscribe(who, 'shared')
    await app.subscribe(who, 'shared', 'COUNT_ONLY')
  }
  const seen: string[] = []
  let query = '?limit=4'
  for (let page = 0; page < 2; page += 1) {
    const { body } = await app.ask('root', `GET /api/v1/subscriptions${query}`)
    seen.push(...body.subscriptions.map(({ id }: SubscriptionJson) => id))
    query = `?limit=4&cursor=${body.next}`
    t.equal(body.next === null, page === 1)
  }
  t.equal(new Set(seen).size, 6)
  const { next } = (await app.ask('root', 'GET /api/v1/accounts?limit=1')).body
  const cursor = `?cursor=${next}`
  t.strictSame(await read(app, 'root', cursor), ['400 VALIDATION_FAILED'])
})
