import { sql } from 'kysely'
import t from 'tap'
import { sweep } from '../../src/intake/sweep.ts'
import { takeIn } from '../../src/intake/take-in.ts'
import { getSourceId } from '../../src/store/sources.ts'
import { assertSoundFeed, readLiveBlocks, readLiveChunks } from '../helpers/sound-feed.ts'
import { forEachStore, openTestStore } from '../helpers/stores.ts'
import {
  aCollection,
  anAssertion,
  createTestIntake,
  dayAfterStart,
  reportOn,
} from '../intake/reports.ts'
import { byReports, chunksOf, host, hosts } from './report-chunks.ts'

const bindings = ['urn:stix.mitre.org:xml:1.2', 'urn:stix.mitre.org:xml:1.1.1'] as const

t.test('a report is one package for up to a hundred of its indicators', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const intake = createTestIntake(t, db)
    await intake.settle(byReports({ bindings }))
    await intake.take([reportOn(hosts(250)), reportOn([host(0), host(1)], { externalId: 'r2' })])
    t.same(await readLiveBlocks(db), [], 'and no indicator is one by itself')
    const chunks = await readLiveChunks(db)
    const sizes = ['r1/1 100', 'r1/2 100', 'r1/3 50', 'r2/1 2']
    for (const binding of [1, 2]) {
      const own = chunks.filter((one) => one.binding === binding)
      t.same(
        own.map(({ report, number, values }) => `${report}/${number} ${values.length}`).sort(),
        sizes,
      )
      const ofR1 = own.filter(({ report }) => report === 'r1')
      t.same(ofR1.flatMap(({ values }) => values).sort(), hosts(250).sort(), 'each is in one')
      for (const { content, values } of own) {
        const shown = [...content.matchAll(/<DomainNameObj:Value[^>]*>([^<]+)</g)].map(([, v]) => v)
        t.same(shown.sort(), values, 'which shows what the store says that it shows')
      }
    }
  })
})

t.test('an indicator keeps the chunk that it came into, also when it comes back', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const intake = createTestIntake(t, db)
    await intake.settle(byReports())
    const all = hosts(120)
    const take = (values: readonly string[], revision: number) =>
      intake.take([reportOn(values, { revision: String(revision) })])
    const valuesOf = async (number: number) =>
      (await readLiveChunks(db)).find((one) => one.number === number)?.values ?? []
    await take(all, 1)
    const [first, second] = [await valuesOf(1), await valuesOf(2)]
    t.same([first.length, second.length], [100, 20])

    const gone = [first[7], second[3]]
    const before = await readLiveChunks(db)
    t.match(await take(all.filter((one) => !gone.includes(one)).reverse(), 2), {
      published: 2,
      withdrawn: 0,
    })
    t.same(
      await valuesOf(1),
      first.filter((one) => !gone.includes(one)),
    )
    t.same(
      await valuesOf(2),
      second.filter((one) => !gone.includes(one)),
    )

    t.match(await take([...hosts(130).slice(120), ...all], 3), { published: 2 })
    t.same(await valuesOf(1), first, 'what was away is where it had been')
    t.same((await valuesOf(2)).length, 30, 'and what is new where there was room')
    const ids = (chunks: typeof before) =>
      chunks.map(({ content }) => / id="([^"]+Package[^"]+)"/.exec(content)?.[1]).sort()
    t.same(ids(await readLiveChunks(db)), ids(before), 'the packages have the ids that they had')

    await take([...second], 4)
    t.same(await chunksOf(db), [`r1/2: ${second.join(' ')}`], 'a chunk that shows nothing is gone')
    t.match(await take([...second], 5), { published: 0, withdrawn: 0 }, 'nothing new, nothing sent')
  })
})

t.test('what a report says of itself, and of sightings, is published again', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const intake = createTestIntake(t, db)
    await intake.settle(byReports(), aCollection({ name: 'single' }))
    const values = hosts(150)
    await intake.take([reportOn(values)])
    const changes = [
      { name: 'Loaders, renamed' },
      { description: 'What they fetch, and whence.' },
      { references: ['https://blog.taxiway-demo.com/2'] },
      { adversary: 'Grey Heron' },
    ]
    let report = {}
    for (const change of changes) {
      report = { ...report, ...change }
      const { published } = await intake.take([reportOn(values, report)])
      t.ok(published >= 2, `${Object.keys(change)}: ${published} blocks`)
      const [text] = Object.values(change).flat()
      const chunks = await readLiveChunks(db)
      t.equal(chunks.length, 2)
      for (const { content } of chunks) t.match(content, text as string)
    }
    t.match(await intake.take([reportOn(values, report)]), { published: 0 })

    const seen = values.map((value, n) => anAssertion(value, n === 0 ? { sightings: 7 } : {}))
    t.match(await intake.take([reportOn(seen, report)]), { published: 2, withdrawn: 0 })
    t.match((await readLiveChunks(db)).map(({ content }) => content).join(), / sightings_count="7"/)
  })
})

t.test('each collection has of a report what its rule and its TLP permit', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const intake = createTestIntake(t, db)
    await intake.settle(
      byReports({ maxTlp: 'amber' }),
      byReports({ name: 'white' }),
      byReports({ name: 'same' }),
      byReports({ name: 'esa', profile: 'esa', maxTlp: 'amber' }),
      byReports({ name: 'lab', rule: { source: 'lab' } }),
    )
    const mutex = anAssertion('Global\\demo', { type: 'mutex' })
    const amber = anAssertion(host('amber'), { tlp: 'amber' })
    await intake.take([reportOn([host(1), amber, mutex])])
    await intake.take([reportOn([host(1), host(2)], { externalId: 'l1' })], { source: 'lab' })
    t.same(await chunksOf(db), [
      `l1/1: ${host(1)} ${host(2)}`,
      `r1/1: Global\\demo ${host(1)} ${host('amber')}`,
    ])
    t.same(await chunksOf(db, 'white'), [
      `l1/1: ${host(1)} ${host(2)}`,
      `r1/1: Global\\demo ${host(1)}`,
    ])
    t.same(await chunksOf(db, 'esa'), [
      `l1/1: ${host(1)} ${host(2)}`,
      `r1/1: ${host(1)} ${host('amber')}`,
    ])
    t.same(await chunksOf(db, 'lab'), [`l1/1: ${host(1)} ${host(2)}`])
    for (const { content } of await readLiveChunks(db, 'white')) t.notMatch(content, /AMBER|amber/)
    const contents = async (name: string) =>
      (await readLiveChunks(db, name)).map(({ content }) => content)
    t.same(await contents('same'), await contents('white'), 'what is the same is rendered once')
  })
})

t.test('a changed packaging leaves nothing behind of the other, to and fro', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const intake = createTestIntake(t, db)
    await intake.settle(aCollection(), byReports({ name: 'other' }))
    await intake.take([reportOn(hosts(130)), reportOn([host(1), host(999)], { externalId: 'r2' })])
    const other = await readLiveChunks(db, 'other')
    t.equal((await readLiveBlocks(db, 'all')).length, 131)
    for (const round of [1, 2]) {
      await intake.settle(byReports())
      t.same(await readLiveBlocks(db, 'all'), [], `round ${round}`)
      t.same(await chunksOf(db), await chunksOf(db, 'other'))
      await intake.settle(aCollection())
      t.same(await readLiveChunks(db, 'all'), [])
      t.equal((await readLiveBlocks(db, 'all')).length, 131)
    }
    t.same(await readLiveChunks(db, 'other'), other, 'who had not changed keeps its blocks')
  })
})

t.test('what no report asserts is a package of its own', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const intake = createTestIntake(t, db)
    await intake.take([reportOn([host(1), host(2)])])
    await db.updateTable('assertions').set({ report_id: null }).where('id', '=', 1).execute()
    await intake.settle(byReports())
    t.same(
      (await readLiveBlocks(db)).map(({ value }) => value),
      [host(1)],
    )
    t.same(await chunksOf(db), [`r1/1: ${host(2)}`])
  })
})

t.test('an assertion that has expired leaves its chunk', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const intake = createTestIntake(t, db)
    await intake.settle(
      byReports(),
      byReports({ name: 'young', rule: { age: { atMostDays: 33 } } }),
    )
    await sweep(intake)
    const short = anAssertion(host('short'), { validUntil: dayAfterStart(1) })
    await intake.take([reportOn([host(1), short]), reportOn([short], { externalId: 'r2' })])
    intake.now = dayAfterStart(1)
    t.match(await sweep(intake), { expired: 2, published: 2, withdrawn: 2 })
    t.same(await chunksOf(db), [`r1/1: ${host(1)}`])
    intake.now = dayAfterStart(3)
    t.match(await sweep(intake), { withdrawn: 1 })
    t.same(await chunksOf(db, 'young'), [])
    await assertSoundFeed(t, db)
  })
})

t.test('a large report that is cut short is completed, each indicator in one chunk', async (t) => {
  const { db } = await openTestStore(t, 'postgresql')
  const intake = createTestIntake(t, db)
  await intake.settle(byReports())
  const sourceId = await getSourceId(db, 'otx')
  const reports = [reportOn(hosts(2_600))]
  const end = new Error('the process ended')
  const ended = takeIn(intake, { sourceId, reports, rejections: [] }, () => {
    throw end
  })
  await t.rejects(ended, end)
  await assertSoundFeed(t, db)
  t.equal((await readLiveChunks(db)).length, 25)
  const before = await readLiveChunks(db)
  await intake.take(reports)
  const chunks = await readLiveChunks(db)
  t.equal(chunks.length, 26)
  t.equal(new Set(chunks.flatMap(({ values }) => values)).size, 2_600)
  t.ok(chunks.every(({ values }) => values.length === 100))
  const labels = new Set(chunks.map(({ label }) => label))
  t.ok(
    before.every(({ label }) => labels.has(label)),
    'what was whole is not sent again',
  )
})

t.test('where no collection has packages of reports, chunks are not even looked for', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const intake = createTestIntake(t, db)
    await intake.settle(aCollection())
    const sourceId = await getSourceId(db, 'otx')
    await sql`alter table chunk_members rename to hidden`.execute(db)
    const take = (values: readonly string[]) =>
      takeIn(intake, { sourceId, reports: [reportOn(values)], rejections: [] })
    await take(hosts(3))
    await take(hosts(2))
    intake.now = dayAfterStart(1)
    await sweep(intake)
    t.equal((await readLiveBlocks(db)).length, 2)
    await sql`alter table hidden rename to chunk_members`.execute(db)
    await assertSoundFeed(t, db)
  })
})
