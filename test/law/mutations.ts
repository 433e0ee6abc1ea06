import { isDeepStrictEqual } from 'node:util'
import type { FeedBlock, Snapshot } from '../../src/model/feed.ts'
import type { Feed } from '../../src/taxii/feed.ts'
import { fulfil } from '../../src/taxii/result-set.ts'
import type { Query } from './database.ts'
import type { Harness } from './harness.ts'
import type { Changes } from './play.ts'
import { service } from './pollers.ts'

/** A way to break the law, put in the place of what keeps it. */
export interface Mutation {
  /** Changes the database's functions. */
  readonly mutate?: (query: Query) => Promise<void>
  readonly changes?: Changes
  /** where the common one meets late what this breaks */
  readonly seed?: number
}

/** Changes the source of a function of the database. */
async function rewrite(query: Query, name: string, change: (text: string) => string) {
  const [row] = await query('select pg_get_functiondef($1::regproc) as text', [name])
  const { text } = row as { text: string }
  const changed = change(text)
  if (changed === text) throw new Error(`${name} does not hold what was to be taken out of it`)
  await query(changed)
}

const inFixRange = (from: string | RegExp, to: string) => (query: Query) =>
  rewrite(query, 'taxiway_fix_range', (text) => text.replace(from, to))

/** Hands each poller a feed that is changed in parts. */
const inFeed = (change: (feed: Feed) => Partial<Feed>): Mutation => ({
  changes: { changeFeed: (feed) => ({ ...feed, ...change(feed) }) },
})

export const mutations = {
  'the lock is removed': {
    mutate: async (query) => {
      for (const name of ['taxiway_next_base', 'taxiway_fix_range']) {
        await rewrite(query, name, (text) => text.replaceAll(/^\s*perform pg_advisory.*$/gm, ''))
      }
    },
  },
  'the clamp is removed': {
    mutate: inFixRange('least(wanted_end, safe)', 'coalesce(wanted_end, safe)'),
  },
  'OFFSET is put back': { changes: pageByOffset() },
  'the ledger notes no end that lay ahead': {
    mutate: inFixRange(
      'fixed_begin := coalesce(noted, least(wanted_begin, safe))',
      'fixed_begin := wanted_begin',
    ),
  },
  'labels do not heed the ends that were answered': {
    mutate: (query) =>
      rewrite(query, 'taxiway_settled', (text) =>
        text.replace(/\(select max\(end_label\) from polls.*?\)\)/s, '0)'),
      ),
  },
  'labels do not heed the labels before them': {
    mutate: (query) =>
      rewrite(query, 'taxiway_settled', (text) =>
        text.replace('taxiway_last_label(collection)', '0'),
      ),
  },
  'a label is the end that was answered': {
    mutate: (query) =>
      rewrite(query, 'taxiway_next_base', (text) =>
        text.replace('(collection) + 1', '(collection)'),
      ),
  },
  'a result set keeps what it was made of': { changes: { changeFeed: keepBlocks }, seed: 10 },
  'a poll does not remember of when it is': inFeed((feed) => ({
    readBlocks: (snapshot, range) =>
      feed.readBlocks({ ...snapshot, asOf: Number.MAX_SAFE_INTEGER }, range),
  })),
  'chunks of reports are not withdrawn': {
    mutate: async (query) => {
      await query(`create function no_chunks() returns trigger language plpgsql as
        $$ begin return case when new.subject_id > 0 then new end; end $$`)
      await query(`create trigger no_chunks before insert or update on withdrawals
        for each row execute function no_chunks()`)
    },
  },
  'writers do not wait for each other': {
    // Found before the real one, it takes every lock but that of the intake.
    mutate: async (query) => {
      await query(`create function public.pg_advisory_xact_lock(class integer, key integer) returns void
        language plpgsql as $$
        begin
          if key <> 0 then perform pg_catalog.pg_advisory_xact_lock(class, key); end if;
        end $$`)
      await query(`do $$ begin execute format('alter database %I set search_path = public, pg_catalog',
        current_database()); end $$`)
    },
  },
} as const satisfies Record<string, Mutation>

/** Puts the mutation into the harness, for good. */
export async function applyMutation(harness: Harness, mutation: Mutation): Promise<Changes> {
  await mutation.mutate?.(harness.query)
  // What is opened from now on works under it.
  await harness.dropAll()
  return mutation.changes ?? {}
}

/** Cuts each part out of the blocks that are live now, as one would with OFFSET and LIMIT. */
function pageByOffset(): Changes {
  const sizes = new Map<string, number>()
  return {
    changeFeed: (feed) => ({
      ...feed,
      createResultSet: async (...args) => {
        const set = await feed.createResultSet(...args)
        sizes.set(set.id, args[3])
        return set
      },
    }),
    service: {
      ...service,
      fulfil: async (...args) => {
        const response = await fulfil(...args)
        const [feed, poller, { resultId, resultPartNumber }] = args
        const set = await feed.findResultSet(poller.account, resultId)
        const size = sizes.get(resultId) ?? 1
        if (!set || !response.part) return response
        const all = await readAll(feed.readBlocks({ ...set.snapshot, asOf: latest }, set.range))
        const from = (resultPartNumber - 1) * size
        return { ...response, range: set.range, blocks: inOneBatch(all.slice(from, from + size)) }
      },
    },
  }
}

const latest = Number.MAX_SAFE_INTEGER

/** Renders a result set when it is made, and answers with that ever after. */
function keepBlocks(feed: Feed): Feed {
  const kept: { readonly snapshot: Snapshot; readonly blocks: readonly FeedBlock[] }[] = []
  return {
    ...feed,
    createResultSet: async (...args) => {
      const [, snapshot, range] = args
      kept.push({ snapshot, blocks: await readAll(feed.readBlocks(snapshot, range)) })
      return feed.createResultSet(...args)
    },
    readBlocks: (snapshot, range) => {
      const set = kept.find((one) => isDeepStrictEqual(one.snapshot, snapshot))
      if (!set) return feed.readBlocks(snapshot, range)
      const { begin = -1, end } = range
      return inOneBatch(set.blocks.filter(({ label }) => label > begin && label <= end))
    },
  }
}

async function readAll(batches: AsyncIterable<readonly FeedBlock[]>): Promise<FeedBlock[]> {
  const all: FeedBlock[] = []
  for await (const batch of batches) all.push(...batch)
  return all
}

async function* inOneBatch(blocks: readonly FeedBlock[]): AsyncGenerator<readonly FeedBlock[]> {
  yield blocks
}
