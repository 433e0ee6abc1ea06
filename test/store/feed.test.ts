import fc from 'fast-check'
import { sql } from 'kysely'
import t from 'tap'
import type { FeedBlock, LabelRange, Stream } from '../../src/model/feed.ts'
import type { Micros } from '../../src/model/micros.ts'
import {
  findNewestBlocks,
  saveHighWaterMark,
  supersedeBlocks,
  withdrawBlocks,
  writeBlocks,
  writePublications,
} from '../../src/store/blocks.ts'
import { readCollections, writeCollection } from '../../src/store/collections.ts'
import type { Db } from '../../src/store/db.ts'
import { countBlocks, cutIntoParts, readBlocks, readSafeLabel } from '../../src/store/feed.ts'
import { createHeadReader, createPackageWriter } from '../../src/store/packages.ts'
import { findFaults } from '../helpers/sound-feed.ts'
import { forEachStore } from '../helpers/stores.ts'
import { aCollection } from '../intake/reports.ts'

/** As it is now, whatever superseded what. */
const asOf = Number.MAX_SAFE_INTEGER

const bindings = ['urn:stix.mitre.org:xml:1.2', 'urn:stix.mitre.org:xml:1.1.1'] as const

/** A feed written by the store's own functions, beside a plain list of what is live in it. */
async function createFeed(db: Db) {
  await sql`truncate collections, publications, blocks, packages, package_heads, withdrawals
    restart identity cascade`.execute(db)
  await writeCollection(db, aCollection({ name: 'one', bindings }))
  await writeCollection(db, aCollection({ name: 'other', bindings }))
  const collections = await readCollections(db)
  const streams: Stream[] = collections.flatMap(({ id }) =>
    bindings.map((binding) => ({ collectionId: id, binding })),
  )
  const live = new Map<Stream, Map<number, FeedBlock>>(streams.map((one) => [one, new Map()]))
  const labels: Micros[] = []
  let published = 0
  let packages = 0

  /** Publishes a block for each of these indicators; what they had in the stream is superseded. */
  async function publish(stream: Stream, indicators: readonly number[]) {
    published += 1
    const publicationId = published
    const blocks = indicators.map((subjectId, ordinal) => {
      packages += 1
      const head = `<p xmlns="${stream.binding}"`
      const tail = ` id="${packages}">Straße ${subjectId} 😀</p>`
      return {
        publicationId,
        ordinal,
        subjectId,
        stream,
        packageId: packages,
        head,
        tail,
        digest: '00',
      }
    })
    await db.transaction().execute(async (trx) => {
      await createPackageWriter(trx)(
        blocks.map(({ packageId: id, head, tail }) => ({ id, head, tail })),
      )
      const old = (await findNewestBlocks(trx, indicators)).filter(
        (block) =>
          block.stream.collectionId === stream.collectionId &&
          block.stream.binding === stream.binding,
      )
      await supersedeBlocks(
        trx,
        old.map((block) => ({ block, by: publicationId })),
      )
      await writeBlocks(trx, blocks)
      const [baseLabel = 0] = await writePublications(trx, [
        { id: publicationId, stream, blockCount: blocks.length },
      ])
      for (const { subjectId, ordinal, head, tail } of blocks) {
        live.get(stream)?.set(subjectId, { label: baseLabel + ordinal, content: head + tail })
        labels.push(baseLabel + ordinal)
      }
    })
  }

  async function withdraw(stream: Stream, indicators: readonly number[]) {
    const blocks = (await findNewestBlocks(db, indicators)).filter(
      (block) =>
        !block.withdrawn &&
        block.stream.collectionId === stream.collectionId &&
        block.stream.binding === stream.binding,
    )
    await withdrawBlocks(db, blocks)
    for (const { subjectId } of blocks) live.get(stream)?.delete(subjectId)
  }

  function wanted(stream: Stream, { begin = -1, end }: LabelRange): FeedBlock[] {
    return [...(live.get(stream)?.values() ?? [])]
      .filter(({ label }) => label > begin && label <= end)
      .sort((a, b) => a.label - b.label)
  }

  return { streams, labels, publish, withdraw, wanted }
}

async function readSafe(db: Db, { collectionId }: Stream): Promise<Micros> {
  return (await readSafeLabel(db, collectionId)).safe
}

async function readAll(db: Db, stream: Stream, range: LabelRange): Promise<FeedBlock[]> {
  const blocks: FeedBlock[] = []
  for await (const batch of readBlocks(db, createHeadReader(db), { ...stream, asOf }, range)) {
    if (batch.length === 0 || batch.length > 500) throw new Error(`a batch of ${batch.length}`)
    blocks.push(...batch)
  }
  return blocks
}

function assertEqual(found: unknown, wanted: unknown, what: string) {
  const [a, b] = [JSON.stringify(found), JSON.stringify(wanted)]
  if (a !== b) throw new Error(`${what}: ${a?.slice(0, 300)} instead of ${b?.slice(0, 300)}`)
}

/** Reads a range in every way that there is, and holds each to the list. */
async function checkRange(
  db: Db,
  stream: Stream,
  range: LabelRange,
  pageSize: number,
  wanted: readonly FeedBlock[],
) {
  assertEqual(await readAll(db, stream, range), wanted, 'blocks')
  assertEqual(await countBlocks(db, { ...stream, asOf }, range), wanted.length, 'count')
  const { partEnds, recordCount } = await cutIntoParts(db, { ...stream, asOf }, range, pageSize)
  assertEqual(recordCount, wanted.length, 'record count')
  assertEqual(partEnds.length, Math.max(1, Math.ceil(wanted.length / pageSize)), 'number of parts')
  assertEqual(partEnds.at(-1), range.end, 'end of the last part')
  let begin = range.begin
  const parts: FeedBlock[][] = []
  for (const end of partEnds) {
    parts.push(await readAll(db, stream, { begin, end }))
    begin = end
  }
  for (const [index, part] of parts.entries()) {
    const full = index < parts.length - 1 ? pageSize : wanted.length - pageSize * index
    assertEqual(part.length, full, `size of part ${index + 1} of ${parts.length}`)
  }
  assertEqual(parts.flat(), wanted, 'blocks of all parts')
}

type Step =
  | { readonly kind: 'publish'; readonly stream: number; readonly indicators: readonly number[] }
  | { readonly kind: 'withdraw'; readonly stream: number; readonly indicators: readonly number[] }

const someIndicators = fc.uniqueArray(fc.integer({ min: 1, max: 30 }), {
  minLength: 1,
  maxLength: 20,
})
const stream = fc.nat({ max: 3 })
const anyStep: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('publish' as const),
      stream,
      indicators: someIndicators,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('withdraw' as const),
      stream,
      indicators: someIndicators,
    }),
  },
)

/** The begin and the end of a window, as labels that were given, moved by as many microseconds. */
const anyEdge = fc.option(fc.record({ at: fc.nat(), by: fc.integer({ min: -1, max: 1 }) }), {
  nil: undefined,
})
const anyWindow = fc.record({
  stream,
  begin: anyEdge,
  end: anyEdge,
  pageSize: fc.integer({ min: 1, max: 12 }),
})

t.test('every window of every history reads as a plain list would', async (t) => {
  await forEachStore(t, async (t, { db, kind }) => {
    let blocks = 0
    const property = fc.asyncProperty(
      fc.array(anyStep, { minLength: 1, maxLength: 12 }),
      fc.array(anyWindow, { minLength: 6, maxLength: 6 }),
      async (steps, windows) => {
        const feed = await createFeed(db)
        const streamAt = (index: number) => feed.streams[index] as Stream
        for (const { kind, stream, indicators } of steps) {
          await feed[kind](streamAt(stream), indicators)
        }
        assertEqual(await findFaults(db), {}, 'faults')
        const edge = (
          one: { at: number; by: number } | undefined,
          otherwise: Micros | undefined,
        ) =>
          one && feed.labels.length > 0
            ? (feed.labels[one.at % feed.labels.length] as Micros) + one.by
            : otherwise
        const last = Math.max(0, ...feed.labels)
        for (const window of windows) {
          const stream = streamAt(window.stream)
          const begin = edge(window.begin, undefined)
          const range = { begin, end: edge(window.end, last) as Micros }
          if (begin !== undefined && begin > range.end) continue
          const wanted = feed.wanted(stream, range)
          blocks += wanted.length
          await checkRange(db, stream, range, window.pageSize, wanted)
        }
      },
    )
    await fc.assert(property, { seed: 11, numRuns: kind === 'postgresql' ? 60 : 15 })
    t.ok(blocks > 100, `${blocks} blocks were read`)
  })
})

t.test('a feed of many small publications and of large ones reads whole', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const feed = await createFeed(db)
    const [stream] = feed.streams as [Stream]
    const numbers = (from: number, count: number) =>
      Array.from({ length: count }, (_, n) => from + n)
    await feed.publish(stream, numbers(0, 1_300))
    // More of them than are looked up at a time.
    await db.transaction().execute(async (trx) => {
      await sql`
        insert into publications (id, collection_id, binding, base_label, block_count, live_count)
        select 10000 + n, ${stream.collectionId}, 2, taxiway_last_label(${stream.collectionId}) + n, 1, 0
        from generate_series(1, 1500) n`.execute(trx)
    })
    for (let n = 0; n < 40; n++) await feed.publish(stream, numbers(2_000 + 3 * n, 3))
    await feed.withdraw(stream, numbers(500, 100))
    const range = { begin: undefined, end: await readSafe(db, stream) }
    const wanted = feed.wanted(stream, range)
    t.equal(wanted.length, 1_320)
    for (const pageSize of [1_320, 1_319, 500, 660, 7]) {
      await checkRange(db, stream, range, pageSize, wanted)
    }
    t.pass('in parts of every size')
  })
})

t.test('what is withdrawn while a range is cut makes no part too large', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    for (let moment = 1; moment <= 5; moment += 1) {
      const feed = await createFeed(db)
      const [stream] = feed.streams as [Stream]
      await feed.publish(stream, [1, 2, 3, 4, 5])
      await feed.publish(stream, [1, 2, 3])
      await feed.publish(stream, [6, 7, 8, 9])
      let statements = 0
      const disturbed = db.withPlugin({
        transformQuery: ({ node }) => node,
        transformResult: async ({ result }) => {
          statements += 1
          if (statements === moment) await feed.withdraw(stream, [4])
          return result
        },
      })
      const range = { begin: undefined, end: await readSafe(db, stream) }
      const { partEnds } = await cutIntoParts(disturbed, { ...stream, asOf }, range, 2)
      let begin: Micros | undefined
      const found: FeedBlock[] = []
      for (const end of partEnds) {
        const part = await readAll(db, stream, { begin, end })
        if (part.length > 2) t.fail(`withdrawn at ${moment}, a part has ${part.length} blocks`)
        found.push(...part)
        begin = end
      }
      if (statements < moment) await feed.withdraw(stream, [4])
      t.same(
        found.filter(({ content }) => !content.includes('Straße 4 ')),
        feed.wanted(stream, range),
      )
    }
  })
})

t.test('blocks that fill their parts exactly make no further part', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const feed = await createFeed(db)
    const [stream] = feed.streams as [Stream]
    await feed.publish(stream, [1, 2, 3, 4, 5, 6])
    const [, , third = 0, , , sixth = 0] = feed.labels
    const end = sixth + 1_000
    const cut = (pageSize: number) =>
      cutIntoParts(db, { ...stream, asOf }, { begin: undefined, end }, pageSize)
    t.same(await cut(3), { partEnds: [third, end], recordCount: 6 })
    t.same(await cut(6), { partEnds: [end], recordCount: 6 })
    t.same(await cut(7), { partEnds: [end], recordCount: 6 })
    const empty = { begin: sixth, end }
    t.same(await cutIntoParts(db, { ...stream, asOf }, empty, 3), {
      partEnds: [end],
      recordCount: 0,
    })
  })
})

t.test(
  'a label is later than every safe label before it, even when the clock steps back',
  async (t) => {
    await forEachStore(t, async (t, { db }) => {
      const feed = await createFeed(db)
      const [stream] = feed.streams as [Stream]
      await feed.publish(
        stream,
        Array.from({ length: 1_000 }, (_, n) => n + 1),
      )
      const safe = await readSafe(db, stream)
      t.ok(safe >= (feed.labels.at(-1) ?? 0), 'what is published is settled')
      await feed.publish(stream, [2_001])
      t.ok((feed.labels.at(-1) ?? 0) > safe)

      // The clock was an hour ahead when the mark was saved.
      const mark = (await readSafe(db, stream)) + 3_600_000_000
      await sql`update feed_clock set high_water_mark = ${mark}`.execute(db)
      await saveHighWaterMark(db)
      await feed.publish(stream, [2_002])
      t.equal(feed.labels.at(-1), mark + 1)
      await feed.publish(stream, [2_003])
      t.ok((feed.labels.at(-1) ?? 0) > mark + 1)
      t.ok((await readSafe(db, stream)) >= (feed.labels.at(-1) ?? 0))
      t.same(await findFaults(db), {})
    })
  },
)
