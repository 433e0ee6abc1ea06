import { sql } from 'kysely'
import t from 'tap'
import {
  changePassword,
  createAccount,
  findAccount,
  grantRead,
  hasAdministrator,
  readAccounts,
  readGrants,
} from '../../src/store/accounts.ts'
import { readCollections, writeCollection } from '../../src/store/collections.ts'
import type { Db } from '../../src/store/db.ts'
import { readRejections, writeRejections } from '../../src/store/rejections.ts'
import { findResultSet, movePartEnds, writeResultSet } from '../../src/store/result-sets.ts'
import { getSourceId, readCursor, saveCursor } from '../../src/store/sources.ts'
import { forEachStore } from '../helpers/stores.ts'
import { aCollection, dayAfterStart, start } from '../intake/reports.ts'

async function makeReader(db: Db, name: string) {
  const account = await createAccount(db, name, 'hash', 'reader')
  if (!account) throw new Error('there is such an account already')
  return account
}

async function makeCollection(db: Db, name: string) {
  await writeCollection(db, aCollection({ name }))
  const collection = (await readCollections(db)).find((one) => one.name === name)
  if (!collection) throw new Error('the collection was not stored')
  return collection
}

async function makeResultSet(db: Db, lifetimeSeconds: number) {
  const account = await makeReader(db, 'reader')
  const { id: collectionId } = await makeCollection(db, 'all')
  const snapshot = { collectionId, binding: 'urn:stix.mitre.org:xml:1.1.1', asOf: 17 } as const
  const range = { begin: 1_780_000_000_000_001, end: 1_780_000_000_000_999 }
  const partEnds = [1_780_000_000_000_500, range.end]
  const set = { accountId: account.id, snapshot, range, partEnds, recordCount: 7 }
  return { account, made: await writeResultSet(db, set, lifetimeSeconds) }
}

t.test('a result set comes back as it was made, to its account alone', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const { account, made } = await makeResultSet(db, 60)
    const other = await makeReader(db, 'other')
    t.strictSame(await findResultSet(db, account.id, made.id), made)
    t.equal(await findResultSet(db, other.id, made.id), undefined)
    t.equal(await findResultSet(db, account.id, 'no such set'), undefined)

    const open = { ...made, range: { begin: undefined, end: 5 }, partEnds: [5] }
    const second = await writeResultSet(db, open, 60)
    t.not(second.id, made.id)
    t.strictSame(await findResultSet(db, account.id, second.id), second)
  })
})

t.test(
  'a result set that has expired is not found, and is gone when the next is made',
  async (t) => {
    await forEachStore(t, async (t, { db }) => {
      const { account, made } = await makeResultSet(db, 60)
      await sql`update result_sets set expires_at = now()`.execute(db)
      t.equal(await findResultSet(db, account.id, made.id), undefined)
      const next = await writeResultSet(db, made, 60)
      t.same((await sql`select id from result_sets`.execute(db)).rows, [{ id: next.id }])
    })
  },
)

t.test(
  'of two that move the part ends of a set, the second gets what the first made',
  async (t) => {
    await forEachStore(t, async (t, { db }) => {
      const { account, made } = await makeResultSet(db, 60)
      const { end } = made.range
      const moved = await movePartEnds(db, made, [end - 1, end])
      t.same(moved.partEnds, [end - 1, end])
      const late = await movePartEnds(db, made, [end - 2, end])
      t.same(late.partEnds, [end - 1, end])
      t.strictSame(await findResultSet(db, account.id, made.id), late)
      t.same((await movePartEnds(db, late, [end])).partEnds, [end])
    })
  },
)

t.test('an account has one name, and reads what it was granted', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    t.equal(await hasAdministrator(db), false)
    const reader = await makeReader(db, 'reader')
    t.equal(await hasAdministrator(db), false)
    t.equal(await createAccount(db, 'reader', 'other', 'administrator'), undefined)
    t.same(await findAccount(db, 'reader'), {
      account: reader,
      passwordHash: 'hash',
      disabled: false,
      credentialsVersion: 1,
    })
    t.equal(await findAccount(db, 'Reader'), undefined)
    await createAccount(db, 'admin', 'hash', 'administrator')
    t.equal(await hasAdministrator(db), true)

    const [one, two] = [await makeCollection(db, 'one'), await makeCollection(db, 'two')]
    t.same(await readGrants(db, reader.id), new Map())
    await grantRead(db, reader.id, two.id)
    await grantRead(db, reader.id, one.id)
    await grantRead(db, reader.id, one.id)
    const granted = { read: true, write: false }
    t.same(
      await readGrants(db, reader.id),
      new Map([
        [one.id, granted],
        [two.id, granted],
      ]),
    )
    t.same(
      (await readAccounts(db)).map(({ name, role, reads }) => ({ name, role, reads })),
      [
        { name: 'admin', role: 'administrator', reads: [] },
        { name: 'reader', role: 'reader', reads: ['one', 'two'] },
      ],
    )
  })
})

t.test('a password is changed where there is the account', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    await makeReader(db, 'reader')
    t.equal(await changePassword(db, 'reader', 'new'), true)
    t.equal(await changePassword(db, 'nobody', 'new'), false)
    t.match(await findAccount(db, 'reader'), { passwordHash: 'new' })
  })
})

t.test('a source is made at its first use, and keeps its cursor', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const [otx, same] = await Promise.all([getSourceId(db, 'otx'), getSourceId(db, 'otx')])
    t.equal(otx, same)
    const other = await getSourceId(db, 'other')
    t.not(other, otx)
    t.same(await readCursor(db, otx), {})
    const cursor = { walk: { nextPage: 7, newest: "O'Hara" }, list: [1, null] }
    await saveCursor(db, otx, cursor)
    t.same(await readCursor(db, otx), cursor)
    t.same(await readCursor(db, other), {})

    const undone = new Error('something after it failed')
    const failed = db.transaction().execute(async (trx) => {
      await saveCursor(trx, otx, {})
      throw undone
    })
    await t.rejects(failed, undone)
    t.same(await readCursor(db, otx), cursor)
  })
})

t.test('a rejection that is met again is counted, not repeated', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const otx = await getSourceId(db, 'otx')
    const other = await getSourceId(db, 'other')
    const rejection = { place: 'pulse 1', reason: 'missing-field', detail: 'name' }
    const elsewhere = { ...rejection, place: 'pulse 2' }
    await writeRejections(db, otx, [], start)
    await writeRejections(db, otx, [rejection, rejection, elsewhere], start)
    await writeRejections(db, other, [rejection], start)
    await writeRejections(db, otx, [{ ...rejection, detail: 'author' }], dayAfterStart(1))
    const again = { source: 'otx', ...rejection, detail: 'author', times: 2 }
    t.same(await readRejections(db, 1), [{ ...again, lastSeen: dayAfterStart(1) }])
    const all = (await readRejections(db, 10)).map(({ source, place, times }) => [
      source,
      place,
      times,
    ])
    t.same(new Set(all.map(String)), new Set(['otx,pulse 1,2', 'otx,pulse 2,1', 'other,pulse 1,1']))
  })
})
