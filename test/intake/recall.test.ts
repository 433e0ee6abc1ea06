import t from 'tap'
import { recall, settleRecalls, undoRecall } from '../../src/intake/recall.ts'
import { sweep } from '../../src/intake/sweep.ts'
import { RecallRefused } from '../../src/model/errors.ts'
import type { Snapshot } from '../../src/model/feed.ts'
import type { RecallSubject } from '../../src/model/recall.ts'
import { readCollections } from '../../src/store/collections.ts'
import type { Db } from '../../src/store/db.ts'
import { countBlocks, readBlocks, readSafeLabel } from '../../src/store/feed.ts'
import { createHeadReader } from '../../src/store/packages.ts'
import { readRecalls } from '../../src/store/recalls.ts'
import { assertSoundFeed, readLiveBlocks, readLiveValues } from '../helpers/sound-feed.ts'
import { forEachStore } from '../helpers/stores.ts'
import {
  aCollection,
  createTestIntake,
  dayAfterStart,
  reportOn,
  type TestIntake,
} from './reports.ts'

const host = (name: string) => `${name}.taxiway-demo.com`
const why = { reason: 'blocks our own mail', by: 'ana' }

/** Two sources, two reports of the first, and what only one or both speak of. */
async function fill(intake: TestIntake) {
  await intake.settle(aCollection(), aCollection({ name: 'lab', rule: { source: 'lab' } }))
  await intake.take([
    reportOn([host('a'), host('b'), host('both')], { externalId: 'r1' }),
    reportOn([host('b'), host('c')], { externalId: 'r2' }),
  ])
  await intake.take([reportOn([host('both'), host('lab')], { externalId: 'l1' })], {
    source: 'lab',
  })
}

async function snapshotOf(db: Db): Promise<{ snapshot: Snapshot; end: number }> {
  const [collection] = await readCollections(db)
  if (!collection) throw new Error('no collection')
  const { safe, asOf } = await readSafeLabel(db, collection.id)
  return {
    snapshot: { collectionId: collection.id, binding: 'urn:stix.mitre.org:xml:1.2', asOf },
    end: safe,
  }
}

async function readAt(db: Db, { snapshot, end }: Awaited<ReturnType<typeof snapshotOf>>) {
  const contents: string[] = []
  for await (const batch of readBlocks(db, createHeadReader(db), snapshot, {
    begin: undefined,
    end,
  })) {
    for (const { content } of batch) contents.push(content)
  }
  return contents
}

const subjects: Readonly<
  Record<string, { subject: RecallSubject; described: string; out: string[]; stay: string[] }>
> = {
  'a source': {
    subject: { source: 'otx' },
    described: 'source otx',
    out: ['a', 'b', 'c'],
    stay: ['both', 'lab'],
  },
  'a report': {
    subject: { report: { source: 'otx', externalId: 'r1' } },
    described: 'report otx/r1',
    out: ['a'],
    stay: ['b', 'both', 'c', 'lab'],
  },
  'an indicator': {
    subject: { indicators: [{ type: 'domain', value: host('both') }] },
    described: `domain ${host('both')}`,
    out: ['both'],
    stay: ['a', 'b', 'c', 'lab'],
  },
  'several indicators': {
    subject: {
      indicators: ['a', 'b', 'c'].map((name) => ({ type: 'domain', value: host(name) })),
    },
    described: '3 indicators',
    out: ['a', 'b', 'c'],
    stay: ['both', 'lab'],
  },
}

for (const [name, { subject, described, out, stay }] of Object.entries(subjects)) {
  t.test(`${name} is out of every feed at once, and back when that is undone`, async (t) => {
    await forEachStore(t, async (t, { db }) => {
      const intake = createTestIntake(t, db)
      await fill(intake)
      const before = await snapshotOf(db)
      const { id, indicators } = await recall(intake, { subject, ...why })

      await assertSoundFeed(t, db)
      const values = await readLiveValues(db, 'all')
      for (const one of out) t.notOk(values.includes(host(one)), `${one} is out`)
      for (const content of await readAt(db, before)) {
        for (const one of out) {
          if (content.includes(`>${host(one)}<`)) t.fail(`${one} is read by an older snapshot`)
        }
      }
      t.equal(
        await countBlocks(db, before.snapshot, { begin: undefined, end: before.end }),
        values.length,
      )
      t.ok(indicators >= out.length)
      t.match(await readRecalls(db), [
        { id, subject: described, reason: why.reason, recalledBy: 'ana', settled: false },
      ])

      await settleRecalls(intake)
      await assertSoundFeed(t, db)
      t.same(await readLiveValues(db, 'all'), stay.map(host).sort(), 'others still assert the rest')
      t.same(await settleRecalls(intake), { published: 0, withdrawn: 0 }, 'it is settled')

      // What comes later is kept out as well.
      await intake.take([reportOn([host('a'), host('d')], { externalId: 'r1', revision: '2' })])
      t.equal((await readLiveValues(db, 'all')).includes(host('a')), !out.includes('a'))

      await undoRecall(intake, id, 'ben')
      await settleRecalls(intake)
      await assertSoundFeed(t, db)
      const all = ['a', 'b', 'both', 'c', 'd', 'lab']
      t.same(await readLiveValues(db, 'all'), all.map(host))
      t.match(await readRecalls(db), [{ id, undoneBy: 'ben', undoneAt: intake.now, settled: true }])
    })
  })
}

t.test('what others assert is served again without what was recalled', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const intake = createTestIntake(t, db)
    await fill(intake)
    const contentOf = async () =>
      (await readLiveBlocks(db, 'all')).find(({ value }) => value === host('both'))?.content ?? ''
    t.match(await contentOf(), /blog\.taxiway-demo\.com/)
    const { id } = await recall(intake, { subject: { source: 'lab' }, ...why })
    await settleRecalls(intake)
    t.same(await readLiveValues(db, 'lab'), [], 'nothing of it is in a collection of its own')
    t.notMatch(await contentOf(), /lab/)
    await undoRecall(intake, id, 'ben')
    t.match(await sweep(intake), { published: 4 }, 'a sweep finishes what was cut short')
    t.same(await readLiveValues(db, 'lab'), [host('both'), host('lab')])
    await assertSoundFeed(t, db)
  })
})

t.test('of two recalls each keeps out what it is about', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const intake = createTestIntake(t, db)
    await fill(intake)
    const one = await recall(intake, { subject: { source: 'otx' }, ...why })
    const domain = { type: 'domain', value: host('a') } as const
    const other = await recall(intake, { subject: { indicators: [domain] }, ...why })
    t.equal(other.indicators, 0, 'it was out already')
    await undoRecall(intake, one.id, 'ben')
    await settleRecalls(intake)
    t.same(await readLiveValues(db, 'all'), ['b', 'both', 'c', 'lab'].map(host))
    await undoRecall(intake, other.id, 'ben')
    await settleRecalls(intake)
    t.ok((await readLiveValues(db, 'all')).includes(host('a')))
    await assertSoundFeed(t, db)
  })
})

t.test('an expired assertion does not come back by an undo', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const intake = createTestIntake(t, db)
    await fill(intake)
    const { id } = await recall(intake, { subject: { source: 'otx' }, ...why })
    await intake.take([reportOn([host('b')], { externalId: 'r1', revision: '2' })])
    intake.now = dayAfterStart(1)
    await undoRecall(intake, id, 'ben')
    await settleRecalls(intake)
    t.same(await readLiveValues(db, 'all'), ['b', 'both', 'c', 'lab'].map(host))
    await assertSoundFeed(t, db)
  })
})

t.test('what is not there is refused by name, and nothing is changed', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const intake = createTestIntake(t, db)
    await fill(intake)
    const before = await readLiveBlocks(db)
    const refused = (subject: RecallSubject) => recall(intake, { subject, ...why })
    await t.rejects(refused({ source: 'nobody' }), new RecallRefused('there is no source "nobody"'))
    await t.rejects(refused({ report: { source: 'otx', externalId: 'x' } }), {
      code: 'RECALL_REFUSED',
      message: 'the source "otx" has no report "x"',
    })
    const domains = ['a', 'nowhere'].map((name) => ({ type: 'domain' as const, value: host(name) }))
    await t.rejects(refused({ indicators: domains }), {
      message: `not in the store: domain ${host('nowhere')}; nothing was withdrawn`,
    })
    await t.rejects(undoRecall(intake, 17, 'ben'), { message: /no withdrawal 17/ })
    t.same(await readRecalls(db), [])
    const { id } = await recall(intake, { subject: { source: 'lab' }, ...why })
    await undoRecall(intake, id, 'ben')
    await t.rejects(undoRecall(intake, id, 'ben'), { message: /undone at .* by ben already/ })
    await settleRecalls(intake)
    t.same((await readLiveBlocks(db)).length, before.length)
    await assertSoundFeed(t, db)
  })
})
