import t from 'tap'
import { refresh } from '../../src/intake/refresh.ts'
import { sweep } from '../../src/intake/sweep.ts'
import { readCollections } from '../../src/store/collections.ts'
import type { Db } from '../../src/store/db.ts'
import { countBlocks, readSafeLabel } from '../../src/store/feed.ts'
import { assertSoundFeed, readLiveBlocks } from '../helpers/sound-feed.ts'
import { forEachStore } from '../helpers/stores.ts'
import { day, hour, steerClock } from './clock.ts'
import { aCollection, createTestIntake, dayAfterStart, reportOn } from './reports.ts'

const hosts = Array.from({ length: 200 }, (_, n) => `h${n}.taxiway-demo.com`)

async function readLabels(db: Db, collection: string): Promise<ReadonlyMap<string, number>> {
  const blocks = await readLiveBlocks(db, collection)
  return new Map(blocks.map(({ value, label }) => [value, label]))
}

t.test('each indicator comes again before its days are over, and not all at once', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const clock = await steerClock(db)
    const intake = createTestIntake(t, db)
    await intake.settle(aCollection({ refreshDays: 10 }), aCollection({ name: 'never' }))
    await intake.take([reportOn(hosts)])
    const first = await readLabels(db, 'all')
    const unrefreshed = await readLiveBlocks(db, 'never')

    await clock.advance(6.9 * day)
    t.same(await refresh(intake), { published: 0 }, 'none is due before 70 % of the time')
    const perHour: number[] = []
    for (let hours = 0; hours < 64; hours += 1) {
      await clock.advance(hour)
      perHour.push((await refresh(intake)).published)
    }
    await assertSoundFeed(t, db)
    const all = perHour.reduce((sum, one) => sum + one, 0)
    t.equal(all, hosts.length, 'each once')
    t.ok(Math.max(...perHour) <= hosts.length / 20, `at most ${Math.max(...perHour)} an hour`)
    const second = await readLabels(db, 'all')
    t.same([...second.keys()].sort(), [...hosts].sort())
    for (const [value, label] of second) {
      const age = (label - (first.get(value) ?? 0)) / day
      if (age < 6.9 || age >= 10) t.fail(`${value} came again after ${age} days`)
    }
    t.same(await readLiveBlocks(db, 'never'), unrefreshed, 'a collection without refresh is left')
  })
})

t.test('what comes again says the same under the same ids, with a new timestamp', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const clock = await steerClock(db)
    const intake = createTestIntake(t, db)
    await intake.settle(aCollection({ refreshDays: 1 }))
    await intake.take([reportOn(['one.taxiway-demo.com'])])
    const [before] = await readLiveBlocks(db)
    intake.now = dayAfterStart(1)
    await clock.advance(day)
    const swept = await sweep(intake)
    t.match(swept, { refreshed: 1, published: 1, withdrawn: 0, expired: 0 })
    const [after] = await readLiveBlocks(db)
    const timestamp = / timestamp="[^"]*"/g
    t.not(after?.content, before?.content)
    t.equal(after?.content.replace(timestamp, ''), before?.content.replace(timestamp, ''))
    t.equal(after?.digest, before?.digest)
    t.ok((after?.label ?? 0) > (before?.label ?? 0))
    await assertSoundFeed(t, db)
  })
})

t.test('after a long pause everything that is due comes, in batches', async (t) => {
  await forEachStore(t, async (t, { db, kind }) => {
    const clock = await steerClock(db)
    const intake = createTestIntake(t, db)
    const many = Array.from(
      { length: kind === 'postgresql' ? 6_000 : 300 },
      (_, n) => `m${n}.taxiway-demo.com`,
    )
    await intake.settle(
      aCollection({
        refreshDays: 1,
        bindings: ['urn:stix.mitre.org:xml:1.2', 'urn:stix.mitre.org:xml:1.1.1'],
      }),
    )
    await intake.take([reportOn(many)])
    await clock.advance(30 * day)
    t.same(await refresh(intake), { published: 2 * many.length })
    t.same(await refresh(intake), { published: 0 })
    await assertSoundFeed(t, db)
    const [collection] = await readCollections(db)
    if (!collection) throw new Error('no collection')
    const { safe, asOf } = await readSafeLabel(db, collection.id)
    const snapshot = {
      collectionId: collection.id,
      binding: 'urn:stix.mitre.org:xml:1.2',
      asOf,
    } as const
    t.equal(await countBlocks(db, snapshot, { begin: undefined, end: safe }), many.length)
  })
})

t.test('what was withdrawn does not come again', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const clock = await steerClock(db)
    const intake = createTestIntake(t, db)
    await intake.settle(aCollection({ refreshDays: 1 }))
    await intake.take([reportOn(['stays.taxiway-demo.com', 'goes.taxiway-demo.com'])])
    await intake.take([reportOn(['stays.taxiway-demo.com'], { revision: '2' })])
    await clock.advance(day)
    t.same(await refresh(intake), { published: 1 })
    t.same([...(await readLabels(db, 'all')).keys()], ['stays.taxiway-demo.com'])
    await assertSoundFeed(t, db)
  })
})
