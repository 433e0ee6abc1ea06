import { sql } from 'kysely'
import t, { type Test } from 'tap'
import { walkOtx } from '../../src/ingest/walk-otx.ts'
import { LeaseLost } from '../../src/model/errors.ts'
import { createOtxClient } from '../../src/sources/otx/client.ts'
import { buildOtxStandin, type StandinPulse } from '../../src/standins/otx.ts'
import { lockIntake } from '../../src/store/blocks.ts'
import type { Db } from '../../src/store/db.ts'
import { acquireLease, checkLease } from '../../src/store/leases.ts'
import { getSourceId, readCursor, saveCursor } from '../../src/store/sources.ts'
import { secret } from '../helpers/secrets.ts'
import { assertSoundFeed, readLiveValues } from '../helpers/sound-feed.ts'
import { openTestStore } from '../helpers/stores.ts'
import { aCollection, createTestIntake } from '../intake/reports.ts'
import { anIndicator, aPulse } from '../sources/otx/pulses.ts'

const apiKey = secret('OTX key')

const moment = '2026-05-01T00:00:00.000Z'
const place = { since: moment, begun: moment, pageSize: 2 }

async function startOtx(t: Test, pulses: readonly StandinPulse[]) {
  const otx = buildOtxStandin({ pulses, apiKey })
  /** what happens before a page is sent */
  const asked = { page: async (_page: string | undefined) => {} }
  otx.app.addHook('preHandler', async (request, reply) => {
    if (!request.url.startsWith('/api/v1/pulses/subscribed?')) return
    const { page } = request.query as { page?: string }
    await asked.page(page)
    if (page === '9') return reply.code(404).send({ detail: 'Invalid page.' })
  })
  const url = await otx.app.listen({ port: 0, host: '127.0.0.1' })
  t.teardown(() => otx.app.close())
  return { otx, url, asked }
}

/** Takes the lease, whoever has it, and walks under it. */
async function takeOver(t: Test, db: Db, url: string, holder: string) {
  await sql`update leases set expires_at = clock_timestamp()`.execute(db)
  const token = await acquireLease(db, { name: 'otx', holder }, 60_000)
  if (token === undefined) throw new Error(`${holder} did not get the lease`)
  const lease = { name: 'otx', holder, token }
  return async (through: Db = db) => {
    const client = createOtxClient({ url, apiKey, pageSize: 2, retries: 0 })
    const fence = (trx: Db) => checkLease(trx, lease)
    try {
      await walkOtx(
        { ...createTestIntake(t, db), db: through, fence },
        { client, defaultTlp: 'white', confidence: 25 },
      )
    } finally {
      await client.close()
    }
  }
}

/** The same database, whose transactions wait for what is given, each by its number from 1. */
function pauseBefore(db: Db, wait: (transaction: number) => Promise<void>): Db {
  let transactions = 0
  const transaction = () => ({
    execute: async (work: (trx: Db) => Promise<unknown>) => {
      transactions += 1
      await wait(transactions)
      return db.transaction().execute(work)
    },
  })
  return new Proxy(db, {
    get(target, key) {
      if (key === 'transaction') return transaction
      const value = Reflect.get(target, key, target)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}

/** Larger than two transactions; the second half of its indicators is of this revision alone. */
function largePulse(revision: number): StandinPulse {
  const hosts = Array.from({ length: 5_200 }, (_, n) =>
    n < 2_600 ? `h${n}.taxiway-demo.com` : `h${n}-of-${revision}.taxiway-demo.com`,
  )
  const indicators = hosts.map((indicator, id) => anIndicator({ id, indicator }))
  return aPulse({ id: 'large', revision, name: `Revision ${revision}`, tlp: 'white', indicators })
}

t.test('a report cut off by a takeover ends whole and of one revision', async (t) => {
  const { db } = await openTestStore(t, 'postgresql')
  const { otx, url } = await startOtx(t, [largePulse(1)])
  await createTestIntake(t, db).settle(aCollection())
  const first = await takeOver(t, db, url, 'first')
  const readReport = async () => {
    const { rows } = await sql<{ name: string; version: number; whole: boolean }>`
        select name, version, digest is not null as whole from reports`.execute(db)
    return rows
  }
  let overtaken = false
  // The first transaction reads the cursor, the second stores the first piece.
  const overtakenThere = pauseBefore(db, async (transaction) => {
    if (transaction !== 3) return
    t.same(await readReport(), [{ name: 'Revision 1', version: 1, whole: false }])
    otx.revise('large', largePulse(2))
    const second = await takeOver(t, db, url, 'second')
    await second()
    overtaken = true
  })
  await t.rejects(first(overtakenThere), LeaseLost)
  t.ok(overtaken)
  t.same(await readReport(), [{ name: 'Revision 2', version: 2, whole: true }])
  const live = await readLiveValues(db, 'all')
  t.equal(live.length, 5_200)
  t.same(
    live.filter((value) => value.includes('-of-1')),
    [],
    'nothing of the revision that was cut off',
  )
  await assertSoundFeed(t, db)
})

t.test('a walker that was overtaken does not take the cursor back', async (t) => {
  const { db } = await openTestStore(t, 'postgresql')
  const { url, asked } = await startOtx(t, [aPulse()])
  const sourceId = await getSourceId(db, 'otx')
  await saveCursor(db, sourceId, { walk: { ...place, offset: 16 } })
  const first = await takeOver(t, db, url, 'first')
  const cursor = { watermark: '2026-05-01T00:00:00.000Z', walk: { ...place, offset: 6 } }
  asked.page = async () => {
    await takeOver(t, db, url, 'second')
    await saveCursor(db, sourceId, cursor)
  }
  // OTX refuses page 9, after which a walk would begin anew.
  await t.rejects(first(), LeaseLost)
  t.same(await readCursor(db, sourceId), cursor)
})

t.test('a walk goes on behind what its predecessor has still under way', async (t) => {
  const { db } = await openTestStore(t, 'postgresql')
  const pulses = [0, 1, 2].map((n) => aPulse({ id: `p${n}` }))
  const { otx, url } = await startOtx(t, pulses)
  const sourceId = await getSourceId(db, 'otx')
  const walk = await takeOver(t, db, url, 'second')
  let walking: Promise<unknown> | undefined
  await db.transaction().execute(async (predecessor) => {
    await lockIntake(predecessor)
    walking = walk()
    const waiting = sql`select from pg_locks where locktype = 'advisory' and not granted
      and database = (select oid from pg_database where datname = current_database())`
    while ((await waiting.execute(predecessor)).rows.length === 0);
    await saveCursor(predecessor, sourceId, { walk: { ...place, offset: 2 } })
  })
  await walking
  t.same(
    otx.requests
      .filter((request) => request.startsWith('/api/v1/pulses/subscribed?'))
      .map((request) => new URL(request, url).searchParams.get('page')),
    ['2'],
  )
})
