import { sql } from 'kysely'
import t from 'tap'
import { createAccount } from '../../src/store/accounts.ts'
import { readCollections, writeCollection } from '../../src/store/collections.ts'
import type { Db } from '../../src/store/db.ts'
import {
  changeSubscription,
  findSubscription,
  listSubscriptions,
  subscribe,
} from '../../src/store/subscriptions.ts'
import { forEachStore } from '../helpers/stores.ts'
import { aCollection } from '../intake/reports.ts'

async function makeOwner(db: Db, name: string) {
  const account = await createAccount(db, name, 'hash', 'reader')
  await writeCollection(db, aCollection({ name: `of ${name}` }))
  const collection = (await readCollections(db)).find((one) => one.name === `of ${name}`)
  if (!account || !collection) throw new Error('there is such an account already')
  return { accountId: account.id, collectionId: collection.id }
}

const all = { responseType: 'FULL', contentBindings: [] } as const

t.test('a subscription comes back as it was made, to its owner alone', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const owner = await makeOwner(db, 'one')
    const other = await makeOwner(db, 'other')
    const made = await subscribe(db, {
      ...owner,
      responseType: 'COUNT_ONLY',
      contentBindings: ['urn:stix.mitre.org:xml:1.2', 'urn:stix.mitre.org:xml:1.1.1'],
    })
    t.match(made.id, /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/)
    t.equal(made.status, 'ACTIVE')
    t.strictSame(await findSubscription(db, owner, made.id), made)
    t.strictSame(await listSubscriptions(db, owner), [made])
    for (const stranger of [
      other,
      { ...owner, accountId: other.accountId },
      { ...owner, collectionId: other.collectionId },
    ]) {
      t.equal(await findSubscription(db, stranger, made.id), undefined)
      t.equal(await changeSubscription(db, stranger, made.id, 'UNSUBSCRIBED'), undefined)
      t.strictSame(await listSubscriptions(db, stranger), [])
    }
    t.strictSame(await findSubscription(db, owner, made.id), made)
  })
})

t.test('many who subscribe to the same at once get one subscription', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const owner = await makeOwner(db, 'one')
    const made = await Promise.all(
      Array.from({ length: 20 }, () => subscribe(db, { ...owner, ...all })),
    )
    t.equal(new Set(made.map(({ id }) => id)).size, 1)
    t.equal((await listSubscriptions(db, owner)).length, 1)
  })
})

t.test('what is ended stays ended, and the same is subscribed to anew', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const owner = await makeOwner(db, 'one')
    const first = await subscribe(db, { ...owner, ...all })
    t.match(await changeSubscription(db, owner, first.id, 'PAUSED'), { status: 'PAUSED' })
    t.match(await subscribe(db, { ...owner, ...all }), { id: first.id, status: 'PAUSED' })
    t.match(await changeSubscription(db, owner, first.id, 'ACTIVE'), { status: 'ACTIVE' })
    for (const status of ['UNSUBSCRIBED', 'ACTIVE', 'PAUSED'] as const) {
      const changed = await changeSubscription(db, owner, first.id, status)
      t.match(changed, { status: 'UNSUBSCRIBED' }, status)
    }
    const second = await subscribe(db, { ...owner, ...all })
    t.not(second.id, first.id)
    t.strictSame(
      (await listSubscriptions(db, owner)).map(({ status }) => status),
      ['UNSUBSCRIBED', 'ACTIVE'],
    )
  })
})

t.test('of those that are ended the last hundred are kept', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const owner = await makeOwner(db, 'one')
    const other = await makeOwner(db, 'other')
    const kept = await subscribe(db, { ...other, ...all })
    await changeSubscription(db, other, kept.id, 'UNSUBSCRIBED')
    const live = await subscribe(db, { ...owner, ...all, responseType: 'COUNT_ONLY' })
    await sql`
      insert into subscriptions
      select 'old-' || n, account_id, collection_id, 'UNSUBSCRIBED', 'FULL', '{}', created_at,
        changed_at - n * interval '1 second'
      from subscriptions, generate_series(1, 120) as n where id = ${live.id}`.execute(db)
    const last = await subscribe(db, { ...owner, ...all })
    await changeSubscription(db, owner, last.id, 'UNSUBSCRIBED')
    const ids = (await listSubscriptions(db, owner)).map(({ id }) => id)
    t.equal(ids.length, 101)
    t.ok(ids.includes(live.id) && ids.includes(last.id))
    t.ok(ids.includes('old-99') && !ids.includes('old-100'))
    t.ok(await findSubscription(db, other, kept.id))
  })
})

t.test('subscriptions go with their account', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const owner = await makeOwner(db, 'one')
    await subscribe(db, { ...owner, ...all })
    await db.deleteFrom('accounts').where('id', '=', owner.accountId).execute()
    t.strictSame(await listSubscriptions(db, owner), [])
  })
})
