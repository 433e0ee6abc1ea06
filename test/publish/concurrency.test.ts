import { sql } from 'kysely'
import t from 'tap'
import { takeIn } from '../../src/intake/take-in.ts'
import type { Stream } from '../../src/model/feed.ts'
import type { Micros } from '../../src/model/micros.ts'
import { saveHighWaterMark } from '../../src/store/blocks.ts'
import { readCollections } from '../../src/store/collections.ts'
import { openStore } from '../../src/store/db.ts'
import { countBlocks, readBlocks, readSafeLabel } from '../../src/store/feed.ts'
import { isWithdrawn } from '../../src/store/live.ts'
import { createHeadReader } from '../../src/store/packages.ts'
import { getSourceId } from '../../src/store/sources.ts'
import { assertSoundFeed, readLiveBlocks } from '../helpers/sound-feed.ts'
import { makeStore } from '../helpers/stores.ts'
import { aCollection, anAssertion, createTestIntake, reportOn } from '../intake/reports.ts'

const writers = 3
const reportsEach = 25
const bindings = ['urn:stix.mitre.org:xml:1.2', 'urn:stix.mitre.org:xml:1.1.1'] as const

/** The n-th report of a writer: revises earlier ones, shares indicators with those of other writers. */
function reportOf(writer: number, n: number) {
  const values = Array.from({ length: 1 + ((writer + n * 7) % 40) }, (_, index) =>
    anAssertion(`h${(index * (1 + (n % 3)) + n * 5) % 150}.taxiway-demo.com`, {
      title: `Writer ${writer}`,
    }),
  )
  return reportOn(values, { externalId: `${writer}-${n % 9}`, revision: String(n) })
}

interface Poller {
  readonly labels: Set<Micros>
  readonly ends: Micros[]
}

t.test(
  'writers and pollers at once: every block reaches every poller, none comes behind its time',
  async (t) => {
    const place = await makeStore(t, 'postgresql')
    const open = async () => {
      const store = await openStore({ ...place, maxConnections: 4 })
      t.teardown(() => store.close())
      return store.db
    }
    const db = await open()
    const intake = createTestIntake(t, db)
    const rule = { not: { source: 'writer 2' } }
    await intake.settle(aCollection({ bindings }), aCollection({ name: 'some', rule }))
    const streams: Stream[] = (await readCollections(db)).flatMap((collection) =>
      collection.bindings.map((binding) => ({ collectionId: collection.id, binding })),
    )

    let writing = true
    const write = async (writer: number) => {
      const own = await open()
      const sourceId = await getSourceId(own, `writer ${writer}`)
      for (let n = 0; n < reportsEach; n++) {
        const reports = [reportOf(writer, n)]
        await takeIn({ ...intake, db: own }, { sourceId, reports, rejections: [] })
        if (n % 5 === 0) await saveHighWaterMark(own)
      }
    }
    // Goes on from its own end each time, as clients do, and looks in no order but that of the feed.
    const poll = async (stream: Stream): Promise<Poller> => {
      const own = await open()
      const readHead = createHeadReader(own)
      const poller: Poller = { labels: new Set(), ends: [] }
      let last = false
      while (!last) {
        last = !writing
        const begin = poller.ends.at(-1)
        const { safe: end, asOf } = await readSafeLabel(own, stream.collectionId)
        if (begin !== undefined && end < begin) throw new Error('the safe label went back')
        for await (const batch of readBlocks(own, readHead, { ...stream, asOf }, { begin, end })) {
          for (const { label } of batch) {
            if (label <= (begin ?? 0) || label > end)
              throw new Error('a label lies outside of its poll')
            poller.labels.add(label)
          }
        }
        poller.ends.push(end)
      }
      return poller
    }
    const polling = streams.flatMap((stream) => [stream, stream].map((one) => poll(one)))
    await Promise.all(Array.from({ length: writers }, (_, writer) => write(writer)))
    writing = false
    const pollers = await Promise.all(polling)

    await assertSoundFeed(t, db)
    const live = await readLiveBlocks(db)
    t.ok(live.length > 200, `${live.length} live blocks`)
    for (const [index, poller] of pollers.entries()) {
      const stream = streams[Math.floor(index / 2)] as Stream
      const { rows } = await sql<{ label: number }>`
      select p.base_label + b.ordinal as label from blocks b join publications p on p.id = b.publication_id
      where b.collection_id = ${stream.collectionId} and b.superseded_by is null
        and b.binding = ${stream.binding === bindings[0] ? 1 : 2}
        and not ${isWithdrawn}`.execute(db)
      const missed = rows.filter(({ label }) => !poller.labels.has(label))
      t.same(missed, [], `poller ${index} has every live block`)
      t.ok(poller.ends.length > 3, `and polled ${poller.ends.length} times`)
      t.ok(
        poller.labels.size > rows.length,
        'superseded ones too: it was there while they were written',
      )
      const range = { begin: undefined, end: poller.ends.at(-1) ?? 0 }
      t.equal(
        await countBlocks(db, { ...stream, asOf: Number.MAX_SAFE_INTEGER }, range),
        rows.length,
      )
    }
  },
)
