import { isDeepStrictEqual } from 'node:util'
import type { Account } from '../../src/model/account.ts'
import type { Collection, ContentBinding } from '../../src/model/collection.ts'
import type { FeedBlock, LabelRange, ResultSet, Stream } from '../../src/model/feed.ts'
import type { PollOutcome } from '../../src/model/ledger.ts'
import type { Micros } from '../../src/model/micros.ts'
import type { Subscription } from '../../src/model/subscription.ts'
import type { Feed } from '../../src/taxii/feed.ts'

export const reader: Account = { id: 1, name: 'esa1', role: 'reader' }
export const otherReader: Account = { id: 2, name: 'esa2', role: 'reader' }

/** 2026-01-01T00:00:00Z; block n has the label `start + n` seconds. */
export const start: Micros = Date.UTC(2026, 0, 1) * 1000
export const second = 1_000_000

export interface MemoryFeed extends Feed {
  readonly collections: Collection[]
  /** names of collections that only the first account may read */
  readonly hidden: Set<string>
  /** names of inbox collections that every account may send to, and not only the first */
  readonly writable: Set<string>
  /** typical daily records, by collections' ids */
  readonly volumes: Map<number, number>
  subscriptions: Subscription[]
  /** the database's clock */
  now: Micros
  publish(collectionId: number, binding: ContentBinding, ...labels: Micros[]): void
  withdraw(...labels: Micros[]): void
  /** called before each batch of blocks is handed out */
  beforeBatch: (batch: number) => Promise<void> | void
  /** called before anything else is answered */
  beforeCall: () => void
  readonly sets: Map<string, ResultSet>
  /** called before the ends of polls are entered */
  beforeCompletion: () => void
  /** how polls ended, in the order in which it was entered */
  readonly completed: PollOutcome[]
  batchesRead: number
  readersOpen: number
  /** how many are in the ledger */
  polls: number
}

export function collection(overrides: Partial<Collection> = {}): Collection {
  return {
    id: 1,
    name: 'urls',
    description: 'URLs <of> "malware" & phishing',
    rule: { source: 'otx' },
    maxTlp: 'green',
    type: 'data-feed',
    inbox: false,
    nonPublic: false,
    bindings: ['urn:stix.mitre.org:xml:1.2', 'urn:stix.mitre.org:xml:1.1.1'],
    profile: 'esa',
    packaging: 'indicator',
    cidr: 'omit',
    pageSize: undefined,
    refreshDays: undefined,
    ...overrides,
  }
}

export function packageOf(label: Micros, padding = ''): string {
  return `<stix:STIX_Package xmlns:stix="http://stix.mitre.org/stix-1" xmlns:ex="http://example.org/" id="ex:Package-${label}" version="1.2"><!--${padding}--></stix:STIX_Package>`
}

/** The store's contract in memory, for tests of the protocol alone. */
export function memoryFeed(options: { batchSize?: number; padding?: string } = {}): MemoryFeed {
  const { batchSize = 2, padding = '' } = options
  let blocks: { stream: Stream; block: FeedBlock }[] = []

  function live(stream: Stream, range: LabelRange): FeedBlock[] {
    return blocks
      .filter(
        (one) =>
          one.stream.collectionId === stream.collectionId && one.stream.binding === stream.binding,
      )
      .map((one) => one.block)
      .filter(({ label }) => (range.begin ?? -Infinity) < label && label <= range.end)
      .sort((a, b) => a.label - b.label)
  }

  function mayRead(account: Account, { name }: Collection): boolean {
    return account.id === reader.id || !feed.hidden.has(name)
  }

  function maySend(account: Account, { name, inbox }: Collection): boolean {
    return inbox && (account.id === reader.id || feed.writable.has(name))
  }

  function owned(account: Account, { id }: Collection): Subscription[] {
    return feed.subscriptions.filter(
      (one) => one.accountId === account.id && one.collectionId === id,
    )
  }

  const feed: MemoryFeed = {
    collections: [],
    hidden: new Set(),
    writable: new Set(),
    volumes: new Map(),
    subscriptions: [],
    now: start + 1000 * second,
    beforeBatch: () => undefined,
    beforeCall: () => undefined,
    beforeCompletion: () => undefined,
    completed: [],
    sets: new Map(),
    batchesRead: 0,
    readersOpen: 0,
    polls: 0,

    publish(collectionId, binding, ...labels) {
      for (const label of labels) {
        blocks.push({
          stream: { collectionId, binding },
          block: { label, content: packageOf(label, padding) },
        })
      }
    },
    withdraw(...labels) {
      blocks = blocks.filter((one) => !labels.includes(one.block.label))
    },

    async listCollections(account) {
      feed.beforeCall()
      return feed.collections.flatMap((one) => {
        const read = mayRead(account, one)
        const send = maySend(account, one)
        return read || send
          ? { ...one, access: { read, send }, volume: feed.volumes.get(one.id) }
          : []
      })
    },
    async maySend(account) {
      feed.beforeCall()
      return feed.collections.some((one) => maySend(account, one))
    },
    async findCollection(account, name) {
      feed.beforeCall()
      return feed.collections.find((one) => one.name === name && mayRead(account, one))
    },
    async fixRange(_poller, stream, { begin, end = feed.now }) {
      const range = {
        begin: begin === undefined ? undefined : Math.min(begin, feed.now),
        end: Math.min(end, feed.now),
      }
      feed.polls += 1
      return { pollId: feed.polls, range, snapshot: { ...stream, asOf: 0 }, isEmpty: false }
    },
    async countBlocks(stream, range) {
      return live(stream, range).length
    },
    async *readBlocks(stream, range) {
      feed.readersOpen += 1
      try {
        let { begin } = range
        for (let batch = 1; ; batch += 1) {
          await feed.beforeBatch(batch)
          const found = live(stream, { begin, end: range.end }).slice(0, batchSize)
          if (found.length === 0) return
          feed.batchesRead += 1
          yield found
          begin = found.at(-1)?.label
        }
      } finally {
        feed.readersOpen -= 1
      }
    },
    async createResultSet(
      account,
      snapshot,
      range,
      pageSize,
      beginMoved = false,
      subscriptionId = undefined,
    ) {
      const labels = live(snapshot, range).map((block) => block.label)
      const partEnds = labels.filter(
        (_label, index) => (index + 1) % pageSize === 0 || index === labels.length - 1,
      )
      const id = `set-${feed.sets.size + 1}&"<`
      const set = {
        id,
        accountId: account.id,
        snapshot,
        range,
        beginMoved,
        partEnds,
        recordCount: labels.length,
        subscriptionId,
        lastWithdrawal: 0,
      }
      feed.sets.set(id, set)
      return set
    },
    async subscribe(terms) {
      feed.beforeCall()
      const same = feed.subscriptions.find(
        ({ id: _id, status, ...rest }) =>
          status !== 'UNSUBSCRIBED' && isDeepStrictEqual(rest, terms),
      )
      if (same) return same
      const made = {
        ...terms,
        id: `subscription-${feed.subscriptions.length + 1}`,
        status: 'ACTIVE',
      } as const
      feed.subscriptions.push(made)
      return made
    },
    async findSubscription(account, collection, id) {
      return owned(account, collection).find((one) => one.id === id)
    },
    async listSubscriptions(account, collection) {
      return owned(account, collection)
    },
    async changeSubscription(account, collection, id, status) {
      const found = owned(account, collection).find((one) => one.id === id)
      if (!found || found.status === 'UNSUBSCRIBED') return found
      const changed = { ...found, status }
      feed.subscriptions = feed.subscriptions.map((one) => (one === found ? changed : one))
      return changed
    },
    async findResultSet(account, id) {
      const set = feed.sets.get(id)
      return set?.accountId === account.id ? set : undefined
    },
    async noteFirstPart() {},
    async enterPart() {
      feed.polls += 1
      return feed.polls
    },
    async correctPart() {},
    async completePolls(outcomes) {
      feed.beforeCompletion()
      feed.completed.push(...outcomes)
    },
    async movePartEnds(set, partEnds) {
      const stored = feed.sets.get(set.id)
      if (stored !== set) return stored ?? set
      const moved = { ...set, partEnds }
      feed.sets.set(set.id, moved)
      return moved
    },
  }
  return feed
}
