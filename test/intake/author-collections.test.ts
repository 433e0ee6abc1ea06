import t, { type Test } from 'tap'
import { applyCollections } from '../../src/intake/apply-collections.ts'
import { makeAuthorCollections } from '../../src/intake/author-collections.ts'
import { writeInTurn } from '../../src/intake/intake.ts'
import { sweep } from '../../src/intake/sweep.ts'
import { takeIn } from '../../src/intake/take-in.ts'
import type { ReportWithAssertions } from '../../src/model/report.ts'
import { readCollections } from '../../src/store/collections.ts'
import type { Db } from '../../src/store/db.ts'
import { countBlocks, readSafeLabel } from '../../src/store/feed.ts'
import { getSourceId } from '../../src/store/sources.ts'
import { forEachStore, openTestStore } from '../helpers/stores.ts'
import { aCollection, createTestIntake, reportOn, type TestIntake } from './reports.ts'

/** Takes reports in as the walk through OTX does. */
async function takeAsWalk(
  intake: TestIntake,
  reports: readonly ReportWithAssertions[],
  most?: number,
): Promise<void> {
  const sourceId = await getSourceId(intake.db, 'otx')
  const authors = reports.map(({ report }) => report.author)
  const before = async (trx: Db) => {
    await makeAuthorCollections(trx, 'otx', authors, most)
  }
  await takeIn(intake, { sourceId, reports, rejections: [], before })
}

const make = (intake: TestIntake, names: readonly string[], most?: number) =>
  writeInTurn(intake, (trx) => makeAuthorCollections(trx, 'otx', names, most))

/** How many blocks each collection has, by its name. */
async function blocks(db: Db): Promise<Record<string, number>> {
  const counts: Record<string, number> = {}
  for (const { id, name, bindings } of await readCollections(db)) {
    const { safe: end, asOf } = await readSafeLabel(db, id)
    counts[name] = 0
    for (const binding of bindings) {
      const snapshot = { collectionId: id, binding, asOf }
      counts[name] += await countBlocks(db, snapshot, { begin: undefined, end })
    }
  }
  return counts
}

const byAuthor = (author: string, ...values: string[]) =>
  reportOn(values, { externalId: `${author} ${values}`, author })

async function open(t: Test) {
  const { db } = await openTestStore(t, 'postgresql')
  return createTestIntake(t, db)
}

forEachStore(t, async (t, { db }) => {
  const intake = createTestIntake(t, db)

  await t.test('an author without a report has an empty collection at once', async (t) => {
    t.strictSame(await make(intake, ['me']), { made: ['user_me'], unnameable: [], left: [] })
    t.strictSame(await blocks(db), { user_me: 0 })
    t.match(await readCollections(db), [
      {
        name: 'user_me',
        description: 'Data feed for user: me',
        rule: { all: [{ source: 'otx' }, { author: 'me' }] },
        maxTlp: 'green',
        nonPublic: false,
        bindings: ['urn:stix.mitre.org:xml:1.1.1'],
        profile: 'esa',
        pageSize: undefined,
        refreshDays: 20,
        settingsVersion: 1,
        reconciledVersion: 1,
      },
    ])
    t.strictSame(await make(intake, ['me']), { made: [], unnameable: [], left: [] })
  })

  await t.test('an author who is met is published with the first report', async (t) => {
    await takeAsWalk(intake, [byAuthor('ann', 'a1.com', 'a2.com'), byAuthor('bob', 'b.com')])
    t.strictSame(await blocks(db), { user_me: 0, user_ann: 2, user_bob: 1 })
    for (const { name, settingsVersion, reconciledVersion } of await readCollections(db)) {
      t.equal(reconciledVersion, settingsVersion, `${name}: the store need not be looked through`)
    }
    await takeAsWalk(intake, [byAuthor('me', 'mine.com'), byAuthor('ann', 'b.com')])
    t.strictSame(await blocks(db), { user_me: 1, user_ann: 3, user_bob: 1 })
  })

  await t.test('of an author who is in the store already the sweep publishes all', async (t) => {
    await intake.take([byAuthor('carl', 'c1.com', 'c2.com')])
    await takeAsWalk(intake, [byAuthor('carl', 'c3.com')])
    t.equal((await blocks(db)).user_carl, 1)
    await sweep(intake)
    t.equal((await blocks(db)).user_carl, 3)
  })

  await t.test('reports of the same author at another source are not in it', async (t) => {
    await intake.take([byAuthor('ann', 'elsewhere.com')], { source: 'inbox' })
    t.equal((await blocks(db)).user_ann, 3)
  })

  await t.test('what an operator has changed stays', async (t) => {
    const [mine] = (await readCollections(db)).filter(({ name }) => name === 'user_ann')
    const own = { ...aCollection({ name: 'user_ann', rule: { author: ['ann', 'carl'] } }) }
    await applyCollections(db, [own, aCollection({ name: 'user_dora', description: 'Ours.' })])
    t.strictSame(await make(intake, ['ann', 'dora']), { made: [], unnameable: [], left: [] })
    await takeAsWalk(intake, [byAuthor('dora', 'd.com')])
    const stored = await readCollections(db)
    t.match(
      stored.find(({ name }) => name === 'user_ann'),
      { ...own, id: mine?.id },
    )
    t.match(
      stored.find(({ name }) => name === 'user_dora'),
      { description: 'Ours.', rule: { all: [] } },
    )
  })
})

t.test('a name that no collection can have is told, and harms nothing', async (t) => {
  const intake = await open(t)
  const odd = ['Harbour Watch', 'Müller', '<x>', "'; drop table collections; --", 'a\u202eb']
  t.strictSame(await make(intake, ['', ...odd, 'ann', ...odd]), {
    made: ['user_ann'],
    unnameable: odd,
    left: [],
  })
  await takeAsWalk(intake, [byAuthor('Harbour Watch', 'h.com'), byAuthor('ann', 'a.com')])
  t.strictSame(await blocks(intake.db), { user_ann: 1 })
})

t.test('names that differ in case alone are two authors', async (t) => {
  const intake = await open(t)
  await takeAsWalk(intake, [byAuthor('Ann', 'a.com'), byAuthor('ann', 'b.com', 'c.com')])
  t.strictSame(await blocks(intake.db), { user_Ann: 1, user_ann: 2 })
})

t.test('no more are made than there may be, and whom that hits is told', async (t) => {
  const intake = await open(t)
  await applyCollections(intake.db, [aCollection({ name: 'user_own' }), aCollection()])
  const names = Array.from({ length: 10 }, (_, index) => `author${index}`)
  t.strictSame(await make(intake, names, 4), {
    made: ['user_author0', 'user_author1', 'user_author2'],
    unnameable: [],
    left: names.slice(3),
  })
  t.strictSame((await make(intake, names, 4)).left, names.slice(3))
  await takeAsWalk(intake, [byAuthor('author9', 'a.com'), byAuthor('author1', 'b.com')], 4)
  const after = await blocks(intake.db)
  t.equal(after.user_author1, 1)
  t.equal(after.all, 2, 'in the other feeds its indicators are as ever')
  t.notOk('user_author9' in after)
  t.strictSame(await make(intake, ['declared'], Number.POSITIVE_INFINITY), {
    made: ['user_declared'],
    unnameable: [],
    left: [],
  })
})

t.test(
  'when the transaction that met an author fails, there is no collection either',
  async (t) => {
    const intake = await open(t)
    const failed = writeInTurn(intake, async (trx) => {
      await makeAuthorCollections(trx, 'otx', ['ann'])
      throw new Error('the rest failed')
    })
    await t.rejects(failed, { message: 'the rest failed' })
    t.strictSame(await readCollections(intake.db), [])
  },
)
