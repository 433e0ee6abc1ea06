import t, { type Test } from 'tap'
import type { Micros } from '../../src/model/micros.ts'
import { readCollections } from '../../src/store/collections.ts'
import type { Db } from '../../src/store/db.ts'
import { readLedger } from '../../src/store/ledger.ts'
import type { Feed } from '../../src/taxii/feed.ts'
import { forEachStore } from '../helpers/stores.ts'
import { aCollection, createTestIntake, reportOn } from '../intake/reports.ts'
import { readClock, startStoredServer } from './stored-server.ts'

const day = 86_400_000_000
const stix12 = 'urn:stix.mitre.org:xml:1.2'

/** A served collection "all"; `publish` gives it a block for each of these names. */
async function startFeed(t: Test, db: Db, change?: (feed: Feed) => Feed, pageSize?: number) {
  const intake = createTestIntake(t, db)
  await intake.settle(aCollection({ pageSize }))
  const server = await startStoredServer(t, db, change)
  let reports = 0
  const publish = async (...names: string[]) => {
    reports += 1
    const domains = names.map(domainOf)
    await intake.take([reportOn(domains, { externalId: `report ${reports}` })])
  }
  return { ...server, publish }
}

const domainOf = (name: string) => `${name}.taxiway-demo.com`

function sees(t: Test, { values }: { values: readonly string[] }, ...names: string[]) {
  t.strictSame(values.toSorted(), names.map(domainOf).sort())
}

t.test('a client whose clock is a day ahead, and that goes on from its own end', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const { addClient, publish } = await startFeed(t, db)
    const esa = await addClient('esa1')
    const ahead = async () => (await readClock(db)) + day

    await publish('a', 'b')
    const ownEnd = await ahead()
    const first = await esa.poll('all', { end: ownEnd })
    sees(t, first, 'a', 'b')
    t.ok(first.end !== undefined && first.end < ownEnd, 'the answered end is not ahead')
    t.equal(first.message, undefined)

    await publish('c')
    const nextEnd = await ahead()
    const second = await esa.poll('all', { begin: ownEnd, end: nextEnd })
    sees(t, second, 'c')
    t.equal(second.begin, first.end, 'it is answered from where it was')
    t.match(second.message, /lies ahead of .*; this response covers the time from 2.*Z on/)

    const third = await esa.poll('all', { begin: nextEnd, end: await ahead() })
    sees(t, third)
    t.equal(third.begin, second.end)

    await t.test('not knowing the end to the microsecond', async (t) => {
      const end = await ahead()
      await publish('d')
      const whole = await esa.poll('all', { begin: third.end, end })
      sees(t, whole, 'd')
      await publish('e')
      const cut = Math.floor(end / 1_000_000) * 1_000_000
      const next = await esa.poll('all', { begin: cut, end: await ahead() })
      sees(t, next, 'e')
      t.equal(next.begin, whole.end)
    })

    await t.test('or without any end', async (t) => {
      await publish('f')
      const poll = await esa.poll('all', { begin: await ahead() })
      sees(t, poll, 'f')
      await publish('g')
      sees(t, await esa.poll('all', { begin: await ahead() }), 'g')
    })
  })
})

t.test('a client that goes on from the answered end gets nothing twice', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const { addClient, publish } = await startFeed(t, db)
    const esa = await addClient('esa1')
    await publish('a')
    const end = (await readClock(db)) + day
    let last = await esa.poll('all', { end })
    sees(t, last, 'a')
    for (const name of ['b', 'c', 'd']) {
      await publish(name)
      const next = await esa.poll('all', { begin: last.end, end: end + 1 })
      sees(t, next, name)
      t.equal(next.begin, last.end)
      t.equal(next.message, undefined)
      last = next
    }
    sees(t, await esa.poll('all', { begin: last.end }))
  })
})

t.test('a count before the blocks does not matter', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const { addClient, publish } = await startFeed(t, db)
    const esa = await addClient('esa1')
    await publish('a')
    const first = (await readClock(db)) + day
    const second = first + 60_000_000
    const count = await esa.poll('all', { end: first, countsOnly: true })
    t.strictSame(count.labels, [])
    await publish('b')
    sees(t, await esa.poll('all', { end: first }), 'a', 'b')
    await publish('c')
    await esa.poll('all', { begin: first, end: second, countsOnly: true })
    await publish('d')
    sees(t, await esa.poll('all', { begin: first, end: second }), 'c', 'd')
    await publish('e')
    sees(t, await esa.poll('all', { begin: second, end: second + day }), 'e')
  })
})

t.test('after an answer that broke the same window is answered again', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    let breaks = false
    const breaking = (feed: Feed): Feed => ({
      ...feed,
      async *readBlocks(snapshot, range) {
        if (breaks) throw new Error('the store failed')
        yield* feed.readBlocks(snapshot, range)
      },
    })
    const { addClient, publish, settled } = await startFeed(t, db, breaking)
    const esa = await addClient('esa1')
    await publish('a')
    const own: Micros[] = [0, 1, 2, 3].map((n) => Date.now() * 1_000 + day + n * 60_000_000)
    sees(t, await esa.poll('all', { end: own[0] }), 'a')
    await publish('b')
    breaks = true
    await t.rejects(esa.poll('all', { begin: own[0], end: own[1] }))
    breaks = false
    await settled()
    await publish('c')
    sees(t, await esa.poll('all', { begin: own[0], end: own[1] }), 'b', 'c')
    await publish('d')
    breaks = true
    await t.rejects(esa.poll('all', { begin: own[1], end: own[2] }))
    breaks = false
    await settled()
    sees(t, await esa.poll('all', { begin: own[1], end: own[3] }), 'd')
    await publish('e')
    sees(t, await esa.poll('all', { begin: own[3] }), 'e')
    await settled()
    const rows = await readLedger(db, { limit: 10 })
    t.strictSame(rows.map(({ status, blocks }) => `${status} ${blocks}`).reverse(), [
      'complete 1',
      'broken off 0',
      'complete 2',
      'broken off 0',
      'complete 1',
      'complete 1',
    ])
  })
})

t.test('what one account polls is nothing to another', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const { addClient, publish } = await startFeed(t, db)
    const [one, other] = [await addClient('esa1'), await addClient('esa2')]
    await publish('a')
    const end = (await readClock(db)) + day
    sees(t, await one.poll('all', { end }), 'a')
    await publish('b')
    const answer = await other.poll('all', { begin: end, end: end + day })
    sees(t, answer)
    t.equal(answer.begin, answer.end, 'nothing was answered to it before: it begins now')
    sees(t, await one.poll('all', { begin: end }), 'b')
    await publish('c')
    sees(t, await other.poll('all', { begin: end + day }), 'c')
    sees(t, await other.poll('all'), 'a', 'b', 'c')
  })
})

t.test('the ledger has who polled what, and what was sent', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const { addClient, publish, settled } = await startFeed(t, db)
    const esa = await addClient('esa1')
    await publish('a', 'b', 'c')
    const began = Date.now()
    const end = (await readClock(db)) + day
    const answer = await esa.poll('all', { end, userAgent: 'x'.repeat(250) })
    await esa.poll('all', { countsOnly: true })
    await settled()
    const [count, whole] = await readLedger(db, { limit: 10 })
    t.match(whole, {
      account: 'esa1',
      address: '127.0.0.1',
      userAgent: /^x{200}$/,
      collection: 'all',
      binding: stix12,
      countsOnly: false,
      askedBegin: undefined,
      askedEnd: end,
      begin: undefined,
      end: answer.end,
      part: undefined,
      status: 'complete',
      blocks: 3,
      bytes: answer.bytes,
    })
    const spent = Date.now() - began + 1
    t.ok((whole?.durationMs ?? -1) >= 0 && (whole?.durationMs ?? Infinity) <= spent)
    t.match(count, { countsOnly: true, status: 'complete', blocks: 0 })
    t.ok((count?.bytes ?? 0) > 0)

    await t.test('read by account, by collection, by time, and so many', async (t) => {
      const { account } = await addClient('esa2')
      const [{ id = 0 } = {}] = await readCollections(db)
      const counts = async (filter: object) =>
        (await readLedger(db, { limit: 10, ...filter })).length
      t.equal(await counts({ accountId: esa.account.id }), 2)
      t.equal(await counts({ accountId: account.id }), 0)
      t.equal(await counts({ collectionId: id }), 2)
      t.equal(await counts({ collectionId: id + 1 }), 0)
      t.equal(await counts({ since: whole?.startedAt }), 2)
      t.equal(await counts({ since: new Date(Date.now() + 60_000) }), 0)
      t.equal(await counts({ limit: 1 }), 1)
    })
  })
})

t.test('the parts of a result set are entered each', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const { addClient, publish, settled } = await startFeed(t, db, undefined, 2)
    const esa = await addClient('esa1')
    await publish('a', 'b', 'c', 'd', 'e')
    const first = await esa.poll('all')
    const { resultId } = first
    t.equal(first.more, true)
    const answers = [first]
    for (const part of [2, 3, 4]) answers.push(await esa.fulfil('all', resultId, part, 'Cabby 1'))
    await settled()
    const rows = (await readLedger(db, { limit: 10 })).toReversed()
    t.equal(rows.length, 4)
    for (const [index, row] of rows.entries()) {
      const answer = answers[index]
      t.match(row, { resultId, part: index + 1, status: 'complete', bytes: answer?.bytes })
      t.equal(row.begin, answer?.begin)
      t.equal(row.blocks, [2, 2, 1, 0][index])
      t.strictSame([row.askedBegin, row.askedEnd], [undefined, undefined])
    }
    const ends = rows.map(({ end }) => end)
    t.equal(ends[0], ends[2], 'the first has what the whole set considered')
    t.equal(ends[1], answers[1]?.end)
    const next = await esa.poll('all', { begin: answers[2]?.end })
    sees(t, next)
    t.equal(next.message, undefined)

    await t.test('and going on from the end of the first misses nothing', async (t) => {
      t.equal((await esa.poll('all', { begin: first.end })).message, undefined)
      const { values } = await esa.poll('all', { begin: first.end })
      t.equal(values.length, 2)
    })
  })
})
