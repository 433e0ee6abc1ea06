import { sql } from 'kysely'
import t from 'tap'
import { applyCollections, compareCollections } from '../../src/intake/apply-collections.ts'
import { reconcileCollections } from '../../src/intake/reconcile.ts'
import { sweep } from '../../src/intake/sweep.ts'
import { markReconciled, readCollections } from '../../src/store/collections.ts'
import { assertSoundFeed, readLiveBlocks, readLiveValues } from '../helpers/sound-feed.ts'
import { forEachStore, openTestStore } from '../helpers/stores.ts'
import { aCollection, anAssertion, createTestIntake, reportOn } from './reports.ts'

const domain = 'c2.taxiway-demo.com'
const hash = '0123456789abcdef0123456789abcdef'
const mutex = 'Global\\demo'

const mixed = reportOn(
  [domain, anAssertion(hash, { type: 'md5' }), anAssertion(mutex, { type: 'mutex' })],
  { tags: ['Loader'] },
)

t.test('a collection that is made later holds what is known already', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const intake = createTestIntake(t, db)
    await intake.take([mixed])
    t.same(await readLiveBlocks(db), [])
    await intake.settle(aCollection())
    t.same(await readLiveValues(db, 'all'), [hash, mutex, domain].sort())
  })
})

t.test(
  'a changed rule takes out what it no longer permits and brings in what it does',
  async (t) => {
    await forEachStore(t, async (t, { db }) => {
      const intake = createTestIntake(t, db)
      await intake.settle(
        aCollection({ rule: { type: ['domain', 'md5'] } }),
        aCollection({ name: 'other' }),
      )
      await intake.take([mixed])
      const before = await readLiveBlocks(db)
      const kept = before.filter(
        ({ value, collection }) => value === hash || collection === 'other',
      )

      await intake.settle(aCollection({ rule: { type: ['mutex', 'md5'] } }))
      const after = await readLiveBlocks(db)
      t.same(await readLiveValues(db, 'all'), [hash, mutex].sort())
      t.same(
        after.filter(({ value, collection }) => value === hash || collection === 'other'),
        kept,
      )
    })
  },
)

t.test('a removed binding loses its blocks and an added one gets all', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const intake = createTestIntake(t, db)
    const old = 'urn:stix.mitre.org:xml:1.1.1'
    const current = 'urn:stix.mitre.org:xml:1.2'
    const versions = async () =>
      (await readLiveBlocks(db))
        .map(
          ({ value, content }) => `${value} ${/ version="([^"]+)" timestamp/.exec(content)?.[1]}`,
        )
        .sort()
    await intake.settle(aCollection({ bindings: [current] }))
    await intake.take([reportOn([domain])])
    t.same(await versions(), [`${domain} 1.2`])
    await intake.settle(aCollection({ bindings: [current, old] }))
    t.same(await versions(), [`${domain} 1.1.1`, `${domain} 1.2`])
    await intake.settle(aCollection({ bindings: [old] }))
    t.same(await versions(), [`${domain} 1.1.1`])
    await intake.take([reportOn([anAssertion(domain, { title: 'Changed' })])])
    t.same(await versions(), [`${domain} 1.1.1`])
  })
})

t.test('a changed profile leaves out what its clients do not read', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const intake = createTestIntake(t, db)
    await intake.settle(aCollection({ profile: 'full' }))
    await intake.take([mixed])
    t.ok((await readLiveValues(db, 'all')).includes(mutex))
    await intake.settle(aCollection({ profile: 'esa' }))
    t.same(await readLiveValues(db, 'all'), [hash, domain].sort())
    await intake.settle(aCollection({ profile: 'full' }))
    t.ok((await readLiveValues(db, 'all')).includes(mutex))
  })
})

t.test('a stricter TLP takes out what is above it, and what it showed of it', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const intake = createTestIntake(t, db)
    await intake.settle(aCollection({ maxTlp: 'amber' }))
    const inner = {
      externalId: 'r2',
      tlp: 'amber',
      references: ['https://inner.taxiway-demo.com/'],
    } as const
    await intake.take([reportOn([domain]), reportOn([domain, 'own.taxiway-demo.com'], inner)])
    t.match(
      (await readLiveBlocks(db)).map(({ content }) => content).join(),
      'inner.taxiway-demo.com',
    )
    await intake.settle(aCollection({ maxTlp: 'white' }))
    const blocks = await readLiveBlocks(db)
    t.same(
      blocks.map(({ value }) => value),
      [domain],
    )
    t.notMatch(blocks[0]?.content, /inner\.taxiway-demo|AMBER/)
  })
})

t.test('a reconciliation that was cut short is finished by the next sweep', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const intake = createTestIntake(t, db)
    const hosts = Array.from({ length: 5_100 }, (_, n) => `h${n}.taxiway-demo.com`)
    await intake.take([reportOn(hosts)])
    await applyCollections(db, [aCollection()])
    const end = new Error('the process ended')
    const ended = reconcileCollections(intake, () => {
      throw end
    })
    await t.rejects(ended, end)
    await assertSoundFeed(t, db)
    t.equal((await readLiveBlocks(db)).length, 5_000)

    t.match(await sweep(intake), { published: 100, withdrawn: 0 })
    await assertSoundFeed(t, db)
    t.equal((await readLiveBlocks(db)).length, 5_100)
    t.match(await sweep(intake), { published: 0 }, 'and then there is nothing left')
    const { rows } = await sql`
      select settings_version = reconciled_version as settled from collections`.execute(db)
    t.same(rows, [{ settled: true }])
  })
})

t.test('settings that change during a reconciliation are followed by the next', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const intake = createTestIntake(t, db)
    await intake.take([mixed])
    await applyCollections(db, [aCollection({ rule: { type: 'md5' } })])
    let changed: Promise<unknown> | undefined
    await reconcileCollections(intake, () => {
      changed ??= applyCollections(db, [aCollection({ rule: { type: 'domain' } })])
    })
    await changed
    await sweep(intake)
    await assertSoundFeed(t, db)
    t.same(await readLiveValues(db, 'all'), [domain])
  })
})

t.test('applying says what changes, and the same again changes nothing', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const one = aCollection()
    const other = aCollection({ name: 'other', pageSize: 10 })
    t.same(await applyCollections(db, [one, other]), [
      { name: 'all', kind: 'new', settings: [] },
      { name: 'other', kind: 'new', settings: [] },
    ])
    const stored = await readCollections(db)
    t.match(stored, [one, other])

    t.same(await applyCollections(db, [one, other]), [
      { name: 'all', kind: 'unchanged', settings: [] },
      { name: 'other', kind: 'unchanged', settings: [] },
    ])
    t.same(await readCollections(db), stored, 'and no version moves')

    const wanted = [{ ...other, pageSize: undefined, maxTlp: 'green' } as const]
    const changes = [
      {
        name: 'other',
        kind: 'changed',
        settings: [
          { setting: 'maxTlp', from: 'white', to: 'green' },
          { setting: 'pageSize', from: 10, to: undefined },
        ],
      },
      { name: 'all', kind: 'not in the file', settings: [] },
    ] as const
    t.same(compareCollections(stored, wanted), changes)
    t.same(await readCollections(db), stored, 'comparing changes nothing')
    t.same(await applyCollections(db, wanted), changes)
    t.match(await readCollections(db), [one, ...wanted], 'what is not named stays')
  })
})

t.test('who ends last with older settings does not take back what another has noted', async (t) => {
  const { db } = await openTestStore(t, 'postgresql')
  const intake = createTestIntake(t, db)
  await intake.settle(aCollection(), aCollection({ pageSize: 2 }))
  const [{ id, settingsVersion } = { id: 0, settingsVersion: 0 }] = await readCollections(db)
  await markReconciled(db, id, settingsVersion - 1)
  t.match(await readCollections(db), [{ reconciledVersion: settingsVersion }])
})
