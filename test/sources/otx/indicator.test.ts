import t from 'tap'
import {
  indicatorsToAssertions,
  isRejection,
  pulseToReport,
} from '../../../src/sources/otx/pulse.ts'
import { anIndicator, aPulse, options } from './pulses.ts'

const whole = pulseToReport(aPulse(), options)
if (isRejection(whole)) throw new Error(whole.detail)
const { report } = whole
const read = (...items: unknown[]) =>
  indicatorsToAssertions(items, report, { ...options, place: 'pulse x, page 2' })

t.test('indicators that come by themselves are read as those within a pulse', async (t) => {
  t.strictSame(read(anIndicator()), { assertions: whole.assertions, rejections: [] })
})

t.test(
  "OTX's own verdict that an indicator is a false positive is read in every shape",
  async (t) => {
    const refuted = (verdict: unknown) =>
      read(anIndicator({ false_positive: verdict })).assertions[0]?.refuted
    for (const verdict of [
      { assessment: 'accepted', assessment_date: '2026-05-03T00:00:00', report_date: null },
      { assessment: ' Accepted ' },
      [{ assessment: 'rejected' }, { assessment: 'ACCEPTED' }],
    ]) {
      t.equal(refuted(verdict), true, JSON.stringify(verdict))
    }
    for (const verdict of [
      undefined,
      null,
      '',
      'accepted',
      true,
      [],
      {},
      { assessment: '' },
      { assessment: null },
      { assessment: ['accepted'] },
      { assessment: 'rejected' },
      { assessment: 'not accepted' },
      [null, 'accepted', { assessment: 'pending' }],
    ]) {
      t.equal(refuted(verdict), undefined, JSON.stringify(verdict))
    }
  },
)

t.test('what cannot be read is named by where it was met', async (t) => {
  const { assertions, rejections } = read(
    anIndicator(),
    null,
    anIndicator({ id: 7, indicator: ' ' }),
    { ...anIndicator(), id: null, type: 5 },
  )
  t.equal(assertions.length, 1)
  t.match(rejections, [
    { place: 'pulse x, page 2, indicators[1]', reason: 'wrong-shape' },
    { place: 'pulse x, page 2, indicator 7', reason: 'missing-field' },
    { place: 'pulse x, page 2, indicators[3]', reason: 'wrong-shape' },
  ])
})
