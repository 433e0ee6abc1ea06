import { sql } from 'kysely'
import t from 'tap'
import { takeIn } from '../../src/intake/take-in.ts'
import { getSourceId, readCursor } from '../../src/store/sources.ts'
import { assertSoundFeed, readLiveBlocks, readLiveValues } from '../helpers/sound-feed.ts'
import { forEachStore } from '../helpers/stores.ts'
import { aCollection, anAssertion, createTestIntake, reportOn, start } from './reports.ts'

const two = ['c2.taxiway-demo.com', 'drop.taxiway-demo.com']
const [value = ''] = two
const many = Array.from({ length: 12_000 }, (_, n) => `h${n}.taxiway-demo.com`)

t.test('the same reports a second time change nothing', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const intake = createTestIntake(t, db)
    await intake.settle(aCollection())
    const first = await intake.take([reportOn(two)])
    t.match(first, { reports: 1, unchangedReports: 0, assertions: 2, published: 2, withdrawn: 0 })
    const before = await readLiveBlocks(db)
    t.equal(before.length, 2)

    intake.now = new Date(start.getTime() + 60_000)
    const again = await intake.take([reportOn(two)])
    t.match(again, { reports: 0, unchangedReports: 1, assertions: 0, published: 0, withdrawn: 0 })
    t.same(await readLiveBlocks(db), before)
  })
})

t.test('a revision without an indicator withdraws it, one with it brings it back', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const intake = createTestIntake(t, db)
    await intake.settle(aCollection())
    await intake.take([reportOn(two)])
    const [kept] = await readLiveBlocks(db)

    const revised = await intake.take([reportOn([value], { revision: '2' })])
    t.match(revised, { withdrawn: 1, published: 0 })
    t.same(await readLiveBlocks(db), [kept])
    t.same((await sql`select reason, rule from suppressions`.execute(db)).rows, [
      { reason: 'retracted', rule: 'report:revision' },
    ])

    const back = await intake.take([reportOn(two, { revision: '3' })])
    t.match(back, { withdrawn: 0, published: 1 })
    t.same(await readLiveValues(db, 'all'), two)
    t.same((await sql`select * from suppressions`.execute(db)).rows, [])
  })
})

t.test('what another report still asserts stays when one retracts it', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const intake = createTestIntake(t, db)
    await intake.settle(aCollection())
    const references = ['https://blog.taxiway-demo.com/2']
    await intake.take([reportOn(two), reportOn(two.slice(1), { externalId: 'r2', references })])
    const both = await readLiveBlocks(db)
    t.equal(both.length, 2, 'an indicator of two reports is one block')
    const shared = both.find((block) => block.value === two[1])
    t.match(shared?.content, 'blog.taxiway-demo.com/1')
    t.match(shared?.content, 'blog.taxiway-demo.com/2')

    const revised = await intake.take([reportOn([value], { revision: '2' })])
    t.match(revised, { withdrawn: 0, published: 1 })
    t.same(await readLiveValues(db, 'all'), two)
    const left = (await readLiveBlocks(db)).find((block) => block.value === two[1])
    t.notMatch(left?.content, 'blog.taxiway-demo.com/1', 'the retracted report is not shown')
    t.match(left?.content, 'blog.taxiway-demo.com/2')
  })
})

const idsOf = (content = '') => [...content.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id)
const timestampOf = (content = '') => / timestamp="([^"]+)"/.exec(content)?.[1] ?? ''

t.test('a changed text supersedes a block: later label and timestamp, same ids', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const intake = createTestIntake(t, db)
    await intake.settle(aCollection())
    await intake.take([reportOn([anAssertion(value, { title: 'A loader' })])])
    const [old] = await readLiveBlocks(db)
    // The clock stands still: labels and timestamps go on all the same.
    await intake.take([reportOn([anAssertion(value, { title: 'A wiper' })])])
    const [block, ...others] = await readLiveBlocks(db)
    t.same(others, [])
    t.match(block?.content, 'A wiper')
    t.ok(Number(block?.label) > Number(old?.label))
    t.same(idsOf(block?.content), idsOf(old?.content))
    t.ok(timestampOf(block?.content) > timestampOf(old?.content))
    const { rows } = await sql`select count(*)::integer as count from blocks`.execute(db)
    t.same(rows, [{ count: 2 }])
  })
})

t.test('what is above the TLP of a collection neither enters it nor shows in it', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const intake = createTestIntake(t, db)
    await intake.settle(aCollection(), aCollection({ name: 'inner', maxTlp: 'amber' }))
    const own = anAssertion(value, { tlp: 'amber', title: 'Seen on our mail gateway' })
    const hidden = anAssertion('only-ours.taxiway-demo.com', { tlp: 'amber' })
    const ours = {
      externalId: 'own',
      tlp: 'amber',
      name: 'Our own incident',
      author: 'Our SOC',
      references: ['https://wiki.taxiway-demo.com/incident'],
    } as const
    await intake.take([reportOn(two)])
    const before = await readLiveBlocks(db, 'all')
    await intake.take([reportOn([own, hidden], ours)], { source: 'own' })

    t.same(await readLiveBlocks(db, 'all'), before, 'the white feed does not stir')
    for (const { content } of before) {
      t.notMatch(content, /mail gateway|Our own incident|Our SOC|wiki\.|AMBER/)
    }
    t.same(await readLiveValues(db, 'inner'), [...two, hidden.value].sort())
    const inner = (await readLiveBlocks(db, 'inner')).find((block) => block.value === value)
    t.match(inner?.content, 'Seen on our mail gateway')
    t.match(inner?.content, 'wiki.taxiway-demo.com')
    t.match(inner?.content, 'color="AMBER"')

    // White falls away: nothing of amber takes its place in the white feed.
    const revised = await intake.take([reportOn(two.slice(1), { revision: '2' })])
    t.match(revised, { withdrawn: 1, published: 1 })
    t.same(await readLiveValues(db, 'all'), two.slice(1))
    t.same(await readLiveValues(db, 'inner'), [...two, hidden.value].sort())
  })
})

t.test('a report of 12,000 assertions is stored in pieces and whole at the end', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const intake = createTestIntake(t, db)
    await intake.settle(aCollection())
    const taken = await intake.take([reportOn(many)])
    t.match(taken, { reports: 1, assertions: 12_000, published: 12_000 })
    const { rows } = await sql<{ blocks: number }>`
      select block_count as blocks from publications order by id`.execute(db)
    t.ok(rows.length > 1, 'in several publications')
    t.equal((await readLiveBlocks(db)).length, 12_000)

    const half = await intake.take([reportOn(many.slice(0, 6_000), { revision: '2' })])
    t.match(half, { withdrawn: 6_000, published: 0 })
    t.equal((await readLiveBlocks(db)).length, 6_000)
  })
})

t.test('a report that was cut short between its pieces is made whole the next time', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const intake = createTestIntake(t, db)
    await intake.settle(aCollection())
    const sourceId = await getSourceId(db, 'otx')
    const request = { sourceId, reports: [reportOn(many)], rejections: [], cursor: { page: 2 } }
    const end = new Error('the process ended')
    const ended = takeIn(intake, request, () => {
      throw end
    })
    await t.rejects(ended, end)
    await assertSoundFeed(t, db)
    const begun = (await readLiveBlocks(db)).length
    t.ok(begun > 0 && begun < 12_000, 'the first piece is there')
    t.same(await readCursor(db, sourceId), {}, 'the cursor has not passed it')

    t.match(await intake.take(request.reports, request), { published: 12_000 - begun })
    t.equal((await readLiveBlocks(db)).length, 12_000)
    t.same(await readCursor(db, sourceId), { page: 2 })
    t.match(await intake.take(request.reports), { unchangedReports: 1, published: 0 })
  })
})

t.test(
  'a cut short report that was revised meanwhile keeps nothing of the old version',
  async (t) => {
    await forEachStore(t, async (t, { db }) => {
      const intake = createTestIntake(t, db)
      await intake.settle(aCollection())
      const sourceId = await getSourceId(db, 'otx')
      const ended = takeIn(intake, { sourceId, reports: [reportOn(many)], rejections: [] }, () => {
        throw new Error('the process ended')
      })
      await t.rejects(ended)
      await intake.take([reportOn(two, { revision: '2' })])
      t.same(await readLiveValues(db, 'all'), two)
    })
  },
)

t.test('a cursor is kept with what it has passed, or neither is', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const intake = createTestIntake(t, db)
    const sourceId = await getSourceId(db, 'otx')
    await intake.take([reportOn(two)], { cursor: { page: 2 } })
    t.same(await readCursor(db, sourceId), { page: 2 })

    // No report has a year that a database cannot hold: the transaction fails after the report is written.
    const impossible = anAssertion(value, { validFrom: new Date(8.64e15) })
    const reports = [reportOn([impossible], { externalId: 'r2' })]
    await t.rejects(takeIn(intake, { sourceId, reports, rejections: [], cursor: { page: 3 } }))
    t.same(await readCursor(db, sourceId), { page: 2 })
    const { rows } = await sql`select external_id from reports`.execute(db)
    t.same(rows, [{ external_id: 'r1' }])
    await assertSoundFeed(t, db)
  })
})

t.test('a page without reports still moves the cursor', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const intake = createTestIntake(t, db)
    t.match(await intake.take([], { cursor: { page: 2 } }), { reports: 0, rejected: 0 })
    t.same(await readCursor(db, await getSourceId(db, 'otx')), { page: 2 })
  })
})

t.test(
  'one value asserted several times by a report is one assertion, the best of them',
  async (t) => {
    await forEachStore(t, async (t, { db }) => {
      const intake = createTestIntake(t, db)
      await intake.settle(aCollection())
      const upper = anAssertion(value.toUpperCase(), { title: 'Kept' })
      const off = anAssertion(value, { active: false, title: 'Off' })
      t.match(await intake.take([reportOn([off, upper, off])]), { assertions: 1, published: 1 })
      const [block] = await readLiveBlocks(db)
      t.match(block?.content, 'Kept')
    })
  },
)

t.test('a revision that was cut short and then taken back leaves nothing', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const intake = createTestIntake(t, db)
    await intake.settle(aCollection())
    await intake.take([reportOn(two)])
    const sourceId = await getSourceId(db, 'otx')
    const revised = reportOn(many.slice(0, 6_000), { revision: '2' })
    const ended = takeIn(intake, { sourceId, reports: [revised], rejections: [] }, () => {
      throw new Error('the process ended')
    })
    await t.rejects(ended)
    t.match(await intake.take([reportOn(two)]), { unchangedReports: 0 })
    t.same(await readLiveValues(db, 'all'), two)
  })
})

t.test(
  'which of several assertions on one value is kept does not depend on the pieces',
  async (t) => {
    await forEachStore(t, async (t, { db }) => {
      const intake = createTestIntake(t, db)
      await intake.settle(aCollection())
      const off = anAssertion(value, { active: false })
      await intake.take([reportOn([value, ...many.slice(0, 6_000), off])])
      t.ok((await readLiveValues(db, 'all')).includes(value))
    })
  },
)

t.test('of a report that a page holds twice the newest is taken in', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const intake = createTestIntake(t, db)
    await intake.settle(aCollection())
    const older = reportOn(two)
    const newer = reportOn([value], { modified: new Date('2026-05-03T00:00:00Z') })
    await intake.take([newer, older])
    t.same(await readLiveValues(db, 'all'), [value])
    await intake.take([older, newer])
    t.same(await readLiveValues(db, 'all'), [value])
  })
})
