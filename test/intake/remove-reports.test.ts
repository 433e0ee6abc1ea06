import { sql } from 'kysely'
import t from 'tap'
import { removeReports } from '../../src/intake/remove-reports.ts'
import type { Db } from '../../src/store/db.ts'
import { findReportInPages } from '../../src/store/readings.ts'
import { getSourceId } from '../../src/store/sources.ts'
import { assertSoundFeed, readLiveBlocks, readLiveValues } from '../helpers/sound-feed.ts'
import { forEachStore } from '../helpers/stores.ts'
import { aCollection, createTestIntake, reportOn } from './reports.ts'

const two = ['c2.taxiway-demo.com', 'drop.taxiway-demo.com']
const [value = ''] = two

async function readReports(db: Db) {
  const { rows } = await sql`
    select external_id, gone, digest is not null as whole from reports order by external_id`.execute(
    db,
  )
  return rows
}

async function readReasons(db: Db) {
  const { rows } = await sql`
    select i.value, reason, rule from suppressions x join assertions a on a.id = x.assertion_id
      join indicators i on i.id = a.indicator_id order by value, reason`.execute(db)
  return rows
}

t.test('a report that is gone leaves the feeds, and nothing else does', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const intake = createTestIntake(t, db)
    await intake.settle(aCollection())
    const sourceId = await getSourceId(db, 'otx')
    await intake.take([reportOn(two), reportOn([value], { externalId: 'r2', name: 'Others' })])
    t.equal(await removeReports(intake, sourceId, ['r1', 'unknown'], 'deleted'), 1)
    await assertSoundFeed(t, db)
    const blocks = await readLiveBlocks(db)
    t.same(
      blocks.map((block) => block.value),
      [value],
      'what another report asserts stays',
    )
    t.notMatch(blocks[0]?.content, 'Loaders', 'without what the report said of it')
    const gone = { reason: 'gone', rule: 'source:deleted' }
    t.same(await readReasons(db), [
      { value, ...gone },
      { value: two[1], ...gone },
    ])
    t.same(await readReports(db), [
      { external_id: 'r1', gone: 'deleted', whole: false },
      { external_id: 'r2', gone: null, whole: true },
    ])
    t.equal(await removeReports(intake, sourceId, ['r1'], 'unsubscribed'), 0, 'it is gone already')
    t.match(await readReports(db), [{ external_id: 'r1', gone: 'deleted' }])
  })
})

t.test('a report that comes back is taken in anew, though nothing in it has changed', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const intake = createTestIntake(t, db)
    await intake.settle(aCollection())
    const sourceId = await getSourceId(db, 'otx')
    await intake.take([reportOn(two)])
    await removeReports(intake, sourceId, ['r1'], 'unsubscribed')
    t.same(await readLiveValues(db, 'all'), [])
    t.match(await intake.take([reportOn(two)]), { reports: 1, published: 2 })
    t.same(await readLiveValues(db, 'all'), two)
    t.same(await readReasons(db), [])
    t.match(await readReports(db), [{ gone: null, whole: true }])
  })
})

t.test('what a report that comes back no longer says was taken back, not gone', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const intake = createTestIntake(t, db)
    await intake.settle(aCollection())
    await intake.take([reportOn(two)])
    await removeReports(intake, await getSourceId(db, 'otx'), ['r1'], 'unsubscribed')
    await intake.take([reportOn([value])])
    t.same(await readLiveValues(db, 'all'), [value])
    t.same(await readReasons(db), [{ value: two[1], reason: 'retracted', rule: 'report:revision' }])
  })
})

t.test('a removal that was cut short goes on', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const intake = createTestIntake(t, db)
    await intake.settle(aCollection())
    const sourceId = await getSourceId(db, 'otx')
    const many = Array.from({ length: 6_000 }, (_, n) => `h${n}.taxiway-demo.com`)
    await intake.take([reportOn(many)])
    const end = new Error('the process ended')
    const ended = removeReports(intake, sourceId, ['r1'], 'deleted', () => {
      throw end
    })
    await t.rejects(ended, end)
    await assertSoundFeed(t, db)
    const left = (await readLiveValues(db, 'all')).length
    t.ok(left > 0 && left < 6_000, 'a part of it has left the feed')
    t.match(await readReports(db), [{ gone: null, whole: false }], 'which counts as neither')

    t.equal(await removeReports(intake, sourceId, ['r1'], 'deleted'), 1)
    t.same(await readLiveValues(db, 'all'), [])
    t.match(await readReports(db), [{ gone: 'deleted', whole: false }])
    await assertSoundFeed(t, db)
  })
})

t.test('a removal that was cut short is undone by the report itself', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const intake = createTestIntake(t, db)
    await intake.settle(aCollection())
    const many = Array.from({ length: 3_000 }, (_, n) => `h${n}.taxiway-demo.com`)
    await intake.take([reportOn(many)])
    const ended = removeReports(intake, await getSourceId(db, 'otx'), ['r1'], 'deleted', () => {
      throw new Error('the process ended')
    })
    await t.rejects(ended)
    await intake.take([reportOn(many)])
    t.equal((await readLiveValues(db, 'all')).length, 3_000)
    t.same(await readReasons(db), [])
  })
})

t.test('of a report that is gone no page is awaited any more', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const intake = createTestIntake(t, db)
    await intake.settle(aCollection())
    const sourceId = await getSourceId(db, 'otx')
    await intake.take([{ ...reportOn(two), comesInPages: true }])
    t.ok(await findReportInPages(db, sourceId, 'r1'))
    await removeReports(intake, sourceId, ['r1'], 'deleted')
    t.equal(await findReportInPages(db, sourceId, 'r1'), undefined)
    t.same(await readLiveValues(db, 'all'), [])
  })
})
