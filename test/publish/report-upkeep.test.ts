import { sql } from 'kysely'
import t from 'tap'
import { previewPolicy } from '../../src/intake/preview-policy.ts'
import { previewWarninglists } from '../../src/intake/preview-warninglists.ts'
import { recall } from '../../src/intake/recall.ts'
import { refresh } from '../../src/intake/refresh.ts'
import { findLeftOut } from '../../src/stix/profiles.ts'
import { createAccount } from '../../src/store/accounts.ts'
import type { Db } from '../../src/store/db.ts'
import { readIndicatorStory } from '../../src/store/indicator-story.ts'
import { findNamedIndicators } from '../../src/store/named-indicators.ts'
import { purge } from '../../src/store/purge.ts'
import { describeIndicators, searchIndicators } from '../../src/store/search.ts'
import { assertSoundFeed, findFaults, readLiveChunks } from '../helpers/sound-feed.ts'
import { forEachStore } from '../helpers/stores.ts'
import { day, hour, steerClock } from '../intake/clock.ts'
import { aCollection, createTestIntake, dayAfterStart, reportOn, start } from '../intake/reports.ts'
import { byReports, chunksOf, host, hosts } from './report-chunks.ts'

async function getNamed(db: Db, value: string) {
  const [[one] = []] = await findNamedIndicators(db, [value])
  if (!one) throw new Error(`${value} is not in the store`)
  return one
}

t.test('each chunk comes again before its days are over, and not all at once', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const clock = await steerClock(db)
    const intake = createTestIntake(t, db)
    await intake.settle(byReports({ refreshDays: 10 }), byReports({ name: 'never' }))
    const reports = Array.from({ length: 40 }, (_, n) =>
      reportOn([host(n), host('x')], { externalId: `r${n}` }),
    )
    await intake.take(reports)
    const [before, unrefreshed] = [
      await readLiveChunks(db, 'all'),
      await readLiveChunks(db, 'never'),
    ]
    await clock.advance(6.9 * day)
    t.same(await refresh(intake), { published: 0 }, 'none is due before 70 % of the time')
    const perHour: number[] = []
    for (let hours = 0; hours < 64; hours += 1) {
      await clock.advance(hour)
      perHour.push((await refresh(intake)).published)
    }
    t.equal(
      perHour.reduce((sum, one) => sum + one, 0),
      40,
      'each once',
    )
    t.ok(Math.max(...perHour) <= 4, `at most ${Math.max(...perHour)} an hour`)
    const after = await readLiveChunks(db, 'all')
    const bare = ({ content }: { content: string }) => content.replaceAll(/ timestamp="[^"]+"/g, '')
    t.same(after.map(bare).sort(), before.map(bare).sort(), 'they say what they said')
    t.same(await readLiveChunks(db, 'never'), unrefreshed)
    await assertSoundFeed(t, db)
  })
})

t.test('places in chunks are forgotten once no client can hold what they were for', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const clock = await steerClock(db)
    const intake = createTestIntake(t, db)
    await createAccount(db, 'esa1', 'x', 'reader')
    await intake.settle(byReports())
    await intake.take([reportOn(hosts(3)), reportOn([host(0)], { externalId: 'r2' })])
    await intake.take([reportOn([host(1)]), reportOn([], { externalId: 'r2' })])
    const counts = async () => {
      const { rows } = await sql`
        select (select count(*) from chunks)::integer as chunks,
          (select count(*) from chunk_members)::integer as members,
          (select count(*) from blocks)::integer as blocks,
          (select count(*) from withdrawals)::integer as withdrawals`.execute(db)
      return rows[0]
    }
    const seconds = { resultSetSeconds: 3_600 }
    await purge(db, seconds)
    t.same(await counts(), { chunks: 2, members: 4, blocks: 3, withdrawals: 2 }, 'all may be held')
    await clock.advance(31 * day)
    await sql`update withdrawals set withdrawn_at = now() - interval '31 days'`.execute(db)
    await intake.take([reportOn([host(1)], { name: 'Renamed' })])
    await purge(db, seconds)
    t.same(await counts(), { chunks: 1, members: 1, blocks: 2, withdrawals: 0 })
    t.same(await findFaults(db, { purged: true }), {})
    await intake.take([reportOn([host(1), host(2)]), reportOn([host(0)], { externalId: 'r2' })])
    t.same(await chunksOf(db), [`r1/1: ${host(1)} ${host(2)}`, `r2/1: ${host(0)}`])
  })
})

t.test('an indicator in packages of reports is told as served, and why it is not', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const intake = createTestIntake(t, db)
    await intake.settle(byReports(), aCollection({ name: 'lab', rule: { source: 'lab' } }))
    await intake.take([reportOn([host(1), host(2)]), reportOn([host(1)], { externalId: 'r2' })])
    await intake.take([reportOn([host(2)], { revision: '2' })])
    const told = async (n: number) => {
      const { collections } = await readIndicatorStory(
        db,
        await getNamed(db, host(n)),
        findLeftOut,
        start,
      )
      return collections.find(({ name }) => name === 'all')
    }
    t.match(await told(1), { holds: true, why: [], streams: [{ live: true }] })
    await intake.take([reportOn([], { externalId: 'r2', revision: '2' })])
    t.match(await told(1), {
      holds: false,
      why: [{ kind: 'suppressed' }],
      streams: [{ live: false, withdrawnAt: Date }],
    })
    t.match(await told(2), { holds: true, streams: [{ live: true, blocks: 2, superseded: 1 }] })
    const states = async () => {
      const ids = [(await getNamed(db, host(1))).id, (await getNamed(db, host(2))).id]
      return (await describeIndicators(db, ids)).map((one) => [one.state, ...one.collections])
    }
    t.same(await states(), [['suppressed'], ['served', 'all']])
    const served = { text: { kind: 'any' }, collection: 'all', limit: 9, timeoutMs: 9_000 } as const
    const { found } = await searchIndicators(db, served)
    t.same(
      found.map(({ value }) => value),
      [host(2)],
    )
    const subject = { indicators: [{ type: 'domain', value: host(2) }] } as const
    await recall(intake, { subject, reason: 'a test', by: 'us' })
    t.same(await states(), [['suppressed'], ['withdrawn']])
    t.match(await told(2), { holds: false, why: [{ kind: 'withdrawn' }] })
  })
})

t.test('previews count what packages of reports serve', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const intake = createTestIntake(t, db)
    await intake.settle(byReports({ maxTlp: 'white' }))
    await intake.take([
      reportOn(hosts(3)),
      reportOn([host('amber')], { externalId: 'r2', tlp: 'amber' }),
    ])
    const list = {
      name: 'harmless',
      title: 'Harmless',
      kind: 'string',
      effect: 'block',
      types: ['domain'],
      entries: [host(1), host('amber')],
      digest: '',
    } as const
    t.match(await previewWarninglists(db, [list], start), { indicators: 4, keptOut: 1 })
    intake.now = dayAfterStart(1)
    t.match(await previewPolicy(intake, { ageDays: { domain: 1 } }), { indicators: 4, keptOut: 3 })
  })
})
