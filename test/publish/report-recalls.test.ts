import t from 'tap'
import { recall, settleRecalls, undoRecall } from '../../src/intake/recall.ts'
import type { RecallSubject } from '../../src/model/recall.ts'
import type { Db } from '../../src/store/db.ts'
import { findHolders } from '../../src/store/holders.ts'
import { findNamedIndicators } from '../../src/store/named-indicators.ts'
import { assertSoundFeed } from '../helpers/sound-feed.ts'
import { forEachStore } from '../helpers/stores.ts'
import { aCollection, createTestIntake, reportOn } from '../intake/reports.ts'
import { type Answered, type Client, startStoredServer } from '../taxii/stored-server.ts'
import { byReports, chunksOf, host, hosts } from './report-chunks.ts'

const why = { reason: 'blocks our own mail', by: 'ana' }
const domain = (name: string | number): RecallSubject => ({
  indicators: [{ type: 'domain', value: host(name) }],
})

/** Every part of a poll's answer. */
async function pollParts(client: Client, collection: string): Promise<readonly Answered[]> {
  const parts = [await client.poll(collection)]
  for (let last = parts[0]; last?.more; last = parts.at(-1)) {
    parts.push(await client.fulfil(collection, last.resultId, parts.length + 1))
  }
  return parts
}

async function idOf(db: Db, value: string): Promise<number> {
  const [[found] = []] = await findNamedIndicators(db, [value])
  if (!found) throw new Error(`${value} is not in the store`)
  return found.id
}

t.test('a poll in parts gives each chunk once, in either binding', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const intake = createTestIntake(t, db)
    await intake.settle(
      byReports({ pageSize: 2 }),
      byReports({ name: 'old', pageSize: 2, bindings: ['urn:stix.mitre.org:xml:1.1.1'] }),
    )
    await intake.take([reportOn(hosts(250)), reportOn(hosts(3), { externalId: 'r2' })])
    await intake.take([reportOn([host('x')], { externalId: 'r3' })])
    const server = await startStoredServer(t, db)
    const client = await server.addClient('esa1')
    for (const collection of ['all', 'old']) {
      const parts = await pollParts(client, collection)
      t.same(
        parts.map(({ labels }) => labels.length),
        [2, 2, 1],
      )
      t.equal(new Set(parts.flatMap(({ labels }) => labels)).size, 5)
      const values = parts.flatMap((one) => one.values)
      t.same([...values].sort(), [...hosts(250), ...hosts(3), host('x')].sort(), collection)
      const delta = await client.poll(collection, { begin: parts.at(-1)?.end })
      t.same(delta.labels, [], 'and nothing twice')
    }
  })
})

t.test('from its recall on nobody is answered an indicator, in parts neither', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const intake = createTestIntake(t, db)
    await intake.settle(byReports({ pageSize: 1 }), aCollection({ name: 'single' }))
    await intake.take([
      reportOn([host('x')], { externalId: 'r0' }),
      reportOn([host(1), host(2)]),
      reportOn([host(2), host(3)], { externalId: 'r2' }),
      reportOn([host(4)], { externalId: 'r3' }),
    ])
    const server = await startStoredServer(t, db)
    const client = await server.addClient('esa1')
    const before = await chunksOf(db)
    const begun = await client.poll('all')
    t.ok(begun.more)

    const { id, indicators } = await recall(intake, { subject: domain(2), ...why })
    t.equal(indicators, 1, 'it is counted once, in however many packages it is')
    await assertSoundFeed(t, db)
    const later = await client.fulfil('all', begun.resultId, 2)
    t.same(later.values, [host(4)], 'a part that was emptied has what follows')
    const full = await pollParts(client, 'all')
    t.same(
      full.flatMap(({ values }) => values),
      [host('x'), host(4)],
    )

    await settleRecalls(intake)
    await assertSoundFeed(t, db)
    t.same(await chunksOf(db), [
      `r0/1: ${host('x')}`,
      `r1/1: ${host(1)}`,
      `r2/1: ${host(3)}`,
      `r3/1: ${host(4)}`,
    ])
    const delta = await client.poll('all', { begin: begun.end })
    t.same(delta.values.length, 1, 'they come with the next delta')
    await undoRecall(intake, id, 'ben')
    await settleRecalls(intake)
    t.same(await chunksOf(db), before)
    await assertSoundFeed(t, db)
  })
})

t.test('a recalled report takes its packages out and nobody else’s', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const intake = createTestIntake(t, db)
    await intake.settle(byReports())
    await intake.take([reportOn(hosts(130)), reportOn(hosts(3), { externalId: 'r2' })])
    await intake.take([reportOn([host(1)], { externalId: 'l1' })], { source: 'lab' })
    const all = await chunksOf(db)
    const report = { report: { source: 'otx', externalId: 'r1' } }
    const one = await recall(intake, { subject: report, ...why })
    t.equal(one.indicators, 130)
    const left = [`l1/1: ${host(1)}`, `r2/1: ${hosts(3).join(' ')}`]
    t.same(await chunksOf(db), left)
    const other = await recall(intake, { subject: { source: 'otx' }, ...why })
    t.equal(other.indicators, 3, 'what was out already is not counted')
    t.same(await chunksOf(db), left.slice(0, 1))
    await settleRecalls(intake)
    t.same(await chunksOf(db), left.slice(0, 1))
    await assertSoundFeed(t, db)
    for (const { id } of [one, other]) await undoRecall(intake, id, 'ben')
    await settleRecalls(intake)
    t.same(await chunksOf(db), all)
    await assertSoundFeed(t, db)
  })
})

t.test('whoever was sent a package holds what it showed, and nothing else', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const intake = createTestIntake(t, db)
    await intake.settle(byReports(), byReports({ name: 'other', rule: { source: 'lab' } }))
    const server = await startStoredServer(t, db)
    const [early, late, other] = await Promise.all(
      ['early', 'late', 'other'].map((name) => server.addClient(name)),
    )
    await intake.take([reportOn([host(1), host(2)])])
    await intake.take([reportOn([host(3)], { externalId: 'l1' })], { source: 'lab' })
    t.same((await early?.poll('all'))?.values, hosts(4).slice(1))
    await intake.take([reportOn([host(2)], { revision: '2' })])
    t.same((await late?.poll('all'))?.values, [host(3), host(2)])
    t.same((await other?.poll('other'))?.values, [host(3)])
    await server.settled()

    const holdersOf = async (value: string) => {
      const held = await findHolders(db, { indicatorIds: [await idOf(db, value)] })
      return held.map(({ account }) => account).sort()
    }
    t.same(await holdersOf(host(1)), ['early'], 'who came after it had left has it not')
    t.same(await holdersOf(host(2)), ['early', 'late'])
    t.same(await holdersOf(host(3)), ['early', 'late', 'other'])

    const holdersOfRecall = async (subject: RecallSubject) => {
      const { id: recallId } = await recall(intake, { subject, ...why })
      return (await findHolders(db, { recallId })).map(({ account }) => account).sort()
    }
    t.same(await holdersOfRecall(domain(1)), ['early'])
    t.same(await holdersOfRecall({ report: { source: 'otx', externalId: 'r1' } }), [
      'early',
      'late',
    ])
    t.same(await holdersOfRecall({ source: 'lab' }), ['early', 'late', 'other'])
  })
})
