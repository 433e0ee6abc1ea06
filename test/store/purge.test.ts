import { sql } from 'kysely'
import t from 'tap'
import { recall, settleRecalls, undoRecall } from '../../src/intake/recall.ts'
import { refresh } from '../../src/intake/refresh.ts'
import type { Snapshot } from '../../src/model/feed.ts'
import { createAccount } from '../../src/store/accounts.ts'
import { readCollections } from '../../src/store/collections.ts'
import type { Db } from '../../src/store/db.ts'
import { readBlocks, readSafeLabel } from '../../src/store/feed.ts'
import { createHeadReader } from '../../src/store/packages.ts'
import { purge } from '../../src/store/purge.ts'
import { writeResultSet } from '../../src/store/result-sets.ts'
import { findFaults, readLiveBlocks } from '../helpers/sound-feed.ts'
import { forEachStore } from '../helpers/stores.ts'
import { day, steerClock } from '../intake/clock.ts'
import { aCollection, createTestIntake, reportOn } from '../intake/reports.ts'

const lifetime = { resultSetSeconds: 86_400 }
const hosts = ['a', 'b', 'c'].map((name) => `${name}.taxiway-demo.com`)

async function countRows(db: Db) {
  const { rows } = await sql<Record<string, number>>`
    select (select count(*) from packages)::integer as packages,
      (select count(*) from blocks)::integer as blocks,
      (select count(*) from publications)::integer as publications,
      (select count(*) from withdrawals)::integer as withdrawals`.execute(db)
  return rows[0]
}

async function readAll(db: Db, snapshot: Snapshot, end: number): Promise<number> {
  let count = 0
  for await (const batch of readBlocks(db, createHeadReader(db), snapshot, {
    begin: undefined,
    end,
  })) {
    count += batch.length
  }
  return count
}

async function snapshotOf(db: Db) {
  const [collection] = await readCollections(db)
  if (!collection) throw new Error('no collection')
  const { safe, asOf } = await readSafeLabel(db, collection.id)
  const binding = 'urn:stix.mitre.org:xml:1.2' as const
  return { snapshot: { collectionId: collection.id, binding, asOf }, end: safe }
}

t.test('packages go when no result set can hold them, blocks when no client does', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const clock = await steerClock(db)
    const intake = createTestIntake(t, db)
    await createAccount(db, 'esa1', 'x', 'reader')
    await intake.settle(aCollection({ refreshDays: 1 }))
    await intake.take([reportOn(hosts)])
    const before = await snapshotOf(db)
    await clock.advance(day)
    await refresh(intake)
    t.same(await countRows(db), { packages: 6, blocks: 6, publications: 2, withdrawals: 0 })

    t.same(await purge(db, lifetime), { packages: 0, blocks: 0, publications: 0 })
    t.equal(await readAll(db, before.snapshot, before.end), 3, 'a poll under way goes on')
    // Just refreshed: what was superseded a moment ago may be in a result set for a day more.
    await clock.advance(1.01 * day)
    t.same(await purge(db, lifetime), { packages: 3, blocks: 0, publications: 0 })
    t.same(await purge(db, lifetime), { packages: 0, blocks: 0, publications: 0 })
    await t.rejects(readAll(db, before.snapshot, before.end), /package of block \d+ is gone/)
    const now = await snapshotOf(db)
    t.equal(await readAll(db, now.snapshot, now.end), 3)

    await clock.advance(30 * day)
    t.same(await purge(db, lifetime), { packages: 0, blocks: 3, publications: 1 })
    t.same((await readLiveBlocks(db)).length, 3)
    t.same(await findFaults(db, { purged: true }), {})
  })
})

t.test('a result set keeps what it holds, however long it lives', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const clock = await steerClock(db)
    const intake = createTestIntake(t, db)
    const account = await createAccount(db, 'esa1', 'x', 'reader')
    if (!account) throw new Error('no account')
    await intake.settle(aCollection({ refreshDays: 1 }))
    await intake.take([reportOn(hosts)])
    const { snapshot, end } = await snapshotOf(db)
    const range = { begin: undefined, end }
    const set = { accountId: account.id, snapshot, range, partEnds: [end], recordCount: 3 }
    await writeResultSet(db, set, 86_400 * 10)
    for (let days = 0; days < 5; days += 1) {
      await clock.advance(day)
      await refresh(intake)
    }
    await purge(db, lifetime)
    t.equal(await readAll(db, snapshot, end), 3)
    await sql`update result_sets set expires_at = now()`.execute(db)
    t.ok((await purge(db, lifetime)).packages >= 3)
    t.same((await sql`select id from result_sets`.execute(db)).rows, [])
  })
})

t.test('what was withdrawn leaves nothing behind, and can come back', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const clock = await steerClock(db)
    const intake = createTestIntake(t, db)
    await intake.settle(aCollection())
    await intake.take([reportOn(hosts)])
    const why = { reason: 'test', by: 'ana' }
    const { id } = await recall(intake, { subject: { source: 'otx' }, ...why })
    t.same(await purge(db, lifetime), { packages: 0, blocks: 0, publications: 0 })
    await sql`update withdrawals set withdrawn_at = withdrawn_at - interval '2 days'`.execute(db)
    t.same(await purge(db, lifetime), { packages: 3, blocks: 0, publications: 0 })
    await sql`update withdrawals set withdrawn_at = withdrawn_at - interval '31 days'`.execute(db)
    // The collection's last publication stays: it tells the last label.
    t.same(await purge(db, lifetime), { packages: 0, blocks: 3, publications: 0 })
    t.same(await countRows(db), { packages: 0, blocks: 0, publications: 1, withdrawals: 0 })

    await clock.advance(-day)
    await undoRecall(intake, id, 'ben')
    t.match(await settleRecalls(intake), { published: 3 })
    const { snapshot, end } = await snapshotOf(db)
    t.equal(await readAll(db, snapshot, end), 3)
    t.same(await findFaults(db, { purged: true }), {})
  })
})
