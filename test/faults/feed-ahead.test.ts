import { sql } from 'kysely'
import t, { type Test } from 'tap'
import type { PollStatus } from '../../src/model/ledger.ts'
import type { Micros } from '../../src/model/micros.ts'
import { createAccount } from '../../src/store/accounts.ts'
import { readCollections, writeCollection } from '../../src/store/collections.ts'
import type { Db } from '../../src/store/db.ts'
import { completePolls } from '../../src/store/polls.ts'
import { forEachStore } from '../helpers/stores.ts'
import { aCollection } from '../intake/reports.ts'
import { fixRange } from '../store/fix-range.ts'

const hour = 3_600_000_000
const second = 1_000_000

interface Asked {
  readonly begin?: Micros
  readonly end?: Micros
  readonly countsOnly?: boolean
}

/** One account whose polls end as a test says. */
async function startPolling(db: Db) {
  const account = await createAccount(db, 'ahead', 'hash', 'reader')
  await writeCollection(db, aCollection())
  const [collection] = await readCollections(db)
  if (!account || !collection) throw new Error('the store was not furnished')
  const poller = { account, address: '192.0.2.1', userAgent: '' }
  const stream = { collectionId: collection.id, binding: 'urn:stix.mitre.org:xml:1.2' } as const
  return async (asked: Asked, status: PollStatus = 'complete') => {
    const { pollId, range } = await fixRange(db, poller, stream, { countsOnly: false, ...asked })
    if (status !== 'under way') {
      const sent = { blocks: 0, bytes: 0, sentThrough: undefined, leftThrough: undefined }
      await completePolls(db, [{ pollId, status, durationMs: 1, ...sent }])
    }
    return range
  }
}

/** A clock that is an hour ahead of the store's. */
async function readAhead(db: Db): Promise<Micros> {
  const { rows } = await sql<{ now: Micros }>`select taxiway_micros() as now`.execute(db)
  return (rows[0]?.now ?? 0) + hour
}

async function withPolls(
  t: Test,
  work: (t: Test, db: Db, poll: Awaited<ReturnType<typeof startPolling>>) => Promise<void>,
) {
  await forEachStore(t, async (t, { db }) => work(t, db, await startPolling(db)))
}

t.test('an attempt that was given up and is answered last moves nobody on', async (t) => {
  await withPolls(t, async (t, db, poll) => {
    const first = await readAhead(db)
    await poll({ end: first })
    const next = await readAhead(db)
    const received = await poll({ begin: first, end: next })
    for (const status of ['complete', 'under way', 'broken off'] as const) {
      await poll({ begin: first, end: next }, status)
    }
    const after = await poll({ begin: next, end: await readAhead(db) })
    t.equal(after.begin, received.end)
  })
})

t.test('an attempt that visibly broke off makes nothing come twice', async (t) => {
  await withPolls(t, async (t, db, poll) => {
    const first = await readAhead(db)
    await poll({ end: first }, 'broken off')
    const received = await poll({ end: first })
    t.equal((await poll({ begin: first, end: await readAhead(db) })).begin, received.end)
  })
})

t.test('a count moves nobody on, from an end without its fraction neither', async (t) => {
  await withPolls(t, async (t, db, poll) => {
    for (const short of [0, 1]) {
      const end = await readAhead(db)
      const received = await poll({ end })
      const begin = end - short
      await poll({ begin, end: end + 2 * second, countsOnly: true })
      t.equal((await poll({ begin, end: end + 2 * second })).begin, received.end)
    }
  })
})

const waysToGoOn: Readonly<Record<string, (end: Micros) => Asked>> = {
  'from its end without a fraction': (end) => ({ begin: end - 1, end: end + second }),
  'from its own clock, without an end': (end) => ({ begin: end + second }),
}
for (const [way, goOn] of Object.entries(waysToGoOn)) {
  t.test(`a window that goes on ${way} begins where it did, asked for again`, async (t) => {
    await withPolls(t, async (t, db, poll) => {
      const end = await readAhead(db)
      const received = await poll({ end })
      for (const status of ['complete', 'under way', 'complete'] as const) {
        t.equal((await poll(goOn(end), status)).begin, received.end)
      }
    })
  })
}
