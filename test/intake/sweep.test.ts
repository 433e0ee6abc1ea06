import { sql } from 'kysely'
import t from 'tap'
import { sweep } from '../../src/intake/sweep.ts'
import { takeIn } from '../../src/intake/take-in.ts'
import { lockIntake } from '../../src/store/blocks.ts'
import { getSourceId } from '../../src/store/sources.ts'
import { assertSoundFeed, readLiveBlocks, readLiveValues } from '../helpers/sound-feed.ts'
import { forEachStore, openTestStore } from '../helpers/stores.ts'
import {
  aCollection,
  anAssertion,
  createTestIntake,
  dayAfterStart,
  reportOn,
  start,
  type TestIntake,
} from './reports.ts'

/** Sweeps so many days after the start and holds the feed to its law. */
async function sweepAt(t: Parameters<typeof assertSoundFeed>[0], intake: TestIntake, days: number) {
  intake.now = dayAfterStart(days)
  const swept = await sweep(intake)
  await assertSoundFeed(t, intake.db)
  return swept
}

t.test('an assertion ends at its moment, not before and not twice', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const intake = createTestIntake(t, db)
    await intake.settle(aCollection())
    const soon = anAssertion('soon.taxiway-demo.com', { validUntil: dayAfterStart(1) })
    const later = anAssertion('later.taxiway-demo.com', { validUntil: dayAfterStart(2) })
    const shared = anAssertion('shared.taxiway-demo.com', { validUntil: dayAfterStart(1) })
    await intake.take([
      reportOn([soon, later, shared, 'never.taxiway-demo.com']),
      reportOn([shared.value], {
        externalId: 'r2',
        references: ['https://blog.taxiway-demo.com/2'],
      }),
    ])
    const live = () => readLiveValues(db, 'all')
    const names = (...hosts: string[]) => hosts.map((host) => `${host}.taxiway-demo.com`)

    t.same(await sweepAt(t, intake, 0.999), {
      expired: 0,
      refreshed: 0,
      published: 0,
      withdrawn: 0,
    })
    t.same(await live(), names('later', 'never', 'shared', 'soon'))
    // The other report still asserts the shared one: it is shown anew, without the report that is over.
    t.same(await sweepAt(t, intake, 1), { expired: 2, refreshed: 0, published: 1, withdrawn: 1 })
    t.same(await live(), names('later', 'never', 'shared'))
    t.same(await sweepAt(t, intake, 1), { expired: 0, refreshed: 0, published: 0, withdrawn: 0 })
    t.same(await sweepAt(t, intake, 30), { expired: 1, refreshed: 0, published: 0, withdrawn: 1 })
    t.same(await live(), names('never', 'shared'))
    const { rows } = await sql`
      select i.value, x.reason, x.since from suppressions x
        join assertions a on a.id = x.assertion_id join indicators i on i.id = a.indicator_id
      order by value`.execute(db)
    t.same(rows, [
      { value: later.value, reason: 'expired', since: dayAfterStart(30) },
      { value: shared.value, reason: 'expired', since: dayAfterStart(1) },
      { value: soon.value, reason: 'expired', since: dayAfterStart(1) },
    ])

    const renewed = anAssertion(soon.value, { validUntil: dayAfterStart(60) })
    await intake.take([reportOn([renewed], { revision: '2' })])
    t.ok((await live()).includes(soon.value), 'a revision with a later end brings it back')
  })
})

t.test('more assertions than fit into a transaction end in one sweep', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const intake = createTestIntake(t, db)
    await intake.settle(aCollection())
    const assertions = Array.from({ length: 5_001 }, (_, n) =>
      anAssertion(`h${n}.taxiway-demo.com`, { validUntil: dayAfterStart(1) }),
    )
    await intake.take([reportOn(assertions)])
    t.same(await sweepAt(t, intake, 2), {
      expired: 5_001,
      refreshed: 0,
      published: 0,
      withdrawn: 5_001,
    })
    t.same(await readLiveBlocks(db), [])
  })
})

t.test('indicators enter and leave a collection when they come to its ages', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const intake = createTestIntake(t, db)
    await intake.settle(
      aCollection({ name: 'settled', rule: { age: { atLeastDays: 2, atMostDays: 5 } } }),
      aCollection({ name: 'fresh', rule: { not: { age: { atLeastDays: 3 } } } }),
    )
    await sweepAt(t, intake, 0)
    const value = 'aged.taxiway-demo.com'
    await intake.take([reportOn([anAssertion(value, { validFrom: start })])])
    const history: string[] = []
    for (const days of [0, 1.999, 2, 2.999, 3, 4.999, 5, 6]) {
      await sweepAt(t, intake, days)
      const held = []
      for (const name of ['settled', 'fresh']) {
        if ((await readLiveValues(db, name)).includes(value)) held.push(name)
      }
      history.push(`${days}: ${held.join(' and ') || 'none'}`)
    }
    t.same(history, [
      '0: fresh',
      '1.999: fresh',
      '2: settled and fresh',
      '2.999: settled and fresh',
      '3: settled',
      '4.999: settled',
      '5: none',
      '6: none',
    ])
  })
})

t.test('an indicator that came of age between two distant sweeps is found', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const intake = createTestIntake(t, db)
    await intake.settle(aCollection({ rule: { age: { atMostDays: 5 } } }))
    await sweepAt(t, intake, 0)
    await intake.take([reportOn([anAssertion('aged.taxiway-demo.com', { validFrom: start })])])
    t.match(await sweepAt(t, intake, 300), { withdrawn: 1 })
  })
})

t.test(
  'after a long time without a sweep, more come of age than fit into a transaction',
  async (t) => {
    await forEachStore(t, async (t, { db }) => {
      const intake = createTestIntake(t, db)
      const rule = {
        any: [{ age: { atMostDays: 5 } }, { age: { atLeastDays: 20, atMostDays: 30 } }],
      }
      await intake.settle(aCollection({ rule }))
      await sweepAt(t, intake, 0)
      // Thousands count from the very same moment, as those of one list do.
      const assertions = Array.from({ length: 5_200 }, (_, n) =>
        anAssertion(`h${n}.taxiway-demo.com`, { validFrom: dayAfterStart(n < 5_100 ? 0 : 1) }),
      )
      await intake.take([reportOn(assertions)])
      t.match(await sweepAt(t, intake, 5.5), { withdrawn: 5_100 })
      t.match(await sweepAt(t, intake, 20.5), { published: 5_100, withdrawn: 100 })
      t.match(await sweepAt(t, intake, 20.6), { published: 0, withdrawn: 0 })
      t.match(await sweepAt(t, intake, 60), { withdrawn: 5_100 })
      t.same(await readLiveBlocks(db), [])
    })
  },
)

t.test('what is taken in while a sweep runs is judged by the later moment', async (t) => {
  const { db } = await openTestStore(t, 'postgresql')
  const intake = createTestIntake(t, db)
  await intake.settle(aCollection({ rule: { age: { atMostDays: 1 } } }))
  await sweepAt(t, intake, 0.5)
  const value = anAssertion('aged.taxiway-demo.com', { validFrom: start })
  const sourceId = await getSourceId(db, 'otx')
  // The writers' lock is held, as by a sweep, until the clock has passed the age.
  intake.now = dayAfterStart(0.999)
  let taking = Promise.resolve()
  await db.transaction().execute(async (trx) => {
    await lockIntake(trx)
    taking = takeIn(intake, { sourceId, reports: [reportOn([value])], rejections: [] })
    const waiting = sql`
      select from pg_locks where locktype = 'advisory' and not granted
        and database = (select oid from pg_database where datname = current_database())`
    while ((await waiting.execute(trx)).rows.length === 0);
    await sql`update feed_clock set swept_until = ${dayAfterStart(1.001)}`.execute(trx)
    intake.now = dayAfterStart(1.001)
  })
  await taking
  await sweepAt(t, intake, 2)
  t.same(await readLiveValues(db, 'all'), [])
})
