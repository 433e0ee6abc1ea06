import t from 'tap'
import { type SourceState, untried } from '../../src/model/source-state.ts'
import { acquireLease, releaseLease } from '../../src/store/leases.ts'
import { saveReading } from '../../src/store/readings.ts'
import { countSource, readAuthors } from '../../src/store/source-figures.ts'
import { getSource, readSources, writeSourceState } from '../../src/store/source-state.ts'
import { getSourceId, saveCursor } from '../../src/store/sources.ts'
import { forEachStore } from '../helpers/stores.ts'
import { anAssertion, createTestIntake, dayAfterStart, reportOn, start } from '../intake/reports.ts'

const full: SourceState = {
  problems: [{ code: 'OTX_TIMEOUT', message: 'OTX did not answer', at: dayAfterStart(1) }],
  degradedSince: dayAfterStart(1),
  lastWholeWalkAt: dayAfterStart(2),
  lastTriedAt: dayAfterStart(3),
  nextTryAt: dayAfterStart(4),
  notBefore: dayAfterStart(5),
  walk: { since: dayAfterStart(6), underWay: false },
}

forEachStore(t, async (t, { db }) => {
  await t.test('a store without sources says what there is', async (t) => {
    t.strictSame(await readSources(db), [])
    await t.rejects(getSource(db, 'otx'), {
      code: 'SOURCE_NOT_FOUND',
      message: 'there is no source "otx"; none has been walked yet',
    })
  })

  const id = await getSourceId(db, 'otx')

  await t.test('a source that is new is untried', async (t) => {
    t.strictSame(await readSources(db), [
      {
        id,
        name: 'otx',
        state: untried,
        watermark: undefined,
        place: undefined,
        unfinished: 0,
        walker: undefined,
      },
    ])
    await t.rejects(getSource(db, 'otxx'), { message: 'there is no source "otxx", only otx' })
  })

  await t.test('what is written is read again', async (t) => {
    for (const state of [full, untried, { ...full, walk: undefined, problems: [] }]) {
      t.equal(await writeSourceState(db, id, 3, state), true)
      t.strictSame((await getSource(db, 'otx')).state, state)
    }
  })

  await t.test('who had the lease before writes over nothing', async (t) => {
    t.equal(await writeSourceState(db, id, 4, full), true)
    t.equal(await writeSourceState(db, id, 3, untried), false)
    t.strictSame((await getSource(db, 'otx')).state, full)
    t.equal(await writeSourceState(db, id, 4, untried), true, 'its holder goes on')
  })

  await t.test('how far the walk is stands in the cursor', async (t) => {
    await saveCursor(db, id, {
      watermark: dayAfterStart(1).toISOString(),
      walk: { offset: 64, count: 500 },
    })
    t.match(await getSource(db, 'otx'), {
      watermark: dayAfterStart(1),
      place: { passed: 64, total: 500 },
    })
    await saveCursor(db, id, { walk: { offset: 0 } })
    t.match(await getSource(db, 'otx'), { place: { passed: 0, total: undefined } })
    await saveCursor(db, id, {})
    t.match(await getSource(db, 'otx'), { watermark: undefined, place: undefined })
  })

  await t.test('who walks it is who has the lease of its name', async (t) => {
    const token = await acquireLease(db, { name: 'otx', holder: 'host/1/a' }, 60_000)
    await acquireLease(db, { name: 'sweep', holder: 'host/2/b' }, 60_000)
    await writeSourceState(db, id, 5, { ...full, walk: { since: start, underWay: true } })
    t.match(await getSource(db, 'otx'), {
      walker: 'host/1/a',
      state: { walk: { underWay: true } },
    })
    await releaseLease(db, { name: 'otx', holder: 'host/1/a', token: Number(token) })
    t.match(
      await getSource(db, 'otx'),
      { walker: undefined, state: { walk: { underWay: false } } },
      'a walk of nobody is none',
    )
  })

  await t.test('what it has brought is counted, each source for itself', async (t) => {
    const intake = createTestIntake(t, db)
    await intake.take(
      [
        reportOn(['a1.com', 'a2.com'], { externalId: '1', author: 'ann' }),
        reportOn(['b.com', anAssertion('c.com', { active: false })], {
          externalId: '2',
          author: 'bob',
        }),
        reportOn(['d.com'], { externalId: '3', author: 'bob' }),
        reportOn(['e.com'], { externalId: '4', author: '' }),
        reportOn(['f.com'], { externalId: '5', author: 'carl' }),
      ],
      { rejections: [{ place: 'pulse 9', reason: 'wrong-shape', detail: 'x' }] },
    )
    await intake.take([reportOn(['g.com'], { externalId: '1', author: 'dora' })], {
      source: 'inbox',
    })
    await db.updateTable('reports').set({ gone: 'deleted' }).where('author', '=', 'carl').execute()
    t.strictSame(await countSource(db, id), {
      reports: 4,
      goneReports: 1,
      assertions: 7,
      survivingAssertions: 6,
      rejections: 1,
    })
    t.strictSame(await readAuthors(db, id, 10), [
      { author: 'bob', reports: 2 },
      { author: 'ann', reports: 1 },
    ])
    t.strictSame(await readAuthors(db, id, 1), [{ author: 'bob', reports: 2 }])
    t.equal((await getSource(db, 'otx')).unfinished, 0)
    const reading = { digest: 'x', begun: true, offset: 0, failures: 0 }
    const { id: reportId } = await db
      .selectFrom('reports')
      .select('id')
      .where('author', '=', 'ann')
      .executeTakeFirstOrThrow()
    await saveReading(db, reportId, reading)
    t.equal((await getSource(db, 'otx')).unfinished, 1)
  })
})
