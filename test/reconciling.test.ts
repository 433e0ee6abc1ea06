import t from 'tap'
import type { Intake } from '../src/intake/intake.ts'
import { reconcileCollections } from '../src/intake/reconcile.ts'
import { sweep } from '../src/intake/sweep.ts'
import { createReconciling, type ReconcilingLog } from '../src/reconciling.ts'
import { countBehind } from '../src/store/collection-access.ts'
import { writeCollection } from '../src/store/collections.ts'
import { acquireLease } from '../src/store/leases.ts'
import { assertSoundFeed, readLiveValues } from './helpers/sound-feed.ts'
import { forEachStore, openTestStore } from './helpers/stores.ts'
import { aCollection, createTestIntake, reportOn } from './intake/reports.ts'

function keepLog(): ReconcilingLog & { readonly lines: string[] } {
  const lines: string[] = []
  return {
    lines,
    info: (_, message) => lines.push(message),
    error: (_, message) => lines.push(`error: ${message}`),
  }
}

const follows = 'the feeds follow their collections'
const domains = ['a.taxiway-demo.com', 'b.taxiway-demo.com']

t.test('the feeds follow what is told, also where another process has the sweep', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const intake = createTestIntake(t, db)
    await intake.take([reportOn(domains)])
    await acquireLease(db, { name: 'sweep', holder: 'another/1' }, 60_000)
    await writeCollection(db, aCollection())
    const log = keepLog()
    const reconciling = createReconciling(intake, log)
    t.equal(await reconciling.settle(), undefined, 'nothing is waited for that was not told')
    t.equal(await countBehind(db), 1)
    t.equal(reconciling.isUnderWay(), false)
    reconciling.follow()
    t.equal(reconciling.isUnderWay(), true)
    await reconciling.settle()
    t.equal(reconciling.isUnderWay(), false)
    t.equal(await countBehind(db), 0)
    t.strictSame(await readLiveValues(db, 'all'), domains)
    t.strictSame(log.lines, [follows])
    await assertSoundFeed(t, db)
  })
})

t.test('what is told many times is done once more after what is under way', async (t) => {
  const { db } = await openTestStore(t, 'postgresql')
  const intake = createTestIntake(t, db)
  await intake.take([reportOn(domains)])
  let atOnce = 0
  let most = 0
  let begun = 0
  const counting: Intake = {
    ...intake,
    fence: async () => {
      begun += 1
      atOnce += 1
      most = Math.max(most, atOnce)
      await db.selectFrom('collections').select('id').execute()
      atOnce -= 1
    },
  }
  const log = keepLog()
  const reconciling = createReconciling(counting, log)
  await writeCollection(db, aCollection({ rule: { tag: 'none' } }))
  reconciling.follow()
  for (let n = 0; n < 50; n += 1) reconciling.follow()
  await writeCollection(db, aCollection())
  reconciling.follow()
  await reconciling.settle()
  t.equal(most, 1, 'one at a time')
  t.ok(begun <= 6, `${begun} transactions`)
  t.equal(await countBehind(db), 0)
  t.strictSame(await readLiveValues(db, 'all'), domains)
})

t.test('a failure stands in the log, and the next that is told begins anew', async (t) => {
  const { db } = await openTestStore(t, 'postgresql')
  const intake = createTestIntake(t, db)
  await intake.take([reportOn(domains)])
  await writeCollection(db, aCollection())
  let broken = true
  const log = keepLog()
  const reconciling = createReconciling(
    {
      ...intake,
      fence: async () => {
        if (broken) throw new Error('the connection broke')
      },
    },
    log,
  )
  reconciling.follow()
  await reconciling.settle()
  t.match(log.lines, [/^error: the feeds do not follow their collections yet/])
  t.equal(await countBehind(db), 1)
  broken = false
  reconciling.follow()
  await reconciling.settle()
  t.equal(log.lines.at(-1), follows)
  t.equal(await countBehind(db), 0)
})

t.test(
  'stopped, it ends after the transaction under way, and the sweep does the rest',
  async (t) => {
    const { db } = await openTestStore(t, 'postgresql')
    const intake = createTestIntake(t, db)
    await intake.take([reportOn(domains)])
    await writeCollection(db, aCollection())
    const log = keepLog()
    let transactions = 0
    const reconciling = createReconciling(
      {
        ...intake,
        fence: async () => {
          transactions += 1
          stopped ??= reconciling.stop()
        },
      },
      log,
    )
    let stopped: Promise<void> | undefined
    reconciling.follow()
    await reconciling.settle()
    await stopped
    t.equal(transactions, 1)
    t.equal(await countBehind(db), 1, 'it is not taken for done')
    reconciling.follow()
    await reconciling.settle()
    t.equal(transactions, 1, 'nothing begins after the end')
    await reconcileCollections(intake)
    t.equal(await countBehind(db), 0)
    t.strictSame(log.lines, [])
  },
)

t.test('the sweep leaves to it what it is at, and finishes what it could not', async (t) => {
  const { db } = await openTestStore(t, 'postgresql')
  const intake = createTestIntake(t, db)
  await intake.take([reportOn(domains)])
  await writeCollection(db, aCollection())
  t.equal((await sweep(intake, { settingsAreFollowed: true })).published, 0)
  t.equal(await countBehind(db), 1)
  t.equal((await sweep(intake)).published, 2)
  t.equal(await countBehind(db), 0)
})
