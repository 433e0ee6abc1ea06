import { sql } from 'kysely'
import type { Intake } from '../src/intake/intake.ts'
import { recall, settleRecalls, undoRecall } from '../src/intake/recall.ts'
import { takeIn } from '../src/intake/take-in.ts'
import { formatMicros } from '../src/model/micros.ts'
import type { RecallSubject } from '../src/model/recall.ts'
import { isRejection, pulseToReport } from '../src/sources/otx/pulse.ts'
import { readCollections } from '../src/store/collections.ts'
import { type Db, openStore } from '../src/store/db.ts'
import { countBlocks, readSafeLabel } from '../src/store/feed.ts'
import { getSourceId } from '../src/store/sources.ts'
import { namespace, openPoll, pollRequest, readBody } from '../test/helpers/poll.ts'
import { withDatabase } from './database.ts'
import { benchCollection, fill, makeFeeds } from './fill.ts'
import { heldMs, timeLocks } from './lock-times.ts'
import { atMost, type Line, percentile, plain, summarize } from './measure.ts'
import { serve } from './serve-child.ts'
import { syntheticPulses } from './synthetic.ts'
import { basicAuthorization, timePoll } from './taxii-requests.ts'

const password = 'a password for a bench'
const login = { name: 'admin', password }

/** The law of the feed, as far as it costs time. */
export async function benchFeed(runs: number): Promise<readonly Line[]> {
  return [
    ...(await withDatabase((database) => benchPublishingAndParts(database, runs))),
    ...(await withDatabase((database) => benchCounts(database))),
    ...(await benchRecall(runs)),
  ]
}

async function benchPublishingAndParts(database: string, runs: number): Promise<readonly Line[]> {
  const store = await openStore({ databaseUrl: database, dataDir: '' })
  try {
    const intake = await makeFeeds(store.db, [benchCollection({ pageSize: 500 })])
    const stopPolling = pollAlongside(store.db)
    timeLocks()
    await fill(intake, 100_000)
    const filling = heldMs()
    await publishSmall(intake, 300)
    const small = heldMs()
    await stopPolling()
    return [
      atMost('lock held, loading 100,000 blocks: p99', percentile(filling, 99), 'ms', 20),
      plain('  median', summarize(filling), 'ms'),
      atMost('lock held, 300 small publications beside them: p99', percentile(small, 99), 'ms', 20),
      plain('  median', summarize(small), 'ms'),
      ...(await benchParts(database, runs)),
    ]
  } finally {
    await store.close()
  }
}

/** Fixes ranges as polls do, again and again, so that the lock is contended for. */
function pollAlongside(db: Db): () => Promise<void> {
  let polling = true
  const loop = (async () => {
    while (polling) {
      for (const { id } of await readCollections(db)) await readSafeLabel(db, id)
    }
  })()
  return async () => {
    polling = false
    await loop
  }
}

/** Pulses of one to fifty indicators, each in a transaction of its own. */
async function publishSmall(intake: Intake, publications: number): Promise<void> {
  const sourceId = await getSourceId(intake.db, 'small')
  for (let n = 0; n < publications; n += 1) {
    const options = { pulses: 1, indicatorsPerPulse: 1 + ((n * 17) % 50), duplicates: 0 }
    for (const pulse of syntheticPulses(options)) {
      const named = { ...pulse, id: `small-${n}`, name: `Small ${n}` }
      const report = pulseToReport(named, {
        defaultTlp: 'white',
        confidence: 25,
        now: new Date(),
      })
      if (isRejection(report)) throw new Error(report.detail)
      await takeIn(intake, { sourceId, reports: [report], rejections: [] })
    }
  }
}

async function benchParts(database: string, runs: number): Promise<readonly Line[]> {
  const served = await serve(database, password)
  try {
    const first = await readBody(await openPoll(served.url, login, pollRequest('bench')))
    const resultId = /result_id="([^"]+)"/.exec(first.text)?.[1]
    if (!resultId) throw new Error('the poll is in no parts')
    const authorization = basicAuthorization(login.name, password)
    const part = async (number: number) => {
      const body = `<Poll_Fulfillment xmlns="${namespace}" message_id="1" collection_name="bench" result_id="${resultId}" result_part_number="${number}"/>`
      const times = await timePoll(`${served.url}/taxii/poll`, authorization, body)
      if (times.blocks !== 500) throw new Error(`part ${number} has ${times.blocks} blocks`)
      return times.totalMs
    }
    for (let n = 0; n < 20; n += 1) await part(1 + n)
    const firsts: number[] = []
    const lasts: number[] = []
    // In turns, so that whatever else the machine does meets both.
    for (let n = 0; n < 50 * runs; n += 1) {
      firsts.push(await part(1))
      lasts.push(await part(200))
    }
    const [one, last] = [summarize(firsts), summarize(lasts)]
    const ratio = summarize([last.median / one.median])
    return [
      plain('part 1 of 200, 500 blocks each', one, 'ms'),
      plain('part 200 of 200', last, 'ms'),
      atMost('  part 200 costs, in parts 1', ratio, '', 1.2),
    ]
  } finally {
    await served.stop()
  }
}

async function benchCounts(database: string): Promise<readonly Line[]> {
  const store = await openStore({ databaseUrl: database, dataDir: '' })
  try {
    const { db } = store
    await makeFeeds(db, [benchCollection()])
    const base = await writeMillion(db)
    const served = await serve(database, password)
    try {
      const authorization = basicAuthorization(login.name, password)
      const count = async (begin?: string) => {
        const options = { responseType: 'COUNT_ONLY' as const, ...(begin && { begin }) }
        const body = pollRequest('bench', options)
        return (await timePoll(`${served.url}/taxii/poll`, authorization, body)).totalMs
      }
      await count()
      const all: number[] = []
      const some: number[] = []
      for (let n = 0; n < 50; n += 1) {
        all.push(await count())
        some.push(await count(formatMicros(base + 2_500 * (n % 200) + 1_234)))
      }
      return [
        atMost('COUNT_ONLY of 1,000,000 blocks', summarize(all), 'ms', 50),
        atMost('  from within a publication', summarize(some), 'ms', 50),
      ]
    } finally {
      await served.stop()
    }
  } finally {
    await store.close()
  }
}

/** 400 publications of 2,500 blocks, a tenth of them with blocks that were superseded. */
async function writeMillion(db: Db): Promise<number> {
  const [collection] = await readCollections(db)
  const { rows } = await sql<{ base: number }>`
    with made as (
      insert into publications (collection_id, binding, base_label, block_count, live_count)
      select ${collection?.id}, 1, taxiway_micros() - 2000000000 + n * 2500, 2500,
        case when n % 10 = 0 then 2499 else 2500 end
      from generate_series(0, 399) n returning base_label)
    select min(base_label) as base from made`.execute(db)
  await sql`
    insert into blocks (publication_id, ordinal, collection_id, binding, subject_id, package_id, digest,
      superseded_by)
    select p.id, o, p.collection_id, 1, p.id * 2500 + o, 1, '\\x00',
      case when p.live_count = 2499 and o = 0 then p.id end
    from publications p, generate_series(0, 2499) o`.execute(db)
  await sql`analyze`.execute(db)
  return rows[0]?.base ?? 0
}

async function benchRecall(runs: number): Promise<readonly Line[]> {
  const results: Recalled[] = []
  for (let run = 0; run < runs; run += 1) results.push(await withDatabase(timeRecall))
  const of = (name: keyof Recalled) => summarize(results.map((result) => result[name]))
  return [
    atMost('recall of 200,000 indicators, a source, committed', of('source'), 's', 2),
    plain('  what others assert looked through', of('settled'), 's'),
    plain('  undone and published again', of('undone'), 's'),
    plain('  and recalled once more, as a list', of('list'), 's'),
  ]
}

interface Recalled {
  readonly source: number
  readonly settled: number
  readonly undone: number
  readonly list: number
}

/** In seconds, on a feed of 200,000 indicators in three streams. */
async function timeRecall(database: string): Promise<Recalled> {
  const store = await openStore({ databaseUrl: database, dataDir: '' })
  try {
    const { db } = store
    const bindings = ['urn:stix.mitre.org:xml:1.2', 'urn:stix.mitre.org:xml:1.1.1'] as const
    const intake = await makeFeeds(db, [
      benchCollection({ bindings }),
      benchCollection({ name: 'hashes', rule: { type: ['md5', 'sha256'] } }),
    ])
    await fill(intake, 200_000)
    const why = { reason: 'bench', by: 'bench' }
    const recallAll = (subject: RecallSubject) =>
      timed(async () => {
        const { id, indicators } = await recall(intake, { subject, ...why })
        if (indicators !== 200_000) throw new Error(`${indicators} were recalled`)
        return id
      })
    const first = await recallAll({ source: 'otx' })
    if ((await countAll(db)) > 0) throw new Error('something is left')
    const settled = await timed(() => settleRecalls(intake))
    const undone = await timed(async () => {
      await undoRecall(intake, first.result, 'bench')
      await settleRecalls(intake)
    })
    const indicators = await db.selectFrom('indicators').select(['type', 'value']).execute()
    const list = await recallAll({ indicators } as RecallSubject)
    return {
      source: first.seconds,
      settled: settled.seconds,
      undone: undone.seconds,
      list: list.seconds,
    }
  } finally {
    await store.close()
  }
}

async function timed<T>(work: () => Promise<T>): Promise<{ result: T; seconds: number }> {
  const begin = performance.now()
  const result = await work()
  return { result, seconds: (performance.now() - begin) / 1000 }
}

async function countAll(db: Db): Promise<number> {
  let count = 0
  for (const { id, bindings } of await readCollections(db)) {
    const { safe, asOf } = await readSafeLabel(db, id)
    for (const binding of bindings) {
      const snapshot = { collectionId: id, binding, asOf }
      count += await countBlocks(db, snapshot, { begin: undefined, end: safe })
    }
  }
  return count
}
