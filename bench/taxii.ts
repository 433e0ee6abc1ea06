import { formatMicros } from '../src/model/micros.ts'
import { readCollections } from '../src/store/collections.ts'
import { openStore } from '../src/store/db.ts'
import { readBlocks } from '../src/store/feed.ts'
import { createHeadReader } from '../src/store/packages.ts'
import { type OpenTaxii, startOpenTaxii } from '../test/helpers/opentaxii.ts'
import { getTestPython } from '../test/helpers/python.ts'
import { startChild } from './child.ts'
import { withDatabase } from './database.ts'
import { benchCollection, fill, makeFeeds } from './fill.ts'
import { atLeast, atMost, type Line, plain, processorMs, summarize } from './measure.ts'
import { type Served, serve } from './serve-child.ts'
import type { Load, Loaded } from './taxii-load-child.ts'
import { collectionsRequest, discoveryRequest } from './taxii-messages.ts'
import { basicAuthorization, pollRequest, stix12, timePoll } from './taxii-requests.ts'

const blocks = 10_000
const password = 'a password for a bench'
const secondsEach = 3
const clients = 8
const inboxBlocks = 100
const inboxClients = 4

interface Peer {
  readonly name: string
  readonly discovery: string
  readonly collections: string
  readonly poll: string
  readonly inbox: string
  readonly collection: string
  readonly inboxCollection: string
  readonly bearer: string
  /** of the last block */
  readonly lastLabel: string
  pids(): readonly number[]
}

type Kind = 'discovery' | 'collections' | 'poll' | 'inbox'

/** Requests a second, ours and OpenTAXII's by turns, both filled with the same blocks. */
export async function benchTaxii(runs: number): Promise<readonly Line[]> {
  return withDatabase(async (database) => {
    const { labels, contents } = await fillOurs(database)
    const served = await serve(database, password)
    try {
      return await withDatabase(async (databaseUrl) => {
        const theirs = await startOpenTaxii({
          databaseUrl,
          python: getTestPython(),
          blocks: contents,
          inbox: true,
        })
        try {
          const us = await ours(served, formatMicros(labels.at(-1) as number))
          return await compare(us, peerOf(theirs), runs)
        } finally {
          await theirs.stop()
        }
      })
    } finally {
      await served.stop()
    }
  })
}

async function fillOurs(databaseUrl: string) {
  const store = await openStore({ databaseUrl, dataDir: '' })
  try {
    const { db } = store
    const inbox = benchCollection({
      ...{ name: 'inbox', rule: { source: 'nobody' }, inbox: true, maxTlp: 'amber' },
    })
    await fill(await makeFeeds(db, [benchCollection(), inbox]), blocks)
    const collection = (await readCollections(db)).find(({ name }) => name === 'bench')
    if (!collection) throw new Error('no collection')
    const end = Number.MAX_SAFE_INTEGER
    const stream = { collectionId: collection.id, binding: stix12, asOf: end } as const
    const labels: number[] = []
    const contents: string[] = []
    for await (const batch of readBlocks(db, createHeadReader(db), stream, {
      begin: undefined,
      end,
    })) {
      for (const { label, content } of batch) {
        labels.push(label)
        contents.push(content)
      }
    }
    return { labels, contents }
  } finally {
    await store.close()
  }
}

async function ours({ url, pid }: Served, lastLabel: string): Promise<Peer> {
  const response = await fetch(`${url}/management/auth`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ username: 'admin', password }),
  })
  const { token } = (await response.json()) as { token: string }
  return {
    name: 'Taxiway',
    discovery: `${url}/taxii/discovery`,
    collections: `${url}/taxii/collections`,
    poll: `${url}/taxii/poll`,
    inbox: `${url}/taxii/inbox`,
    collection: 'bench',
    inboxCollection: 'inbox',
    bearer: `Bearer ${token}`,
    lastLabel,
    pids: () => [pid],
  }
}

function peerOf(theirs: OpenTaxii): Peer {
  return {
    name: `OpenTAXII ${theirs.version}`,
    discovery: theirs.discoveryUrl,
    collections: theirs.collectionsUrl,
    poll: theirs.url,
    inbox: theirs.inboxUrl,
    collection: theirs.collection,
    inboxCollection: theirs.collection,
    bearer: theirs.authorization.bearer,
    lastLabel: theirs.labels.last,
    pids: () => theirs.pids(),
  }
}

function loadOf(peer: Peer, kind: Kind): Load {
  const common = { url: peer[kind], authorization: peer.bearer, clients, seconds: secondsEach }
  switch (kind) {
    case 'discovery':
      return { ...common, message: discoveryRequest, expected: 'Discovery_Response' }
    case 'collections':
      return {
        ...common,
        message: collectionsRequest,
        expected: `collection_name="${peer.collection}"`,
      }
    case 'poll':
      return {
        ...common,
        message: pollRequest(peer.collection, peer.lastLabel),
        expected: 'Poll_Response',
        unexpected: 'Content_Block',
      }
    case 'inbox':
      return {
        ...common,
        message: { inboxOf: inboxBlocks, collection: peer.inboxCollection },
        expected: 'status_type="SUCCESS"',
        clients: inboxClients,
      }
  }
}

async function compare(us: Peer, them: Peer, runs: number): Promise<readonly Line[]> {
  const generator = startChild('./taxii-load-child.ts', [])
  const rate = async (load: Load) => {
    generator.send(load)
    const { answers, seconds } = await generator.next<Loaded>()
    return answers / seconds
  }
  try {
    const lines: Line[] = []
    for (const [kind, what, factor] of kinds) {
      for (const peer of [us, them]) await rate({ ...loadOf(peer, kind), seconds: 1 })
      const [own, other]: [number[], number[]] = [[], []]
      const costs: [number[], number[]] = [[], []]
      for (let run = 0; run < runs; run += 1) {
        for (const [peer, rates, cost] of [
          [us, own, costs[0]],
          [them, other, costs[1]],
        ] as const) {
          const before = processorOf(peer)
          const found = await rate(loadOf(peer, kind))
          rates.push(found)
          cost.push((processorOf(peer) - before) / (found * secondsEach))
        }
      }
      const ratios = own.map((value, run) => value / (other[run] as number))
      lines.push(
        plain(`${what}: ${us.name}`, summarize(own), 'a second'),
        plain(`  ${them.name}`, summarize(other), 'a second'),
        // What a busy machine changes least; what PostgreSQL does for them is not counted.
        plain(`  processor time of each, ${us.name}`, summarize(costs[0]), 'ms'),
        plain(`  processor time of each, ${them.name}`, summarize(costs[1]), 'ms'),
        atLeast('  ratio', summarize(ratios), 'times', factor),
      )
    }
    await expectAll(us)
    return [...lines, ...(await compareProofs(us, rate, runs))]
  } finally {
    await generator.stop()
  }
}

const processorOf = (peer: Peer) => peer.pids().reduce((sum, pid) => sum + processorMs(pid), 0)

const kinds: readonly (readonly [Kind, string, number])[] = [
  ['discovery', 'Discovery, bearer', 4],
  ['collections', 'Collection_Information, bearer', 4],
  ['poll', 'empty poll, bearer', 4],
  ['inbox', `Inbox_Message of ${inboxBlocks} blocks, bearer`, 20],
]

/** What was sent is there: nothing was answered that was not done. */
async function expectAll({ poll, bearer, inboxCollection }: Peer): Promise<void> {
  const { blocks } = await timePoll(poll, bearer, pollRequest(inboxCollection))
  if (blocks === 0 || blocks % inboxBlocks !== 0) throw new Error(`${blocks} blocks of the inbox`)
}

async function compareProofs(
  us: Peer,
  rate: (load: Load) => Promise<number>,
  runs: number,
): Promise<readonly Line[]> {
  const bearer = loadOf(us, 'poll')
  const basic = { ...bearer, authorization: basicAuthorization('admin', password) }
  await rate({ ...basic, seconds: 1 })
  const more: number[] = []
  for (let run = 0; run < Math.max(runs, 5); run += 1) {
    const [byBearer, byBasic] = [await rate(bearer), await rate(basic)]
    more.push((byBearer / byBasic - 1) * 100)
  }
  return [atMost('empty poll: what Basic costs more than bearer', summarize(more), '%', 10)]
}
