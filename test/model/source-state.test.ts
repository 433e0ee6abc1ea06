import t from 'tap'
import {
  statusOf,
  troubleMet,
  untried,
  waitsUntil,
  walkBegan,
  walkBroke,
  walkWasWhole,
  walkWentOn,
} from '../../src/model/source-state.ts'

const minute = (number: number) => new Date(Date.UTC(2026, 5, 1, 0, number))
const problem = (number: number, code = 'OTX_UNAVAILABLE') => ({
  code,
  message: 'OTX answered HTTP 504',
  at: minute(number),
})

t.test('a source is never walked until a walk was whole, and then well', async (t) => {
  t.equal(statusOf(untried), 'never walked')
  const begun = walkBegan(untried, minute(1))
  t.equal(statusOf(begun), 'never walked')
  t.strictSame(begun.walk, { since: minute(1), underWay: true })
  const whole = walkWasWhole(begun, [], minute(2))
  t.equal(statusOf(whole), 'ok')
  t.match(whole, { lastWholeWalkAt: minute(2), lastTriedAt: minute(2), walk: undefined })
  t.strictSame(waitsUntil(whole, minute(17)).nextTryAt, minute(17))
  t.equal(walkBegan(waitsUntil(whole, minute(17)), minute(17)).nextTryAt, undefined)
})

t.test('a retry makes it degraded at once, and says when it is asked again', async (t) => {
  const state = troubleMet(walkBegan(untried, minute(1)), problem(2), minute(3))
  t.equal(statusOf(state), 'degraded')
  t.match(state, {
    problems: [problem(2)],
    degradedSince: minute(2),
    lastTriedAt: minute(2),
    nextTryAt: minute(3),
    walk: { underWay: true },
  })
  const on = walkWentOn(state, minute(4))
  t.equal(statusOf(on), 'degraded', 'an answer ends no trouble before the walk is whole')
  t.match(on, { nextTryAt: undefined, degradedSince: minute(2), problems: [problem(2)] })
})

t.test('degraded since is the first moment, until a walk is whole without problems', async (t) => {
  let state = walkWasWhole(walkBegan(untried, minute(0)), [], minute(1))
  state = troubleMet(walkBegan(state, minute(2)), problem(3), minute(4))
  state = walkBroke(state, problem(5), undefined)
  t.match(state, { walk: { underWay: false }, nextTryAt: undefined, notBefore: undefined })
  state = walkBroke(walkBegan(state, minute(6)), problem(7, 'OTX_TIMEOUT'), minute(60))
  t.match(state, { problems: [problem(7, 'OTX_TIMEOUT')], notBefore: minute(60) })
  t.equal(state.problems.length, 1, 'what was wrong before is not what is wrong now')
  t.strictSame(state.lastWholeWalkAt, minute(1))
  state = walkWasWhole(walkBegan(state, minute(60)), [problem(61, 'OTX_BUSY')], minute(61))
  t.equal(statusOf(state), 'degraded', 'whole, but not without problems')
  t.match(state, { degradedSince: minute(3), lastWholeWalkAt: minute(61), notBefore: undefined })
  state = walkWasWhole(walkBegan(state, minute(62)), [], minute(63))
  t.equal(statusOf(state), 'ok')
  t.match(state, { degradedSince: undefined, problems: [] })
  state = walkWasWhole(walkBegan(state, minute(64)), [problem(65)], minute(65))
  t.strictSame(state.degradedSince, minute(65), 'the next trouble has a beginning of its own')
})
