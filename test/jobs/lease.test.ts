import { setImmediate } from 'node:timers/promises'
import { type KyselyPlugin, sql } from 'kysely'
import t, { type Test } from 'tap'
import { writeInTurn } from '../../src/intake/intake.ts'
import { type HeldLease, holdLease } from '../../src/jobs/lease.ts'
import { LeaseLost } from '../../src/model/errors.ts'
import type { Db } from '../../src/store/db.ts'
import { acquireLease } from '../../src/store/leases.ts'
import { forEachStore, openTestStore } from '../helpers/stores.ts'

const name = 'otx'

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await setImmediate()
}

// Long enough for a busy machine: nothing is held against how fast it answers.
const patientMs = 6_000

const untilAborted = (signal: AbortSignal) => until(() => signal.aborted)

/** A process that tries to get the lease, with all that happens to it. */
function startHolder(
  t: Test,
  db: Db,
  holder: string,
  { ttlMs = 1_500, work = ({ signal }: HeldLease) => untilAborted(signal) } = {},
) {
  const events: string[] = []
  const failures: string[] = []
  const got: HeldLease[] = []
  const stop = holdLease(
    {
      db,
      name,
      holder,
      ttlMs,
      onGot: (token) => events.push(`got ${token}`),
      onEnd: (lost) => events.push(lost ? lost.message : 'given back'),
      onFailure: (error, inARow) => failures.push(`${inARow}: ${error.message}`),
    },
    async (held) => {
      got.push(held)
      events.push('work')
      try {
        await work(held)
      } finally {
        events.push('worked')
      }
    },
  )
  t.teardown(stop)
  const working = async () => {
    await until(() => got.some(({ signal }) => !signal.aborted))
    return got.at(-1) as HeldLease
  }
  return { events, failures, got, stop, working }
}

async function readLease(db: Db) {
  const { rows } = await sql<{ holder: string | null; token: number; expires: string }>`
    select holder, token, expires_at::text as expires from leases where name = ${name}`.execute(db)
  return rows[0]
}

/** The lease runs out and goes to somebody else, whatever its holder believes. */
async function takeOver(db: Db, ttlMs = 60_000): Promise<number> {
  for (;;) {
    await sql`update leases set expires_at = clock_timestamp() where name = ${name}`.execute(db)
    const token = await acquireLease(db, { name, holder: 'other' }, ttlMs)
    if (token !== undefined) return token
  }
}

t.test('one works and the other stands by, until the first is stopped', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    // So long that only a release can explain the hand-over.
    const ttlMs = 15_000
    const first = startHolder(t, db, 'first', { ttlMs })
    const { token, signal } = await first.working()
    t.equal(token, 1)
    const second = startHolder(t, db, 'second', { ttlMs })
    t.equal(signal.aborted, false)
    t.same(second.events, [])
    const began = performance.now()
    await first.stop()
    t.same(first.events, ['got 1', 'work', 'worked', 'given back'], 'the work was waited for')
    t.notOk(signal.reason instanceof LeaseLost)
    t.equal((await second.working()).token, 2)
    t.ok(performance.now() - began < ttlMs / 2)
    await second.stop()
    t.match(await readLease(db), { holder: null, token: 2 })
    t.same([...first.failures, ...second.failures], [])
  })
})

t.test('a lease is held for longer than it lasts', async (t) => {
  const { db } = await openTestStore(t, 'postgresql')
  const ttlMs = 3_000
  const first = startHolder(t, db, 'first', { ttlMs })
  await first.working()
  const second = startHolder(t, db, 'second', { ttlMs })
  const expiries = new Set<string | undefined>()
  await until(async () => expiries.add((await readLease(db))?.expires).size === 5)
  t.match(await readLease(db), { holder: 'first', token: 1 })
  t.same(first.events, ['got 1', 'work'])
  t.same(second.events, [])
})

t.test('who learns that another took the lease over stops, and stands by', async (t) => {
  const { db } = await openTestStore(t, 'postgresql')
  let release = () => {}
  const released = new Promise<void>((resolve) => {
    release = resolve
  })
  const work = async ({ signal }: HeldLease) => {
    await released
    await untilAborted(signal)
  }
  const first = startHolder(t, db, 'first', { ttlMs: patientMs, work })
  const { signal } = await first.working()
  t.equal(await takeOver(db), 2)
  await untilAborted(signal)
  t.match(signal.reason, { code: 'LEASE_LOST', lease: name })
  const lost = `the lease "otx" is lost: another process has taken it over`
  t.same(first.events, ['got 1', 'work', lost], 'told before the work has ended')
  release()
  await until(() => first.events.includes('worked'))
  t.match(await readLease(db), { holder: 'other', token: 2 }, 'which it does not release')
  await sql`update leases set expires_at = clock_timestamp()`.execute(db)
  t.equal((await first.working()).token, 3, 'and gets it back when the other has gone')
  t.same(first.failures, [])
})

t.test('a holder whom the database does not answer gives up by its own clock', async (t) => {
  const { db } = await openTestStore(t, 'postgresql')
  const first = startHolder(t, db, 'first')
  const { signal } = await first.working()
  await db.transaction().execute(async (trx) => {
    await sql`select from leases for update`.execute(trx)
    await untilAborted(signal)
  })
  t.match(signal.reason, {
    code: 'LEASE_LOST',
    message: 'the lease "otx" is lost: it could not be renewed for 1500 ms',
    cause: { code: 'STORE_UNAVAILABLE' },
  })
  t.ok((await first.working()).token > 1, 'and works on when it answers again')
})

/** Lets statements on the leases fail, and counts them. */
function createBrokenDb(db: Db) {
  const broken = { now: false, statements: 0 }
  const plugin: KyselyPlugin = {
    transformQuery: ({ node }) => {
      broken.statements += 1
      if (broken.now) throw new Error('the database is away')
      return node
    },
    transformResult: async ({ result }) => result,
  }
  return { broken, db: db.withPlugin(plugin) }
}

t.test('a renewal that fails is tried again while the lease lasts', async (t) => {
  const store = await openTestStore(t, 'postgresql')
  const { broken, db } = createBrokenDb(store.db)
  const first = startHolder(t, db, 'first', { ttlMs: 3_000 })
  const { signal } = await first.working()
  broken.now = true
  const before = broken.statements
  await until(() => broken.statements > before + 1)
  broken.now = false
  const expiries = new Set<string | undefined>()
  await until(async () => expiries.add((await readLease(store.db))?.expires).size === 2)
  t.equal(signal.aborted, false)
  t.same(first.events, ['got 1', 'work'])
})

t.test('a database that is away ends no loop', async (t) => {
  const store = await openTestStore(t, 'postgresql')
  const { broken, db } = createBrokenDb(store.db)
  broken.now = true
  const first = startHolder(t, db, 'first')
  await until(() => first.failures.length > 2)
  t.same(
    first.failures.slice(0, 3),
    [1, 2, 3].map((inARow) => `${inARow}: the database is away`),
  )
  broken.now = false
  await first.working()
  broken.now = true
  const told = first.failures.length
  await until(() => first.failures.length > told)
  t.match(first.failures.at(-1), /^1: /, 'counted anew')
  t.match(first.events.at(-2), /could not be renewed/)
  broken.now = false
  await first.working()
  await first.stop()
})

t.test('work that fails is reported and begun again under a new token', async (t) => {
  const { db } = await openTestStore(t, 'postgresql')
  const work = async ({ token, signal }: HeldLease) => {
    if (token < 3) throw new Error(`failed under ${token}`)
    await untilAborted(signal)
  }
  const first = startHolder(t, db, 'first', { ttlMs: patientMs, work })
  await until(() => first.events.includes('got 3'))
  t.same(first.failures, ['1: failed under 1', '1: failed under 2'])
})

t.test('the fence lets no outdated holder write, and ends its work', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    // So long that only the fence can have noticed.
    const first = startHolder(t, db, 'first', { ttlMs: 15_000 })
    const { fence, signal } = await first.working()
    const clock = () => new Date()
    let writes = 0
    const write = () => writeInTurn({ db, clock, fence }, async () => ++writes)
    t.equal(await write(), 1)
    await takeOver(db)
    t.equal(signal.aborted, false)
    await t.rejects(write(), LeaseLost)
    t.equal(signal.aborted, true)
    await t.rejects(write(), LeaseLost)
    t.equal(writes, 1)

    const second = startHolder(t, db, 'second', { ttlMs: 15_000 })
    await sql`update leases set expires_at = clock_timestamp()`.execute(db)
    const current = () => [...first.got, ...second.got].find((held) => !held.signal.aborted)
    await until(() => current() !== undefined)
    const held = current()
    if (!held) throw new Error('nobody works')
    await Promise.all([first.stop(), second.stop()])
    await t.rejects(writeInTurn({ db, clock, fence: held.fence }, async () => ++writes))
    t.equal(writes, 1, 'nor does one that has given the lease back')
  })
})

t.test('what an outdated holder has begun comes before all that its successor does', async (t) => {
  const { db } = await openTestStore(t, 'postgresql')
  const clock = () => new Date()
  const first = startHolder(t, db, 'first', { ttlMs: 60_000 })
  const { fence } = await first.working()
  const written: string[] = []
  let successor: Promise<unknown> | undefined
  await writeInTurn({ db, clock, fence }, async (trx) => {
    // Past the fence it is overtaken. A plain look at the lease would have let the successor write now.
    const token = await takeOver(db)
    successor = writeInTurn({ db, clock }, async () => written.push(`successor, token ${token}`))
    const waiting = sql`select from pg_locks where locktype = 'advisory' and not granted
      and database = (select oid from pg_database where datname = current_database())`
    await until(async () => (await waiting.execute(trx)).rows.length > 0)
    written.push('outdated holder')
  })
  await successor
  await t.rejects(
    writeInTurn({ db, clock, fence }, async () => written.push('too late')),
    LeaseLost,
  )
  t.same(written, ['outdated holder', 'successor, token 2'])
})
