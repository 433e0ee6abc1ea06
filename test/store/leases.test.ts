import { sql } from 'kysely'
import t from 'tap'
import { LeaseLost } from '../../src/model/errors.ts'
import type { Db } from '../../src/store/db.ts'
import {
  acquireLease,
  checkLease,
  type Lease,
  releaseLease,
  renewLease,
} from '../../src/store/leases.ts'
import { forEachStore, openTestStore } from '../helpers/stores.ts'

const ttlMs = 60_000
const name = 'otx'

const tryAs = (db: Db, holder: string) => acquireLease(db, { name, holder }, ttlMs)

async function getAs(db: Db, holder: string): Promise<Lease> {
  const token = await tryAs(db, holder)
  if (token === undefined) throw new Error(`${holder} did not get the lease`)
  return { name, holder, token }
}

/** Moves the expiry, as if the database's clock had gone the other way. */
async function expireIn(db: Db, ms: number): Promise<void> {
  await sql`update leases set expires_at = clock_timestamp() + ${ms} * interval '1 ms'
    where name = ${name}`.execute(db)
}

async function readRow(db: Db): Promise<unknown> {
  const { rows } = await sql`
    select holder, token, expires_at, ctid::text, xmin::text, xmax::text from leases`.execute(db)
  return rows[0]
}

t.test('one at a time has a lease, and nobody gets one that is held', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const first = await getAs(db, 'first')
    t.equal(first.token, 1)
    const row = await readRow(db)
    t.match(row, { holder: 'first', token: 1 })
    t.equal(await tryAs(db, 'second'), undefined)
    t.equal(await tryAs(db, 'first'), undefined, 'not even who has it')
    t.same(await readRow(db), row, 'who only tries writes and locks nothing')
    t.equal(
      await acquireLease(db, { name: 'sweep', holder: 'second' }, ttlMs),
      1,
      'another is free',
    )
    await checkLease(db, first)
  })
})

t.test('a lease that has run out goes to the next, with a higher token', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const first = await getAs(db, 'first')
    await expireIn(db, 0)
    const second = await getAs(db, 'second')
    t.equal(second.token, 2)
    await checkLease(db, second)
    await t.rejects(checkLease(db, first), LeaseLost)
    await t.rejects(checkLease(db, first), { code: 'LEASE_LOST', lease: name })
    const row = await readRow(db)
    t.equal(await renewLease(db, first, ttlMs), false)
    t.equal(await releaseLease(db, first), false)
    t.same(await readRow(db), row, 'its former holder changes nothing any more')
  })
})

t.test('tokens only go up, also over a release and for one holder', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const tokens: number[] = []
    for (const end of ['release', 'expire', 'release', 'release', 'expire']) {
      const lease = await getAs(db, 'same')
      tokens.push(lease.token)
      if (end === 'expire') {
        await expireIn(db, -1_000)
        continue
      }
      t.equal(await releaseLease(db, lease), true)
      t.match(await readRow(db), { holder: null, token: lease.token }, 'the row stays')
      t.equal(await releaseLease(db, lease), false, 'not twice')
      t.equal(await renewLease(db, lease, ttlMs), false, 'what was released comes not back')
      await t.rejects(checkLease(db, lease), LeaseLost)
    }
    t.same(tokens, [1, 2, 3, 4, 5])
  })
})

t.test('a renewal counts from its own moment', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const lease = await getAs(db, 'first')
    await expireIn(db, 5)
    t.equal(await renewLease(db, lease, ttlMs), true)
    const { rows } = await sql<{ ms: number }>`
      select (extract(epoch from expires_at - clock_timestamp()) * 1000)::float8 as ms
      from leases`.execute(db)
    t.ok(Number(rows[0]?.ms) > ttlMs / 2)
    t.ok(Number(rows[0]?.ms) <= ttlMs)
    await expireIn(db, -3_600_000)
    await checkLease(db, lease)
    t.equal(await renewLease(db, lease, ttlMs), true, 'one that ran out while nobody else took it')
    t.equal(await tryAs(db, 'second'), undefined)
  })
})

t.test('an expiry far ahead is of a clock that has stepped back, and counts as past', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const first = await getAs(db, 'first')
    await expireIn(db, ttlMs + 5_000)
    t.equal(await tryAs(db, 'second'), undefined, 'a small step is waited for')
    await expireIn(db, 3_600_000)
    t.equal((await getAs(db, 'second')).token, 2)
    await t.rejects(checkLease(db, first), LeaseLost)
  })
})

t.test('of many who try at once, one gets it', async (t) => {
  const { db } = await openTestStore(t, 'postgresql')
  for (let round = 1; round <= 20; round++) {
    const tries = await Promise.all(Array.from({ length: 10 }, (_, one) => tryAs(db, `h${one}`)))
    t.same(
      tries.filter((token) => token !== undefined),
      [round],
    )
    await expireIn(db, -1)
  }
})

async function waitForLock(db: Db): Promise<void> {
  const waiting = sql`select from pg_stat_activity
    where datname = current_database() and wait_event_type = 'Lock'`
  while ((await waiting.execute(db)).rows.length === 0);
}

t.test('who waited for a renewal under way sees what it did', async (t) => {
  const { db } = await openTestStore(t, 'postgresql')
  const first = await getAs(db, 'first')
  await expireIn(db, -1)
  let attempt: Promise<number | undefined> | undefined
  await db.transaction().execute(async (trx) => {
    t.equal(await renewLease(trx, first, ttlMs), true)
    attempt = tryAs(db, 'second')
    await waitForLock(db)
  })
  t.equal(await attempt, undefined)
  await checkLease(db, first)
})

t.test('a writer that has looked keeps nobody from taking over', async (t) => {
  const { db } = await openTestStore(t, 'postgresql')
  const first = await getAs(db, 'first')
  await db.transaction().execute(async (trx) => {
    await checkLease(trx, first)
    await expireIn(db, -1)
    const second = await getAs(db, 'second')
    t.equal(second.token, 2, 'while the transaction of the first is open')
    await t.rejects(checkLease(trx, first), LeaseLost, 'and it learns of that')
  })
})
