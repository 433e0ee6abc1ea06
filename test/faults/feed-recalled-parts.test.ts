import t from 'tap'
import { recall, settleRecalls } from '../../src/intake/recall.ts'
import { readCollections } from '../../src/store/collections.ts'
import { readBlocks, readSafeLabel } from '../../src/store/feed.ts'
import { createHeadReader } from '../../src/store/packages.ts'
import { assertSoundFeed, readLiveBlocks } from '../helpers/sound-feed.ts'
import { forEachStore } from '../helpers/stores.ts'
import { aCollection, createTestIntake, reportOn } from '../intake/reports.ts'

const shared = 'shared.taxiway-demo.com'

t.test(
  'a part made before shows nothing that a source retracted before it was recalled',
  async (t) => {
    await forEachStore(t, async (t, { db }) => {
      const intake = createTestIntake(t, db)
      await intake.settle(aCollection())
      await intake.take([reportOn([shared], { externalId: 'r1', name: 'Told by otx' })])
      const other = reportOn([shared], { externalId: 'l1', name: 'Told by lab' })
      await intake.take([other], { source: 'lab' })

      const [collection] = await readCollections(db)
      if (!collection) throw new Error('there is no collection')
      const { safe, asOf } = await readSafeLabel(db, collection.id)
      const readThen = async () => {
        const snapshot = {
          collectionId: collection.id,
          binding: 'urn:stix.mitre.org:xml:1.2',
          asOf,
        } as const
        const contents: string[] = []
        const range = { begin: undefined, end: safe }
        for await (const batch of readBlocks(db, createHeadReader(db), snapshot, range)) {
          for (const { content } of batch) contents.push(content)
        }
        return contents.join()
      }
      t.match(await readThen(), 'Told by otx')

      await intake.take([reportOn([], { externalId: 'r1', name: 'Told by otx', revision: '2' })])
      t.match(await readThen(), 'Told by otx', 'a revision leaves older parts as they are')
      await recall(intake, { subject: { source: 'otx' }, reason: 'forged', by: 'ana' })
      t.notMatch(await readThen(), 'Told by otx')
      await assertSoundFeed(t, db)

      await settleRecalls(intake)
      await assertSoundFeed(t, db)
      const [live, ...others] = await readLiveBlocks(db)
      t.match(live?.content, 'Told by lab')
      t.notMatch(live?.content, 'Told by otx')
      t.same(others, [])
    })
  },
)
