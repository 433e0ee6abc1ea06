import t from 'tap'
import type { Stream } from '../../src/model/feed.ts'
import { writeBlocks, writePublications } from '../../src/store/blocks.ts'
import { readCollections, writeCollection } from '../../src/store/collections.ts'
import { readBlocks, readSafeLabel } from '../../src/store/feed.ts'
import { createHeadReader, createPackageWriter } from '../../src/store/packages.ts'
import { forEachStore } from '../helpers/stores.ts'
import { aCollection } from '../intake/reports.ts'

const kilobyte = 1024

t.test(
  'a poll never reads much more than a megabyte at once, however large blocks are',
  async (t) => {
    await forEachStore(t, async (t, { db }) => {
      await writeCollection(db, aCollection({ packaging: 'report' }))
      const [collection] = await readCollections(db)
      const stream: Stream = {
        collectionId: collection?.id ?? 0,
        binding: 'urn:stix.mitre.org:xml:1.2',
      }
      let packages = 0
      let publications = 0
      const publish = async (sizes: readonly number[]) => {
        publications += 1
        const blocks = sizes.map((size, ordinal) => {
          packages += 1
          return { id: packages, head: '<p', tail: `>${packages}`.padEnd(size, '.'), ordinal }
        })
        await createPackageWriter(db)(blocks)
        await writeBlocks(
          db,
          blocks.map(({ id, ordinal }) => ({
            publicationId: publications,
            ordinal,
            subjectId: -id,
            stream,
            packageId: id,
            digest: '00',
            members: [id],
          })),
        )
        const largestBytes = Math.max(...sizes)
        await writePublications(db, [
          { id: publications, stream, blockCount: sizes.length, largestBytes },
        ])
      }
      const large = 200 * kilobyte
      await publish(Array.from({ length: 12 }, (_, n) => (n % 3 === 0 ? kilobyte : large)))
      for (let n = 0; n < 8; n += 1) await publish([large])
      for (let n = 0; n < 20; n += 1) await publish([kilobyte, kilobyte])
      await publish([large, 2_500 * kilobyte, large])

      const { safe: end, asOf } = await readSafeLabel(db, stream.collectionId)
      const batches: number[] = []
      const numbers: number[] = []
      let last = 0
      const range = { begin: undefined, end }
      for await (const batch of readBlocks(db, createHeadReader(db), { ...stream, asOf }, range)) {
        batches.push(batch.reduce((sum, { content }) => sum + content.length, 0))
        for (const { label, content } of batch) {
          if (label <= last) t.fail(`block ${label} after ${last}`)
          last = label
          numbers.push(Number(/>(\d+)/.exec(content)?.[1]))
        }
      }
      t.same(
        numbers,
        Array.from({ length: packages }, (_, n) => n + 1),
        'all, in order',
      )
      t.equal(
        Math.max(...batches),
        2_500 * kilobyte + large + 4,
        'the largest is read with what came before it',
      )
      const others = batches.filter((bytes) => bytes < 2_500 * kilobyte)
      t.ok(Math.max(...others) <= 1_250 * kilobyte, `the others up to ${Math.max(...others)} bytes`)
      t.ok(batches.length <= 9, `in ${batches.length} batches`)
    })
  },
)
