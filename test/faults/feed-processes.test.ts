import { scryptSync } from 'node:crypto'
import pg from 'pg'
import t from 'tap'
import { applyCollections } from '../../src/intake/apply-collections.ts'
import { reconcileCollections } from '../../src/intake/reconcile.ts'
import { createAccount, grantRead } from '../../src/store/accounts.ts'
import { readCollections } from '../../src/store/collections.ts'
import { openStore, type Store } from '../../src/store/db.ts'
import { pollRequest } from '../helpers/poll.ts'
import { secret } from '../helpers/secrets.ts'
import { findFaults } from '../helpers/sound-feed.ts'
import { makeStore } from '../helpers/stores.ts'
import { aCollection, createTestIntake } from '../intake/reports.ts'
import { pollOn, publish, recallAndUndo, type Stage, sweepNowAndThen } from './feed-actors.ts'
import { createClient, RunIsOver, type Surroundings } from './feed-client.ts'
import { createServer, createWriter, type Server, type Writer } from './feed-fleet.ts'
import { attack } from './feed-nemesis.ts'
import { findUnserved, judgePoller } from './feed-oracle.ts'
import { createPoller, type PollerPlan } from './feed-poller.ts'
import { type Counted, createProgress } from './feed-progress.ts'
import { createRandom } from './feed-random.ts'
import { createRecallBook } from './feed-recalls.ts'
import { publishers } from './feed-reports.ts'

const fixedSeed = 20_260_602
const seed = Number(process.env.SOAK_SEED ?? fixedSeed)
// The long run goes on for so long; the short one has a single round of attacks.
const soakMs = Number(process.env.SOAK_SECONDS ?? 0) * 1_000

const stix12 = 'urn:stix.mitre.org:xml:1.2'
const stix111 = 'urn:stix.mitre.org:xml:1.1.1'
const collections = [
  aCollection(),
  aCollection({ name: 'paged', bindings: [stix12, stix111], maxTlp: 'green', pageSize: 150 }),
  aCollection({ name: 'some', rule: { not: { source: publishers[1] } }, pageSize: 60 }),
]

const hourMs = 3_600_000
const password = secret('password of the pollers')
const plans: readonly PollerPlan[] = [
  { collection: 'all', binding: stix12 },
  { collection: 'paged', binding: stix12, keepsAlive: true },
  { collection: 'paged', binding: stix111, slow: true },
  { collection: 'some', binding: stix12, keepsAlive: true },
  { collection: 'all', binding: stix12, skewMs: 24 * hourMs, slow: true },
  { collection: 'all', binding: stix12, skewMs: -24 * hourMs },
  { collection: 'some', binding: stix12, skewMs: -700 },
  { collection: 'paged', binding: stix12, skewMs: hourMs, wholeSeconds: true },
  { collection: 'paged', binding: stix111, skewMs: 300 },
  {
    collection: 'some',
    binding: stix12,
    skewMs: 5 * hourMs,
    dropsFraction: true,
    keepsAlive: true,
  },
  { collection: 'all', binding: stix12, skewMs: 2 * hourMs, asksNoEnd: true },
].map((plan, index) => ({ ...plan, login: { name: `poller-${index}`, password } }))
const watcher: PollerPlan = {
  collection: 'all',
  binding: stix12,
  login: { name: 'watcher', password },
}

// As stored, but cheap: servers that start anew check each poller's password anew, at 400 ms each.
const key = scryptSync(password, Buffer.from('salt'), 32, { N: 2, r: 1, p: 1 })
const hash = `scrypt$2$1$1$${Buffer.from('salt').toString('base64url')}$${key.toString('base64url')}`

/** Polls that have waited for a collection's lock, which nobody holds for longer than a statement. */
const heldUp = `select count(*) as polls from pg_locks
  where locktype = 'advisory' and not granted and objid > 0 and waitstart < now() - interval '3 s'
    and database = (select oid from pg_database where datname = current_database())`
/** However busy the machine is. */
const answersWithinMs = 60_000

async function furnish(store: Store): Promise<void> {
  await applyCollections(store.db, collections)
  await reconcileCollections(createTestIntake(t, store.db))
  await createAccount(store.db, 'root', hash, 'administrator')
  const stored = await readCollections(store.db)
  for (const { login, collection } of [...plans, watcher]) {
    const account = await createAccount(store.db, login.name, hash, 'reader')
    const found = stored.find(({ name }) => name === collection)
    if (account && found) await grantRead(store.db, account.id, found.id)
  }
}

t.test(
  'processes are killed, frozen and cut off, and no poller misses or repeats a block',
  async (t) => {
    const place = await makeStore(t, 'postgresql')
    const { databaseUrl = '' } = place
    const store = await openStore(place)
    await furnish(store)
    await store.close()

    const random = createRandom(seed)
    const progress = createProgress()
    const recalls = createRecallBook()
    const database = new pg.Client({ connectionString: databaseUrl })
    await database.connect()
    t.teardown(() => database.end())
    const settings = { TAXIWAY_DATABASE_URL: databaseUrl, TAXIWAY_LOG_LEVEL: 'info' }
    const servers = ['one', 'two'].map((name) => createServer(t, name, settings))
    await Promise.all(servers.map((server) => server.start()))
    const writer = (name: string): Writer => createWriter(t, name, databaseUrl, progress)
    const prey = {
      servers,
      publishers: publishers.map(writer),
      recaller: writer('recaller'),
      sweeper: writer('sweeper'),
    }
    const around: Surroundings = { servers, progress, recalls, contents: new Map(), random }
    const pollers = plans.map((plan) => createPoller(plan, around))
    for (const poller of pollers) t.teardown(() => poller.close())

    let acting = true
    const stage: Stage = {
      progress,
      random,
      database,
      recalls,
      taken: new Set(),
      goesOn: () => acting,
    }
    let slowestMs = 0
    const checkAnswers = async (server: Server) => {
      const client = createClient(watcher, { ...around, servers: [server] })
      const began = performance.now()
      const body = pollRequest(watcher.collection, { responseType: 'COUNT_ONLY' })
      // It breaks off by itself now and then, as every client.
      for (let answer = await client.attempt(body); answer.kind !== 'poll'; ) {
        const { rows } = await database.query(heldUp)
        if (rows[0].polls > 0) client.fail(`${rows[0].polls} polls wait for a lock of the dead`)
        if (performance.now() - began > answersWithinMs)
          client.fail(`server ${server.name} does not answer`)
        answer = await client.attempt(body)
      }
      slowestMs = Math.max(slowestMs, performance.now() - began)
    }

    let lastLabel: number | undefined
    const polling = pollers.map((poller) => pollOn(poller, stage, () => lastLabel))
    const writing = [
      ...prey.publishers.map((one, index) => publish(one, publishers[index] ?? '', stage)),
      sweepNowAndThen(prey.sweeper, stage),
      recallAndUndo(prey.recaller, stage),
    ]
    const end = performance.now() + soakMs
    const attacking = async () => {
      do await attack({ prey, progress, random, database, patient: soakMs > 0, checkAnswers })
      while (performance.now() < end && progress.faults.length === 0)
      acting = false
      await Promise.all(writing)
      // What recalls and their undoing have left is published before the feed rests.
      while (!(await prey.sweeper.ask({ sweep: true })) && progress.faults.length === 0);
      const { rows } = await database.query(
        'select max(base_label + block_count - 1) as label from publications',
      )
      lastLabel = Number(rows[0].label)
    }
    const acts = [attacking(), ...writing, ...polling]
    // Who fails ends the run for all.
    const report = (error: Error) => {
      if (!(error instanceof RunIsOver)) progress.fail(String(error.stack))
    }
    await Promise.all(acts.map((act) => act.catch(report)))
    t.same(progress.faults.slice(0, 5), [], `nothing was wrong on the way (SOAK_SEED=${seed})`)

    const settled = await openStore(place)
    t.teardown(() => settled.close())
    t.same(await findFaults(settled.db), {}, 'the feed is sound')
    let repeated = 0
    for (const poller of pollers) {
      const judgement = await judgePoller(settled.db, poller)
      const title = `${poller.plan.login.name} polled ${poller.windows.length} times`
      t.same(judgement.faults.slice(0, 5), [], title)
      repeated += judgement.repeated
    }
    for (const name of ['all', 'paged']) {
      t.same((await findUnserved(settled.db, name)).slice(0, 5), [], `${name} has all that it may`)
    }
    for (const [name, count] of Object.entries(progress.counts)) t.comment(`${count} ${name}`)
    t.comment(`${repeated} blocks came again after an answer had broken off`)
    t.comment(`servers that came back answered within ${Math.ceil(slowestMs)} ms`)
    if (seed === fixedSeed && soakMs === 0) {
      for (const [name, least] of Object.entries(leastCounts)) {
        const count = progress.counts[name as Counted]
        t.ok(count >= least, `${count} ${name}, at least ${least}`)
      }
    }
  },
)

/** A run in which nothing happened proves nothing. */
const leastCounts: Partial<Record<Counted, number>> = {
  polls: 500,
  windows: 300,
  blocks: 10_000,
  parts: 30,
  replays: 10,
  'counts only': 10,
  'broken by the client': 10,
  takes: 50,
  sweeps: 5,
  recalls: 3,
  'undone recalls': 1,
  'kills of servers': 2,
  'kills of publishers': 3,
  'kills of the recaller': 2,
  'stops of servers': 2,
  'stops of writers': 3,
  'terminated backends': 4,
  'restarts of everything': 1,
}
