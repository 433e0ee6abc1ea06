import { sql } from 'kysely'
import t from 'tap'
import type { PolicySettings } from '../../src/curation/policy.ts'
import { addOverride } from '../../src/intake/override.ts'
import { rejudge } from '../../src/intake/rejudge.ts'
import { sweep } from '../../src/intake/sweep.ts'
import { takeIn } from '../../src/intake/take-in.ts'
import type { Db } from '../../src/store/db.ts'
import { raiseJudgingVersion, readJudgingState, writePolicy } from '../../src/store/judging.ts'
import { getSourceId } from '../../src/store/sources.ts'
import { countSuppressions } from '../../src/store/suppressions.ts'
import { assertSoundFeed, readLiveBlocks, readLiveValues } from '../helpers/sound-feed.ts'
import { forEachStore } from '../helpers/stores.ts'
import {
  aCollection,
  anAssertion,
  aWarninglist,
  createTestIntake,
  dayAfterStart,
  reportOn,
  start,
  type TestIntake,
} from './reports.ts'

type T = Parameters<typeof assertSoundFeed>[0]

/** Gives the store this policy, judges anew and holds the feed to its law. */
async function apply(t: T, intake: TestIntake, policy: PolicySettings) {
  await writePolicy(intake.db, policy)
  const done = await rejudge(intake)
  await assertSoundFeed(t, intake.db)
  return done
}

/** All that judging decides, in an order of its own. */
async function readAllVerdicts(db: Db) {
  const { rows } = await sql`
    select i.type, i.value, a.report_id, a.confidence, a.ends_at, a.judge_at, a.suppressed, a.remarks,
      (select json_agg(json_build_array(x.reason, x.rule, x.detail, x.counts) order by x.reason, x.rule)
        from suppressions x where x.assertion_id = a.id) as against
    from assertions a join indicators i on i.id = a.indicator_id
    order by i.type, i.value, a.report_id`.execute(db)
  return rows
}

async function readContents(db: Db) {
  return (await readLiveBlocks(db)).map(({ collection, value }) => `${collection} ${value}`).sort()
}

const young = anAssertion('young.taxiway-demo.com', { validFrom: dayAfterStart(-5) })
const old = anAssertion('old.taxiway-demo.com', { validFrom: dayAfterStart(-50) })
const address = anAssertion('93.184.216.34', { type: 'ipv4', validFrom: dayAfterStart(-5) })
const url = anAssertion('http://files.taxiway-demo.com/a', { type: 'url', validFrom: start })
const network = anAssertion('93.184.216.0/24', { type: 'cidr', validFrom: start })
const hash = anAssertion('0123456789abcdef0123456789abcdef', { type: 'md5', validFrom: start })
const ended = anAssertion('ended.taxiway-demo.com', {
  validFrom: dayAfterStart(-50),
  validUntil: dayAfterStart(50),
})
const all = [young, old, address, url, hash, ended]
const valuesBut = (...left: readonly { readonly value: string }[]) =>
  all
    .filter((one) => !left.includes(one))
    .map(({ value }) => value)
    .sort()

t.test('each change of the policy is followed at once, and back', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const intake = createTestIntake(t, db)
    await intake.settle(aCollection())
    await intake.take([reportOn([...all, network])])
    const before = await readContents(db)
    const verdicts = await readAllVerdicts(db)
    const rows: readonly (readonly [string, PolicySettings, readonly { value: string }[]])[] = [
      ['a shorter age', { ageDays: { domain: 30 } }, [old]],
      ['a shorter age of the source', { sources: { otx: { ageDays: { ipv4: 2 } } } }, [address]],
      ['an age of another source', { sources: { other: { ageDays: { ipv4: 2 } } } }, []],
      ['a domain of our own', { ownDomains: ['files.taxiway-demo.com'] }, [url]],
      ['all below it', { ownDomains: ['taxiway-demo.com'] }, [young, old, url, ended]],
      ['a range of our own', { ownRanges: ['93.184.216.32/30'] }, [address]],
      ['a type held back', { heldBackTypes: ['md5'] }, [hash]],
    ]
    for (const [what, policy, out] of rows) {
      const done = await apply(t, intake, policy)
      t.same(await readLiveValues(db, 'all'), valuesBut(...out), what)
      t.match(done, { withdrawn: out.length }, what)
      await apply(t, intake, {})
      t.same(await readContents(db), before, `${what}, and back`)
      t.same(await readAllVerdicts(db), verdicts, `${what}, and back`)
    }
  })
})

t.test('networks, which no profile publishes yet, are judged all the same', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const intake = createTestIntake(t, db)
    await intake.take([reportOn([network])])
    const against = async () => (await countSuppressions(db)).map(({ reason }) => reason)
    t.same(await against(), [])
    await apply(t, intake, { broadestCidr: { ipv4: 25 }, ownRanges: ['93.184.216.34'] })
    t.same(await against(), ['broad-network', 'own-network'])
    await apply(t, intake, { broadestCidr: { ipv4: 24 } })
    t.same(await against(), [])
  })
})

t.test('a longer age brings back what had aged, and 0 lets nothing age', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const intake = createTestIntake(t, db)
    await intake.settle(aCollection())
    const ancient = anAssertion('ancient.taxiway-demo.com', { validFrom: dayAfterStart(-400) })
    await intake.take([reportOn([ancient, young])])
    t.same(await readLiveValues(db, 'all'), [young.value])
    t.match(await apply(t, intake, { ageDays: { domain: 401 } }), { changed: 2, published: 2 })
    t.same(await readLiveValues(db, 'all'), [ancient.value, young.value])
    const shown = (await readLiveBlocks(db)).find(({ value }) => value === ancient.value)
    t.match(shown?.content, '<indicator:End_Time>2026-06-02T00:00:00Z</indicator:End_Time>')

    intake.now = dayAfterStart(1)
    t.match(await sweep(intake), { expired: 1, withdrawn: 1 }, 'and the longer age counts')
    await apply(t, intake, { ageDays: { domain: 0 } })
    t.same(await readLiveValues(db, 'all'), [ancient.value, young.value])
    t.notMatch((await readLiveBlocks(db)).map(({ content }) => content).join(), 'End_Time')
    await apply(t, intake, {})
    t.same(await readLiveValues(db, 'all'), [young.value])
  })
})

t.test('what comes again with a later date lives again', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const intake = createTestIntake(t, db)
    await intake.settle(aCollection())
    await intake.take([reportOn([young])])
    intake.now = dayAfterStart(85)
    t.match(await sweep(intake), { expired: 1, withdrawn: 1 })
    await intake.take([reportOn([young], { revision: '2' })])
    t.same(await readLiveValues(db, 'all'), [], 'the same again is as old as before')
    const again = anAssertion(young.value, { validFrom: dayAfterStart(80) })
    await intake.take([reportOn([again], { revision: '3' })])
    t.same(await readLiveValues(db, 'all'), [young.value])
    const [block] = await readLiveBlocks(db)
    t.match(block?.content, '<indicator:Start_Time>2026-08-20T00:00:00Z</indicator:Start_Time>')
    t.match(block?.content, '<indicator:End_Time>2026-11-18T00:00:00Z</indicator:End_Time>')
  })
})

t.test('a rule on confidence follows sources, authors and lists', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const intake = createTestIntake(t, db)
    await intake.settle(aCollection({ rule: { confidence: { atLeast: 60 } } }))
    await intake.take([
      reportOn(['a.taxiway-demo.com'], { author: 'Trusted' }),
      reportOn(['b.taxiway-demo.com'], { externalId: 'r2', author: 'Anybody' }),
      reportOn(['c.taxiway-demo.com'], { externalId: 'r3', author: 'constructor' }),
    ])
    const held = async () =>
      (await readLiveValues(db, 'all')).map((value) => value.slice(0, 1)).join('')
    t.equal(await held(), '')
    await apply(t, intake, { sources: { otx: { authors: { Trusted: 90 } } } })
    t.equal(await held(), 'a')
    await apply(t, intake, { sources: { otx: { confidence: 60, authors: { Trusted: 59 } } } })
    t.equal(await held(), 'bc')
    await apply(t, intake, { sources: { otx: { confidence: 80 } } })
    t.equal(await held(), 'abc')
    for (const name of ['one', 'two']) {
      await aWarninglist(db, { name, effect: 'lower', entries: ['b.taxiway-demo.com'] })
    }
    await rejudge(intake)
    t.equal(await held(), 'ac')
    await apply(t, intake, { listedConfidencePercent: 75, sources: { otx: { confidence: 80 } } })
    t.equal(await held(), 'abc', 'two lists lower once')
  })
})

t.test('what is ours is never published, whatever analysts lift', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const intake = createTestIntake(t, db)
    await intake.settle(aCollection())
    await aWarninglist(db, { name: 'known', entries: [young.value] })
    await intake.take([reportOn([young])])
    t.same(await readLiveValues(db, 'all'), [])
    const { rows } = await sql<{ id: number }>`select id from indicators`.execute(db)
    const lift = (reason: string) =>
      addOverride(intake, {
        indicatorIds: rows.map(({ id }) => id),
        reason,
        rule: undefined,
        because: 'seen by ourselves',
        by: 'alice',
        expiresAt: dayAfterStart(100),
      })
    await lift('warninglist')
    t.same(await readLiveValues(db, 'all'), [young.value])
    await apply(t, intake, { ownDomains: ['taxiway-demo.com'] })
    t.same(await readLiveValues(db, 'all'), [])
    await t.rejects(lift('own-network'), { code: 'OVERRIDE_REFUSED' })
    await intake.take([reportOn([young], { revision: '2' })])
    t.same(await readLiveValues(db, 'all'), [])
    await apply(t, intake, {})
    t.same(await readLiveValues(db, 'all'), [young.value], 'and the override still counts')

    await intake.take([reportOn([], { revision: '3' })])
    await apply(t, intake, { ownDomains: ['taxiway-demo.com'] })
    await lift('retracted')
    t.same(await readLiveValues(db, 'all'), [], 'nor what its source no longer says')
  })
})

t.test('an indicator whose age is lifted is shown until the override ends', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const intake = createTestIntake(t, db)
    await intake.settle(aCollection())
    const aged = anAssertion('aged.taxiway-demo.com', { validFrom: dayAfterStart(-100) })
    await intake.take([reportOn([aged])])
    const { rows } = await sql<{ id: number }>`select id from indicators`.execute(db)
    await addOverride(intake, {
      indicatorIds: rows.map(({ id }) => id),
      reason: 'aged',
      rule: undefined,
      because: 'still seen',
      by: 'alice',
      expiresAt: dayAfterStart(7),
    })
    const [block] = await readLiveBlocks(db)
    t.match(block?.content, '<indicator:End_Time>2026-06-08T00:00:00Z</indicator:End_Time>')
    intake.now = dayAfterStart(7)
    t.match(await sweep(intake), { withdrawn: 1 })
  })
})

const many = Array.from({ length: 6_000 }, (_, n) =>
  anAssertion(`h${n}.taxiway-demo.com`, { validFrom: dayAfterStart(-(n % 60)) }),
)
const shorter = { ageDays: { domain: 30 } }

t.test('cut short between two transactions, it goes on where it was', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const intake = createTestIntake(t, db)
    await intake.settle(aCollection())
    await intake.take([reportOn(many)])
    await rejudge(intake)
    await writePolicy(db, shorter)
    const end = new Error('the process ended')
    let judged = 0
    const ended = rejudge(intake, (done) => {
      judged += done.indicators
      throw end
    })
    await t.rejects(ended, end)
    await assertSoundFeed(t, db)
    t.ok(judged > 0 && judged < many.length)
    t.equal((await readJudgingState(db)).judgedThrough, judged)

    const done = await rejudge(intake, ({ indicators }) => {
      judged += indicators
    })
    t.equal(judged, many.length, 'nothing is judged twice')
    t.ok(done.withdrawn > 0)
    await assertSoundFeed(t, db)
    t.equal((await readLiveBlocks(db)).length, many.length / 2)
    t.match(await rejudge(intake), { changed: 0, published: 0, withdrawn: 0 })
    t.match(await sweep(intake), { published: 0, withdrawn: 0 })
  })
})

t.test('told to stop, it ends after the transaction under way', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const intake = createTestIntake(t, db)
    await intake.take([reportOn(many)])
    await writePolicy(db, shorter)
    const stop = new AbortController()
    const batches: number[] = []
    await rejudge({ ...intake, signal: stop.signal }, ({ indicators }) => {
      batches.push(indicators)
      stop.abort()
    })
    t.equal(batches.length, 1)
    await rejudge(intake, ({ indicators }) => {
      batches.push(indicators)
    })
    t.equal(
      batches.reduce((sum, one) => sum + one),
      many.length,
    )
  })
})

t.test('a policy that changes in the middle is followed from the start', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const intake = createTestIntake(t, db)
    await intake.settle(aCollection())
    await intake.take([reportOn(many)])
    await writePolicy(db, { heldBackTypes: ['domain'] })
    let changed: Promise<unknown> | undefined
    await rejudge(intake, () => {
      changed ??= writePolicy(db, shorter)
    })
    await changed
    await rejudge(intake)
    await assertSoundFeed(t, db)
    t.equal((await readLiveBlocks(db)).length, many.length / 2)
    const { version, judgedVersion } = await readJudgingState(db)
    t.equal(judgedVersion, version)
  })
})

t.test('two that judge anew at once share the work', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const [one, other] = [createTestIntake(t, db), createTestIntake(t, db)]
    await one.settle(aCollection())
    await one.take([reportOn(many)])
    await rejudge(one)
    await writePolicy(db, shorter)
    let judged = 0
    const count = ({ indicators }: { readonly indicators: number }) => {
      judged += indicators
    }
    await Promise.all([rejudge(one, count), rejudge(other, count)])
    t.equal(judged, many.length)
    await assertSoundFeed(t, db)
    t.equal((await readLiveBlocks(db)).length, many.length / 2)
  })
})

t.test('taking in meanwhile ends as one after the other does', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const intake = createTestIntake(t, db)
    await intake.settle(aCollection())
    await intake.take([reportOn(many.slice(0, 5_500))])
    await rejudge(intake)
    await writePolicy(db, { ...shorter, ownDomains: ['h7.taxiway-demo.com'] })
    const sourceId = await getSourceId(db, 'otx')
    const next = { revision: '2', modified: start }
    const reports = [
      reportOn(many.slice(200), next),
      reportOn(many.slice(0, 3_000), { externalId: 'r2', author: 'Else' }),
    ]
    // The first takes in by the former policy until it meets the new one; the other begins in its middle.
    const taking = takeIn(intake, { sourceId, reports, rejections: [] })
    await Promise.all([taking, rejudge(intake)])
    await assertSoundFeed(t, db)
    const [verdicts, contents] = [await readAllVerdicts(db), await readContents(db)]

    await raiseJudgingVersion(db)
    t.match(await rejudge(intake), { changed: 0, published: 0, withdrawn: 0 })
    t.same(await readAllVerdicts(db), verdicts)
    t.same(await readContents(db), contents)
    t.ok(contents.length > 2_500 && contents.length < 3_100, `${contents.length}`)
  })
})

t.test('an indicator of many assertions is judged whole', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const intake = createTestIntake(t, db)
    await intake.settle(aCollection())
    const reports = Array.from({ length: 2_600 }, (_, n) =>
      reportOn([young, old], { externalId: `r${n}`, references: [] }),
    )
    await intake.take(reports)
    const batches: number[] = []
    await writePolicy(db, { ownDomains: [young.value] })
    const done = await rejudge(intake, ({ indicators }) => {
      batches.push(indicators)
    })
    t.match(done, { changed: 2_600, withdrawn: 1 })
    t.same(batches, [1, 1, 0])
    t.same(await readLiveValues(db, 'all'), [old.value])
  })
})

t.test('a policy that cannot be read stops judging, and nothing else', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const intake = createTestIntake(t, db)
    await intake.settle(aCollection())
    await intake.take([reportOn([ended, young])])
    for (const wrong of [
      { fromTheFuture: true },
      { ageDays: { domain: 'long' } },
      { ownRanges: ['300.1.1.1'] },
      [],
    ]) {
      await writePolicy(db, wrong)
      const unread = { code: 'JUDGING_UNREADABLE' }
      await t.rejects(rejudge(intake), unread)
      await t.rejects(intake.take([reportOn([old], { externalId: 'r2' })]), unread)
    }
    intake.now = dayAfterStart(51)
    await t.rejects(sweep(intake), { message: /it is no object; .* "taxiway judging apply FILE"/ })
    t.same(await readLiveValues(db, 'all'), [young.value], 'what ends has ended all the same')
    await apply(t, intake, {})
    t.same(await readLiveValues(db, 'all'), [young.value])

    await sql`update judging set rules_version = 999, version = version + 1`.execute(db)
    await t.rejects(rejudge(intake), { message: /a newer Taxiway has judged/ })
  })
})
