import t from 'tap'
import { UpstreamError } from '../src/model/errors.ts'
import { askedPauseMs, pauseAfterBreak } from '../src/walk-pause.ts'

const away = new UpstreamError('OTX_UNAVAILABLE', 'OTX answered HTTP 504', true)
const everyMs = 900_000
const busy = (retryAfterMs: unknown) =>
  Object.assign(new UpstreamError('OTX_BUSY', 'fewer', true), { retryAfterMs })

t.test('the pause grows with each break, to that between whole walks and no further', async (t) => {
  const longest = [1, 2, 3, 4, 5, 6, 7, 1000].map((inARow) =>
    pauseAfterBreak(away, inARow, everyMs, 1),
  )
  t.strictSame(longest, [30_000, 60_000, 120_000, 240_000, 480_000, everyMs, everyMs, everyMs])
  t.equal(pauseAfterBreak(away, 1, 10_000, 1), 10_000, 'who polls often is not slowed down')
})

t.test('half of it is chance', async (t) => {
  t.equal(pauseAfterBreak(away, 1, everyMs, 0), 15_000)
  t.equal(pauseAfterBreak(away, 1, everyMs, 0.5), 22_500)
  t.equal(pauseAfterBreak(new Error('a defect'), 2, everyMs, 0), 30_000)
})

t.test('a refused key is not tried more often than a good one', async (t) => {
  const refused = new UpstreamError('OTX_KEY_REFUSED', 'no', false)
  t.equal(pauseAfterBreak(refused, 1, everyMs, 0), everyMs)
})

t.test('OTX is not asked before the time that it named, within a day', async (t) => {
  t.equal(pauseAfterBreak(busy(3_600_000), 1, everyMs, 0), 3_600_000)
  t.equal(pauseAfterBreak(busy(1_000), 1, everyMs, 0), 15_000)
  t.equal(pauseAfterBreak(busy(1e12), 1, everyMs, 0), 86_400_000)
  for (const none of [undefined, null, '60']) t.equal(askedPauseMs(busy(none)), undefined)
  t.equal(askedPauseMs(busy(-5)), 0)
  t.equal(askedPauseMs(away), undefined)
  t.equal(askedPauseMs(new Error('x')), undefined)
})
