import { fileURLToPath } from 'node:url'
import { sql } from 'kysely'
import t, { type Test } from 'tap'
import { readConfig } from '../../src/config.ts'
import { walkOtx } from '../../src/ingest/walk-otx.ts'
import { applyCollections } from '../../src/intake/apply-collections.ts'
import { reconcileCollections } from '../../src/intake/reconcile.ts'
import { createIntake } from '../../src/service.ts'
import { createOtxClient } from '../../src/sources/otx/client.ts'
import { buildOtxStandin } from '../../src/standins/otx.ts'
import { lockIntake } from '../../src/store/blocks.ts'
import { type Db, openStore, type Store } from '../../src/store/db.ts'
import { getSourceId, readCursor } from '../../src/store/sources.ts'
import { type Dump, differences, dumpStore } from '../faults/dump.ts'
import { makeSyntheticPulses } from '../faults/synthetic-pulses.ts'
import { secret } from '../helpers/secrets.ts'
import { findFaults } from '../helpers/sound-feed.ts'
import { makeStore } from '../helpers/stores.ts'
import { makeFolder, type Settings, startTaxiway, type Taxiway } from '../helpers/taxiway.ts'
import { startTcpProxy, type TcpProxy } from '../helpers/tcp-proxy.ts'
import { aCollection } from '../intake/reports.ts'

const apiKey = secret('OTX key')
const firstSyncDays = 36_500
const leaseTtlMs = 3_000
// As the service's own two are: no longer than a lease.
const idleInTransactionMs = leaseTtlMs
// So long that only a release can explain a hand-over, and that a busy machine loses none.
const longLeaseMs = 15_000

/** Four pages. One pulse, on the second, is larger than two transactions; another is revised by a test. */
const pulses = [
  ...makeSyntheticPulses(50, 20),
  ...makeSyntheticPulses(1, 6_500).map((pulse) => ({
    ...pulse,
    id: 'large',
    modified: '2026-04-02T03:30:00',
  })),
]
const revised = {
  ...pulses[1],
  id: String(pulses[1]?.id),
  modified: String(pulses[1]?.modified),
  name: 'A campaign under another name',
}

const program = fileURLToPath(new URL('leasing-service.ts', import.meta.url))

const isPage = (request: string) => request.startsWith('/api/v1/pulses/subscribed?')

/** A stand-in of OTX for one process, so that its requests can be told from another's. */
async function startOtx(t: Test, heldPage = 0) {
  const otx = buildOtxStandin({ pulses, apiKey })
  const asked = Promise.withResolvers<void>()
  const answered = Promise.withResolvers<void>()
  // Behind the answer's making: it says what there was when it was asked for.
  otx.app.addHook('onSend', async (request) => {
    const { page } = request.query as { page?: string }
    if (!isPage(request.url) || page !== String(heldPage)) return
    asked.resolve()
    await answered.promise
  })
  const url = await otx.app.listen({ port: 0, host: '127.0.0.1' })
  t.teardown(() => otx.app.close())
  return {
    url,
    revise: () => otx.revise(revised.id, revised),
    pages: () =>
      otx.requests.filter(isPage).map((one) => new URL(one, url).searchParams.get('page')),
    /** the held page was asked for */
    asked: asked.promise,
    answer: answered.resolve,
  }
}

interface Process extends Taxiway {
  readonly otx: Awaited<ReturnType<typeof startOtx>>
  readonly readMetrics: () => Promise<string>
}

interface Circumstances {
  readonly ttlMs?: number
  /** the answer to this page keeps the walker waiting */
  readonly heldPage?: number
  /** changes the way on which the walker reaches its database */
  readonly through?: (url: URL) => Promise<void>
}

async function startProcess(
  t: Test,
  databaseUrl: string,
  { ttlMs = leaseTtlMs, heldPage = 0 }: Circumstances,
): Promise<Process> {
  const otx = await startOtx(t, heldPage)
  const url = new URL(databaseUrl)
  url.searchParams.set('idle_in_transaction_session_timeout', String(idleInTransactionMs))
  const settings: Settings = {
    TAXIWAY_DATABASE_URL: url.href,
    TAXIWAY_DATA_DIR: await makeFolder(t),
    TAXIWAY_PORT: '0',
    TAXIWAY_OTX_URL: otx.url,
    TAXIWAY_OTX_API_KEY: apiKey,
    TAXIWAY_OTX_POLL_SECONDS: '86400',
    TAXIWAY_OTX_FIRST_SYNC_DAYS: String(firstSyncDays),
    TAXIWAY_OTX_AUTHOR_COLLECTIONS: 'false',
  }
  const taxiway = startTaxiway(t, [String(ttlMs)], settings, { program })
  const [, address] = await taxiway.saw(/listens at (http[^"]+)/)
  return { ...taxiway, otx, readMetrics: async () => (await fetch(`${address}/metrics`)).text() }
}

const gotTheWalk = /got the lease \\"otx\\"/
const lostTheWalk = /"level":40.*the lease \\"otx\\" is lost: [^"]*/

const configOf = (databaseUrl: string) => readConfig({ TAXIWAY_DATABASE_URL: databaseUrl })

async function makeDatabase(t: Test): Promise<{ readonly store: Store; readonly url: string }> {
  const place = await makeStore(t, 'postgresql')
  const url = String(place.databaseUrl)
  const store = await openStore(place)
  t.teardown(() => store.close())
  await applyCollections(store.db, [
    aCollection({ name: 'white' }),
    aCollection({ name: 'loaders', maxTlp: 'green', rule: { tag: 'loader' } }),
  ])
  await reconcileCollections(createIntake(configOf(url), store))
  return { store, url }
}

interface Two {
  readonly db: Db
  /** has the leases; it waits for the held page */
  readonly walker: Process
  readonly standby: Process
}

async function startTwo(t: Test, circumstances: Circumstances): Promise<Two> {
  const { store, url } = await makeDatabase(t)
  const walkersUrl = new URL(url)
  await circumstances.through?.(walkersUrl)
  const walker = await startProcess(t, walkersUrl.href, circumstances)
  await walker.saw(gotTheWalk)
  const standby = await startProcess(t, url, { ...circumstances, heldPage: 0 })
  return { db: store.db, walker, standby }
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds()));
}

const isWaiting = (db: Db, kind: 'advisory' | 'relation') => async () => {
  const { rows } = await sql`select from pg_locks where locktype = ${kind} and not granted
    and database = (select oid from pg_database where datname = current_database())`.execute(db)
  return rows.length > 0
}

/** Acts when the walker has stored a first piece of the large report and waits for its turn with the next. */
async function inLargeReport(t: Test, { db, walker }: Two, act: () => unknown): Promise<void> {
  await walker.otx.asked
  walker.otx.answer()
  await db.transaction().execute(async (trx) => {
    await until(async () => {
      const { rows } = await sql`select from pg_locks where locktype = 'advisory' and granted
        and database = (select oid from pg_database where datname = current_database())`.execute(db)
      return rows.length > 0
    })
    await lockIntake(trx)
    await until(isWaiting(db, 'advisory'))
    const { rows } = await sql`
      select version, digest is null as unfinished from reports where external_id = 'large'`.execute(
      trx,
    )
    t.same(rows, [{ version: 1, unfinished: true }], 'the report is stored in part')
    await act()
  })
}

async function readState(db: Db) {
  const { rows } = await sql<{ holder: string; token: number }>`
    select holder, token from leases where name = 'otx'`.execute(db)
  const published = await sql`select max(id) as newest, count(*) from publications`.execute(db)
  return {
    token: rows[0]?.token,
    pid: Number(rows[0]?.holder?.split('/')[1]),
    cursor: await readCursor(db, await getSourceId(db, 'otx')),
    published: published.rows,
  }
}

/** Waits until the other has taken over and has finished the walk. */
async function assertTakenOver(t: Test, { db, standby }: Two, token: number, pages: string[]) {
  const began = performance.now()
  await standby.saw(gotTheWalk)
  const seconds = (performance.now() - began) / 1000
  t.comment(`took over after ${seconds.toFixed(1)} s, with leases of ${leaseTtlMs / 1000} s`)
  await until(async () => /outcome="whole"\} 1/.test(await standby.readMetrics()))
  t.comment(`the walk was whole after ${((performance.now() - began) / 1000).toFixed(1)} s`)
  t.same(standby.otx.pages(), pages, 'it goes on where the last transaction was')
  const state = await readState(db)
  t.match(state, { token, pid: standby.process.pid, cursor: { walk: undefined } })
  await assertAsUndisturbed(t, db)
  return state
}

async function assertAsUndisturbed(t: Test, db: Db): Promise<void> {
  t.same(differences(await dumpStore(db), wanted), {}, 'the store is as after an undisturbed walk')
  t.same(await findFaults(db), {}, 'the feed is sound')
}

/** The process that has come back: it has changed nothing, and works again once the other has gone. */
async function assertWorksOn(
  t: Test,
  { db, walker, standby }: Two,
  before: unknown,
  token: number,
) {
  t.match(await walker.readMetrics(), 'taxiway_lease_held{lease="otx"} 0')
  t.same(await readState(db), before)
  standby.process.kill('SIGTERM')
  // Only now is it certain that all has ended which it had under way.
  await walker.saw(gotTheWalk)
  await until(async () => /outcome="whole"\} 1/.test(await walker.readMetrics()))
  t.equal((await standby.ended).code, 0)
  t.same(await readState(db), { ...(before as object), token, pid: walker.process.pid })
  await assertAsUndisturbed(t, db)
}

/** What one process that nothing disturbs makes of OTX as it is in the end. */
let wanted: Dump = {}

t.before(async () => {
  await t.test('an undisturbed walk', async (t) => {
    const { store, url } = await makeDatabase(t)
    const otx = await startOtx(t)
    otx.revise()
    const client = createOtxClient({ url: otx.url, apiKey })
    const intake = createIntake(configOf(url), store)
    await walkOtx(intake, { client, defaultTlp: 'white', confidence: 25, firstSyncDays })
    await client.close()
    t.same(otx.pages(), ['1', '2', '3', '4'])
    wanted = await dumpStore(store.db)
  })
})

t.test(
  'of two processes one walks and sweeps, and when it stops the other does at once',
  async (t) => {
    const { db, walker, standby } = await startTwo(t, { ttlMs: longLeaseMs })
    await until(async () => /outcome="whole"\} 1/.test(await walker.readMetrics()))
    t.same(walker.otx.pages(), ['1', '2', '3', '4'])
    t.same(standby.otx.pages(), [])
    t.notMatch(standby.stderr(), 'lease', 'it stands by in silence')
    for (const lease of ['otx', 'sweep']) {
      t.match(await walker.readMetrics(), `taxiway_lease_held{lease="${lease}"} 1`)
      t.match(await standby.readMetrics(), `taxiway_lease_held{lease="${lease}"} 0`)
    }
    t.match(await readState(db), { token: 1, pid: walker.process.pid })
    walker.process.kill('SIGTERM')
    const began = performance.now()
    await standby.saw(gotTheWalk)
    const ms = performance.now() - began
    t.comment(`handed over after ${ms.toFixed(0)} ms`)
    t.ok(ms < longLeaseMs / 2, 'without waiting for the lease to run out')
    t.match(await readState(db), { token: 2, pid: standby.process.pid })
    t.equal((await walker.ended).code, 0)
    t.notMatch(walker.stderr() + standby.stderr(), /"level":(40|50|60)/)
  },
)

t.test('killed in the middle of a report, a walk is finished by the other process', async (t) => {
  const two = await startTwo(t, { heldPage: 2 })
  two.standby.otx.revise()
  await inLargeReport(t, two, async () => {
    two.walker.process.kill('SIGKILL')
    await two.walker.ended
  })
  await assertTakenOver(t, two, 2, ['2', '3', '4'])
})

t.test('frozen before a transaction, a walker writes nothing when it wakes up', async (t) => {
  const two = await startTwo(t, { heldPage: 3 })
  const { db, walker, standby } = two
  await walker.otx.asked
  await db.transaction().execute(async (trx) => {
    await sql`lock table reports in access exclusive mode`.execute(trx)
    walker.otx.answer()
    await until(isWaiting(db, 'relation'))
    walker.process.kill('SIGSTOP')
    // What the walker has in its hands is outdated from here on.
    standby.otx.revise()
  })
  const state = await assertTakenOver(t, two, 2, ['3', '4'])
  walker.process.kill('SIGCONT')
  await walker.saw(lostTheWalk)
  await assertWorksOn(t, two, state, 3)
  t.same(walker.otx.pages(), ['1', '2', '3', '1'])
})

t.test(
  'frozen inside a transaction, a walker holds the others up no longer than a lease',
  async (t) => {
    const two = await startTwo(t, { heldPage: 2 })
    two.standby.otx.revise()
    await inLargeReport(t, two, () => two.walker.process.kill('SIGSTOP'))
    const state = await assertTakenOver(t, two, 2, ['2', '3', '4'])
    two.walker.process.kill('SIGCONT')
    await two.walker.saw(lostTheWalk)
    await assertWorksOn(t, two, state, 3)
  },
)

t.test(
  'cut off from the database without a sign, a walker gives up by its own clock',
  async (t) => {
    let proxy: TcpProxy | undefined
    const two = await startTwo(t, {
      heldPage: 2,
      through: async (url) => {
        proxy = await startTcpProxy(t, Number(url.port))
        url.port = String(proxy.port)
      },
    })
    two.standby.otx.revise()
    await inLargeReport(t, two, () => proxy?.freeze())
    const [lost] = await two.walker.saw(lostTheWalk)
    t.match(lost, `it could not be renewed for ${leaseTtlMs} ms`)
    const state = await assertTakenOver(t, two, 2, ['2', '3', '4'])
    await proxy?.restore()
    await assertWorksOn(t, two, state, 3)
  },
)
