import { sql } from 'kysely'
import t from 'tap'
import type { PollOutcome } from '../../src/model/ledger.ts'
import { createAccount } from '../../src/store/accounts.ts'
import { readCollections, writeCollection } from '../../src/store/collections.ts'
import type { Db } from '../../src/store/db.ts'
import { readSafeLabel } from '../../src/store/feed.ts'
import { readLedger } from '../../src/store/ledger.ts'
import {
  type AskedRange,
  completePolls,
  fixRanges,
  type PollToFix,
  pruneLedger,
} from '../../src/store/polls.ts'
import { forEachStore, openTestStore } from '../helpers/stores.ts'
import { aCollection } from '../intake/reports.ts'
import { fixRange } from './fix-range.ts'

const hour = 3_600_000_000

async function start(db: Db) {
  const account = await createAccount(db, 'esa1', 'hash', 'reader')
  await writeCollection(db, aCollection({ name: 'one' }))
  await writeCollection(db, aCollection({ name: 'other' }))
  const collections = await readCollections(db)
  if (!account) throw new Error('there is such an account already')
  const poller = { account, address: '192.0.2.7', userAgent: 'a client' }
  const poll = async (index: number) => {
    const collectionId = collections[index]?.id ?? 0
    const stream = { collectionId, binding: 'urn:stix.mitre.org:xml:1.2' } as const
    return fixRange(db, poller, stream, { countsOnly: false })
  }
  return { poll, poller, collectionIds: collections.map(({ id }) => id) }
}

t.test('a poll is completed once', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const { poll } = await start(db)
    const { pollId } = await poll(0)
    const { pollId: other } = await poll(1)
    const outcome: PollOutcome = {
      pollId,
      status: 'broken off',
      durationMs: 12.3,
      blocks: 2,
      bytes: 5_000_000_000,
      sentThrough: 17,
      leftThrough: 18,
    }
    const none = { sentThrough: undefined, leftThrough: undefined }
    const empty: PollOutcome = { ...outcome, ...none, pollId: other, blocks: 0, status: 'complete' }
    await completePolls(db, [outcome, empty])
    await completePolls(db, [{ ...outcome, status: 'complete', blocks: 9 }])
    const [second, first] = await readLedger(db, { limit: 9 })
    t.match(first, { status: 'broken off', blocks: 2, bytes: 5_000_000_000, durationMs: 13 })
    t.match(second, { status: 'complete', blocks: 0 })
    const { rows } = await sql`select sent_through, left_through from polls order by id`.execute(db)
    t.strictSame(rows, [
      { sent_through: 17, left_through: 18 },
      { sent_through: null, left_through: null },
    ])
  })
})

t.test('old polls are pruned, but nothing can be published behind what was answered', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const { poll, collectionIds } = await start(db)
    const [one = 0, other = 0] = collectionIds
    const old = await poll(0)
    await poll(1)
    // More than are deleted at a time.
    await sql`
      insert into polls (account_id, collection_id, binding, address, user_agent, counts_only, end_label, as_of)
      select account_id, collection_id, binding, address, user_agent, counts_only, end_label - n, as_of
      from polls, generate_series(1, 4000) n`.execute(db)
    // Answered before the clock stepped back.
    await sql`
      update polls set end_label = end_label + ${hour}, started_at = now() - interval '100 days'`.execute(
      db,
    )
    const settled = await Promise.all([one, other].map((id) => readSafeLabel(db, id)))
    t.ok((settled[0]?.safe ?? 0) >= old.range.end + hour)
    const recent = await poll(0)
    await sql`
      update polls set started_at = now() - interval '89 days' where id = ${recent.pollId}`.execute(
      db,
    )

    t.equal(await pruneLedger(db, 90), 8_001)
    const left = await readLedger(db, { limit: 9 })
    t.equal(left.length, 2, 'the recent one, and the last of the other collection')
    for (const [index, id] of [one, other].entries()) {
      const { safe } = await readSafeLabel(db, id)
      t.ok(safe >= (settled[index]?.safe ?? Infinity), 'no end comes back')
    }
    t.equal(await pruneLedger(db, 90), 0)
    t.equal(await pruneLedger(db, 80), 0, 'the last of each stays, however old')
  })
})

t.test('polls that are fixed together each have their own range', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const { poller, collectionIds } = await start(db)
    const [collectionId = 0] = collectionIds
    const stream = { collectionId, binding: 'urn:stix.mitre.org:xml:1.2' } as const
    const label = 1_000
    await sql`
      insert into publications (collection_id, binding, base_label, block_count, live_count)
      values (${collectionId}, 1, ${label - 9}, 10, 10)`.execute(db)
    const ask = (asked: Partial<AskedRange>): PollToFix => ({
      poller,
      stream,
      asked: { countsOnly: false, ...asked },
    })
    const fixed = await fixRanges(db, collectionId, [
      ask({}),
      ask({ begin: label - 1 }),
      ask({ begin: label, countsOnly: true }),
      ask({ begin: label - 1, end: label + 5 }),
    ])
    const { safe } = await readSafeLabel(db, collectionId)
    t.strictSame(
      fixed.map(({ range, isEmpty }) => [range.begin, range.end <= safe, isEmpty]),
      [
        [undefined, true, false],
        [label - 1, true, false],
        [label, true, true],
        [label - 1, true, false],
      ],
      'of which one begins behind the last block',
    )
    t.equal(fixed[3]?.range.end, label + 5)
    const entries = await readLedger(db, { limit: 9 })
    t.strictSame(
      entries.map(({ id, begin, countsOnly }) => [id, begin, countsOnly]).reverse(),
      fixed.map(({ pollId, range }, at) => [pollId, range.begin, at === 2]),
    )
    t.equal(fixed[0]?.isEmpty, false)
    const { isEmpty } = await fixRange(
      db,
      poller,
      { ...stream, collectionId: collectionIds[1] ?? 0 },
      { countsOnly: false },
    )
    t.ok(isEmpty, 'a collection without blocks has none')
  })
})

t.test('what is published while a poll waits for it is not taken for nothing', async (t) => {
  const { db } = await openTestStore(t, 'postgresql')
  const { poller, collectionIds } = await start(db)
  const [collectionId = 0] = collectionIds
  const stream = { collectionId, binding: 'urn:stix.mitre.org:xml:1.2' } as const
  const { safe: begin } = await readSafeLabel(db, collectionId)
  const fixed = await db.transaction().execute(async (trx) => {
    const { rows } = await sql<{ base: number }>`
      select taxiway_next_base(${collectionId}::integer) as base`.execute(trx)
    const fixing = fixRange(db, poller, stream, { begin, countsOnly: false })
    for (;;) {
      const waiting = await sql`
        select from pg_locks where locktype = 'advisory' and not granted
          and database = (select oid from pg_database where datname = current_database())`.execute(
        trx,
      )
      if (waiting.rows.length > 0) break
    }
    await sql`
      insert into publications (collection_id, binding, base_label, block_count, live_count)
      values (${collectionId}, 1, ${rows[0]?.base}, 1, 1)`.execute(trx)
    return { fixing, base: rows[0]?.base ?? 0 }
  })
  const { range, isEmpty } = await fixed.fixing
  t.ok(range.end >= fixed.base)
  t.equal(isEmpty, false)
})
