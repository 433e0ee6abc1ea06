import t from 'tap'
import { type Reason, reasonNames } from '../../src/curation/reasons.ts'
import { removeReports } from '../../src/intake/remove-reports.ts'
import type { Assertion } from '../../src/model/assertion.ts'
import type { ReportWithAssertions } from '../../src/model/report.ts'
import { writePolicy } from '../../src/store/judging.ts'
import { getSourceId } from '../../src/store/sources.ts'
import {
  countAssertions,
  countSuppressions,
  readSuppressions,
} from '../../src/store/suppressions.ts'
import { readLiveValues } from '../helpers/sound-feed.ts'
import { forEachStore } from '../helpers/stores.ts'
import {
  aCollection,
  anAssertion,
  aWarninglist,
  createTestIntake,
  dayAfterStart,
  reportOn,
} from './reports.ts'

const good = 'c2.taxiway-demo.com'

/** For each reason an assertion that it, and it alone, keeps out. */
const suppressed: Readonly<
  Record<Exclude<Reason, 'not-public' | 'retracted' | 'gone'>, Assertion>
> = {
  'unknown-type': anAssertion('anything', { type: 'Horoscope' }),
  syntax: anAssertion('not a domain'),
  'held-back-type': anAssertion('0123456789abcdef0123456789abcdef', { type: 'ja3' }),
  'private-address': anAssertion('192.168.1.1', { type: 'ipv4', validFrom: dayAfterStart(-1) }),
  'reserved-address': anAssertion('224.0.0.1', { type: 'ipv4', validFrom: dayAfterStart(-1) }),
  'reserved-domain': anAssertion('host.example'),
  'public-suffix': anAssertion('co.uk'),
  'empty-file-hash': anAssertion('d41d8cd98f00b204e9800998ecf8427e', { type: 'md5' }),
  eicar: anAssertion('44d88612fea8a8f36de82e1278abb02f', { type: 'md5' }),
  'broad-network': anAssertion('93.184.0.0/16', { type: 'cidr', validFrom: dayAfterStart(-1) }),
  'own-network': anAssertion('www.our-own-demo.com'),
  warninglist: anAssertion('listed.taxiway-demo.com'),
  inactive: anAssertion('off.taxiway-demo.com', { active: false }),
  refuted: anAssertion('refuted.taxiway-demo.com', { refuted: true }),
  expired: anAssertion('over.taxiway-demo.com', { validUntil: dayAfterStart(-1) }),
  aged: anAssertion('aged.taxiway-demo.com', { validFrom: dayAfterStart(-91) }),
}

t.test('every reason keeps out what it should, and is recorded with rule and detail', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const intake = createTestIntake(t, db)
    await writePolicy(db, { ownDomains: ['our-own-demo.com'] })
    await aWarninglist(db, { entries: ['listed.taxiway-demo.com'] })
    await intake.settle(
      aCollection({ maxTlp: 'red' }),
      aCollection({ name: 'inner', maxTlp: 'red', nonPublic: true }),
    )
    const retracting = (values: readonly string[], revision: string): ReportWithAssertions =>
      reportOn(values, { externalId: 'retracting', revision })
    const taken = await intake.take([
      reportOn([good, ...Object.values(suppressed)], { name: 'Mixed' }),
      reportOn(['inner.taxiway-demo.com'], { externalId: 'private', public: false }),
      retracting(['taken-back.taxiway-demo.com'], '1'),
      reportOn(['gone.taxiway-demo.com'], { externalId: 'deleted' }),
    ])
    // In both collections the good one, the one taken back and the one gone, and in one what is not public.
    t.match(taken, { suppressed: Object.keys(suppressed).length, published: 3 * 2 + 1 })
    await intake.take([retracting([], '2')])
    const sourceId = await getSourceId(db, 'otx')
    await removeReports(intake, sourceId, ['deleted'], 'deleted')

    t.same(await readLiveValues(db, 'all'), [good])
    t.same(await readLiveValues(db, 'inner'), [good, 'inner.taxiway-demo.com'])
    const counts = await countSuppressions(db)
    t.same(new Set(counts.map(({ reason }) => reason)), new Set(reasonNames))
    for (const { reason, assertions } of counts) t.equal(assertions, 1, reason)

    const recorded = await readSuppressions(db, { reason: undefined, limit: 100 })
    t.equal(recorded.length, reasonNames.length)
    for (const one of recorded) {
      t.match(one, { source: 'otx', rule: /^[a-z-]+:\S/, detail: /\S/ }, one.reason)
    }
    for (const [reason, { type, value }] of Object.entries(suppressed)) {
      const found = await readSuppressions(db, { reason, limit: 100 })
      t.match(found, [{ type, value, reason, report: 'Mixed' }], reason)
    }
    t.same(await readSuppressions(db, { reason: undefined, limit: 3 }), recorded.slice(0, 3))
  })
})

t.test('an assertion against which much speaks has all of it recorded', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const intake = createTestIntake(t, db)
    const off = { active: false, validUntil: dayAfterStart(-1) }
    await intake.take([
      reportOn([anAssertion('10.0.0.1', { type: 'ipv4', ...off })], { public: false }),
    ])
    const reasons = (await countSuppressions(db)).map(({ reason }) => reason)
    t.same(reasons, ['expired', 'inactive', 'not-public', 'private-address'])
    t.same(await countAssertions(db), [
      { type: 'ipv4', indicators: 1, assertions: 1, surviving: 0 },
    ])
  })
})

t.test('what no longer speaks against an assertion is forgotten', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const intake = createTestIntake(t, db)
    await intake.settle(aCollection())
    await intake.take([reportOn([anAssertion(good, { active: false })])])
    t.same(await countSuppressions(db), [{ reason: 'inactive', assertions: 1 }])
    await intake.take([reportOn([anAssertion(good, { active: true })])])
    t.same(await countSuppressions(db), [])
    t.same(await readLiveValues(db, 'all'), [good])
  })
})
