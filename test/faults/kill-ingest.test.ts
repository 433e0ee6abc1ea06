import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { applyCollections } from '../../src/intake/apply-collections.ts'
import { reconcileCollections } from '../../src/intake/reconcile.ts'
import { buildOtxStandin, type OtxStandin, type StandinPulse } from '../../src/standins/otx.ts'
import { openStore } from '../../src/store/db.ts'
import { findFaults } from '../helpers/sound-feed.ts'
import { copyStore, makeStore, type StoreKind, type StorePlace } from '../helpers/stores.ts'
import { aCollection, createTestIntake } from '../intake/reports.ts'
import { type Dump, differences, dumpStore } from './dump.ts'
import { makeSyntheticPulses } from './synthetic-pulses.ts'

const fixedSeed = 20_260_601
// The long run, `npm run soak`, gives another each time.
const seed = Number(process.env.SOAK_SEED ?? fixedSeed)

/** On how many stores a walk is killed, and how often on each; the long run goes on for as long as it is asked to. */
const kills = {
  postgresql: { stores: seed === fixedSeed ? 2 : 4, each: 5 },
  embedded: { stores: 1, each: 3 },
} as const

const [calm = [], later = []] = [makeSyntheticPulses(50, 100)].flatMap((all) => [
  all.slice(0, 25),
  all.slice(25),
])
const large = (id: string, indicators: number, change: StandinPulse = {}): StandinPulse => ({
  ...makeSyntheticPulses(1, indicators)[0],
  id,
  modified: '2026-04-02T11:30:00',
  ...change,
})

/** OTX as it was when it was first walked: two pulses are larger than a transaction, one is sent in part. */
async function startOtx(t: Test) {
  let moment = Date.parse('2026-05-31T12:00:00Z')
  const otx = buildOtxStandin({
    pulses: [...calm, large('grows', 1_000), large('goes', 2_600)],
    apiKey: 'k3y-of-the-tests',
    now: () => {
      moment += 1_000
      return new Date(moment)
    },
  })
  otx.shorten('grows', 100)
  const url = await otx.app.listen({ port: 0, host: '127.0.0.1' })
  t.teardown(() => otx.app.close())
  return { otx, url }
}

/** What has happened in OTX since: of every kind that a walk has to follow. */
function goOn(otx: OtxStandin): void {
  for (const pulse of later) otx.add(pulse)
  otx.revise('grows', large('grows', 3_500, { modified: '2026-04-05T11:30:00' }))
  otx.add(large('whole', 2_600, { modified: '2026-04-05T12:30:00' }))
  const [first = {}, second = {}, third = {}, fourth = {}] = calm
  otx.remove('goes')
  otx.remove(String(first.id))
  otx.unsubscribe(String(second.id))
  otx.unsubscribe(String(third.id))
  otx.subscribe(String(third.id))
  otx.revise(String(fourth.id), { ...fourth, modified: '2026-04-04T00:00:00', indicators: [] })
  otx.subscribe({ ...first, id: '5e0000000000000000000001', modified: '2019-01-01T00:00:00' })
  const author_name = 'Pier Watch'
  const older = makeSyntheticPulses(5, 100).map((pulse, n) => ({
    ...pulse,
    id: `5e000000000000000000001${n}`,
    modified: `2026-03-2${n}T00:00:00`,
    author_name,
  }))
  otx.subscribeAuthor(author_name, ...older)
}

const collections = [
  aCollection({ name: 'white' }),
  aCollection({
    name: 'green',
    maxTlp: 'green',
    bindings: ['urn:stix.mitre.org:xml:1.1.1'],
    profile: 'esa',
  }),
  aCollection({ name: 'reports', packaging: 'report', maxTlp: 'green' }),
  aCollection({ name: 'loaders', rule: { all: [{ tag: 'loader' }, { author: 'Quay Lab' }] } }),
]

/** mulberry32: the same numbers for the same seed. */
function createRandom(state: number): () => number {
  let next = state
  return () => {
    next = (next + 0x6d2b79f5) | 0
    let mixed = Math.imul(next ^ (next >>> 15), 1 | next)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

const program = fileURLToPath(new URL('ingest-process.ts', import.meta.url))

type KillAt =
  | { readonly statement: number; readonly exactly: boolean }
  | { readonly hasAsked: () => boolean }

/**
 * Walks in a process of its own.
 * @param killAt kill -9 when it has come to this statement, or just behind it, or when it has asked for something
 * @returns how many statements there were, or undefined when it was killed
 */
async function walk(url: string, place: StorePlace, killAt?: KillAt): Promise<number | undefined> {
  const isStatement = killAt && 'statement' in killAt
  const point = isStatement ? [String(killAt.statement), killAt.exactly ? 'stop' : ''] : []
  const args = [program, url, place.databaseUrl ?? '', place.dataDir, ...point]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  const errors: Buffer[] = []
  child.stderr.on('data', (data: Buffer) => errors.push(data))
  const ended = new Promise<NodeJS.Signals | number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => resolve(signal ?? code))
  })
  let hasEnded = false
  const watch = async (hasAsked: () => boolean) => {
    while (!hasEnded && !hasAsked()) await nextTurn()
    child.kill('SIGKILL')
  }
  const watching = killAt && !isStatement ? watch(killAt.hasAsked) : undefined
  let statements: number | undefined
  for await (const line of createInterface(child.stdout)) {
    if (line === 'here') child.kill('SIGKILL')
    else if (line.startsWith('whole ')) statements = Number(line.slice('whole '.length))
  }
  const end = await ended
  hasEnded = true
  await watching
  if (end !== 'SIGKILL' && end !== 0) throw new Error(`${end}: ${Buffer.concat(errors)}`)
  return statements
}

async function makeStoreWithCollections(t: Test, kind: StoreKind): Promise<StorePlace> {
  const place = await makeStore(t, kind)
  const store = await openStore(place)
  await applyCollections(store.db, collections)
  await reconcileCollections(createTestIntake(t, store.db))
  await store.close()
  return place
}

async function readStore(place: StorePlace) {
  const store = await openStore(place)
  try {
    return { dump: await dumpStore(store.db), faults: await findFaults(store.db) }
  } finally {
    await store.close()
  }
}

/**
 * Follows OTX until all of that happens there.
 * @returns makes a store that has followed it so far, with an OTX of its own
 */
async function begin(t: Test, kind: StoreKind) {
  const followed = await makeStoreWithCollections(t, kind)
  await walk((await startOtx(t)).url, followed)
  return async () => {
    const { otx, url } = await startOtx(t)
    goOn(otx)
    return { otx, url, place: await copyStore(t, followed) }
  }
}

/** What the process that was killed asked for last. */
function lastAsked(otx: OtxStandin): string {
  const path = (otx.requests.at(-1) ?? '').replace('/api/v1/', '').split('?')[0] ?? ''
  return path.replace(/^pulses\/(?:5e\w+|grows)/, 'pulses/ID')
}

t.test('killed at random points, walks end in the store of an undisturbed one', async (t) => {
  const whole: Dump[] = []
  const random = createRandom(seed)
  for (const kind of ['postgresql', 'embedded'] as const) {
    await t.test(kind, async (t) => {
      const makeFollower = await begin(t, kind)
      const undisturbed = await makeFollower()
      const statements = await walk(undisturbed.url, undisturbed.place)
      if (statements === undefined) throw new Error('the undisturbed walk did not end')
      const wanted = await readStore(undisturbed.place)
      t.same(wanted.faults, {})
      for (const [name, rows] of Object.entries(wanted.dump)) t.ok(rows.length > 0, `has ${name}`)
      whole.push(wanted.dump)

      const asked = new Set<string>()
      const { stores, each } = kills[kind]
      // So that the kills of a store lie all over the walk.
      const reach = Math.floor((statements * 1.2) / each)
      for (let store = 1; store <= stores; store++) {
        const { otx, url, place } = await makeFollower()
        for (let kill = 1; kill <= each; kill++) {
          const killAt = { statement: 1 + Math.floor(random() * reach), exactly: random() < 0.5 }
          const end = await walk(url, place, killAt)
          // With the fixed seed none comes to its end; with another one may, and then there is no more to kill.
          if (end !== undefined && seed !== fixedSeed) break
          t.equal(end, undefined, `store ${store}, kill ${kill}: ${JSON.stringify(killAt)}`)
          asked.add(lastAsked(otx))
          // What a kill leaves is sound by itself, not only once the next walk has mended it.
          if (kill % 2 === 0) t.same((await readStore(place)).faults, {})
        }
        t.type(await walk(url, place), 'number')
        const found = await readStore(place)
        t.same(found.faults, {})
        t.same(differences(found.dump, wanted.dump), {})
      }
      t.comment(`${statements} statements; killed at ${[...asked].join(', ')}`)
      // Where chance has left a part of a walk out.
      const parts = ['pulses/subscribed', 'pulses/ID/indicators', 'pulses/events']
      for (const path of kind === 'postgresql' ? parts.filter((one) => !asked.has(one)) : []) {
        const { otx, url, place } = await makeFollower()
        const killAt = { hasAsked: () => lastAsked(otx) === path }
        t.equal(await walk(url, place, killAt), undefined, `killed when it asks for ${path}`)
        t.same((await readStore(place)).faults, {})
        t.type(await walk(url, place), 'number')
        const found = await readStore(place)
        t.same(found.faults, {})
        t.same(differences(found.dump, wanted.dump), {})
      }
    })
  }
  t.equal(whole.length, 2)
  t.same(differences(whole[0] ?? {}, whole[1] ?? {}), {}, 'both databases hold the same')
})
