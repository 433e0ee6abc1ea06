import { formatMicros } from '../src/model/micros.ts'
import { readCollections } from '../src/store/collections.ts'
import { openStore, type Store } from '../src/store/db.ts'
import { readBlocks } from '../src/store/feed.ts'
import { createHeadReader } from '../src/store/packages.ts'
import { startOpenTaxii } from '../test/helpers/opentaxii.ts'
import { getTestPython } from '../test/helpers/python.ts'
import { withDatabase } from './database.ts'
import { benchCollection, fill, makeFeeds } from './fill.ts'
import { atMost, type Line, peakMemoryMb, plain, summarize } from './measure.ts'
import { serve } from './serve-child.ts'
import { basicAuthorization, type PollTimes, pollRequest, timePoll } from './taxii-requests.ts'

const blocks = 100_000
const pageBlocks = 10_000
const password = 'a password for a bench'

/** Polls of a feed of 100,000 blocks, ours and OpenTAXII's with the same blocks. */
export async function benchPolls(runs: number): Promise<readonly Line[]> {
  return withDatabase(async (database) => {
    const store = await openStore({ databaseUrl: database, dataDir: '' })
    try {
      const feed = await fillFeed(store)
      return [...(await measureOurs(database, feed, runs)), ...(await measureTheirs(feed, runs))]
    } finally {
      await store.close()
    }
  })
}

interface Feed {
  readonly labels: readonly number[]
  contents(): AsyncIterable<string>
}

async function fillFeed({ db }: Store): Promise<Feed> {
  const intake = await makeFeeds(db, [benchCollection()])
  await fill(intake, blocks)
  const [collection] = await readCollections(db)
  if (!collection) throw new Error('no collection')
  const stream = {
    collectionId: collection.id,
    binding: 'urn:stix.mitre.org:xml:1.2',
    asOf: Number.MAX_SAFE_INTEGER,
  } as const
  const all = { begin: undefined, end: Number.MAX_SAFE_INTEGER }
  const read = () => readBlocks(db, createHeadReader(db), stream, all)
  const labels: number[] = []
  for await (const batch of read()) for (const { label } of batch) labels.push(label)
  if (labels.length !== blocks) throw new Error(`${labels.length} blocks instead of ${blocks}`)
  return {
    labels,
    async *contents() {
      for await (const batch of read()) for (const { content } of batch) yield content
    },
  }
}

async function measureOurs(database: string, { labels }: Feed, runs: number) {
  const served = await serve(database, password)
  try {
    const authorization = basicAuthorization('admin', password)
    const poll = async (from?: number, to?: number) => {
      const label = (at: number | undefined) =>
        at === undefined ? undefined : formatMicros(labels[at] as number)
      const body = pollRequest('bench', label(from), label(to))
      return timePoll(`${served.url}/taxii/poll`, authorization, body)
    }
    // The first pays for checking the password, and the code is cold.
    await poll(0, 100)
    const windows = await repeat(200, (run) => {
      const at = (run * 7_919) % (blocks - 101)
      return expectBlocks(100, poll(at, at + 100))
    })
    const pages = await repeat(runs, () => expectBlocks(pageBlocks, poll(0, pageBlocks)))
    const full = await repeat(runs, () => expectBlocks(blocks, poll()))
    const memory = summarize([peakMemoryMb(served.pid)])
    return [
      atMost('window of 100 of 100,000: first byte', firstByte(windows), 'ms', 10),
      plain('  total', total(windows), 'ms'),
      plain('10,000 blocks: first byte', firstByte(pages), 'ms'),
      plain('  total', total(pages), 'ms'),
      atMost('100,000 blocks: first byte', firstByte(full), 'ms', 50),
      plain('  total', total(full), 'ms'),
      atMost('  memory of the process', memory, 'MB', 300),
    ]
  } finally {
    await served.stop()
  }
}

async function measureTheirs(feed: Feed, runs: number) {
  const python = getTestPython()
  return withDatabase(async (databaseUrl) => {
    const peer = await startOpenTaxii({ databaseUrl, python, blocks: feed.contents() })
    try {
      const { at } = peer.labels
      const poll = (authorization: string, from: number, to: number) =>
        timePoll(peer.url, authorization, pollRequest(peer.collection, at(from), at(to)))
      const { basic, bearer } = peer.authorization
      await poll(bearer, 0, 100)
      const windowsOf = (authorization: string) =>
        repeat(30, (run) => {
          const from = (run * 7_919) % (blocks - 101)
          return expectBlocks(100, poll(authorization, from, from + 100))
        })
      const byBasic = await windowsOf(basic)
      const byBearer = await windowsOf(bearer)
      const pages = await repeat(runs, () => expectBlocks(pageBlocks, poll(bearer, 0, pageBlocks)))
      const whole = pollRequest(peer.collection)
      const full = await repeat(1, () => expectBlocks(blocks, timePoll(peer.url, bearer, whole)))
      const memory = summarize([Math.max(...peer.pids().map(peakMemoryMb))])
      const name = `OpenTAXII ${peer.version}`
      return [
        plain(`${name}, window of 100, Basic: first byte`, firstByte(byBasic), 'ms'),
        // It computes the password's hash with every Basic request; a token spares it that.
        plain(`${name}, window of 100, bearer: first byte`, firstByte(byBearer), 'ms'),
        plain(`${name}, 10,000 blocks, bearer: first byte`, firstByte(pages), 'ms'),
        plain('  total', total(pages), 'ms'),
        plain(`${name}, 100,000 blocks, bearer: first byte`, firstByte(full), 'ms'),
        plain('  total', total(full), 'ms'),
        plain('  memory of its largest process', memory, 'MB'),
      ]
    } finally {
      await peer.stop()
    }
  })
}

async function repeat(runs: number, work: (run: number) => Promise<PollTimes>) {
  const results: PollTimes[] = []
  for (let run = 0; run < runs; run += 1) results.push(await work(run))
  return results
}

async function expectBlocks(count: number, poll: Promise<PollTimes>): Promise<PollTimes> {
  const times = await poll
  if (times.blocks !== count) throw new Error(`${times.blocks} blocks came instead of ${count}`)
  return times
}

function firstByte(times: readonly PollTimes[]) {
  return summarize(times.map((one) => one.firstByteMs))
}

function total(times: readonly PollTimes[]) {
  return summarize(times.map((one) => one.totalMs))
}
