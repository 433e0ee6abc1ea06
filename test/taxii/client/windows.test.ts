import fc from 'fast-check'
import t from 'tap'
import type { Micros } from '../../../src/model/micros.ts'
import { createFingerprints } from '../../../src/taxii/client/fingerprints.ts'
import { cutWindows, microsPerDay } from '../../../src/taxii/client/windows.ts'

t.test('windows cover the time without a gap and without an overlap', async (t) => {
  const moments = fc.integer({ min: Date.UTC(2000, 0), max: Date.UTC(2100, 0) })
  const micros = fc.integer({ min: 0, max: 999 })
  fc.assert(
    fc.property(
      moments,
      micros,
      fc.integer({ min: 1, max: 365 }),
      fc.option(fc.integer({ min: 1, max: 400 }), { nil: undefined }),
      (ms, rest, age, days) => {
        const now = ms * 1000 + rest
        const windows = cutWindows(now - age * microsPerDay, now, days)
        let at: Micros | undefined = now - age * microsPerDay
        for (const { begin, end } of windows) {
          if (begin !== at || begin === undefined || end === undefined || begin >= end) return false
          if (days !== undefined && end - begin > days * microsPerDay) return false
          at = end
        }
        const most = days === undefined ? 1 : Math.ceil(age / days)
        return at === now && windows.length === most
      },
    ),
    { seed: 20_261_121, numRuns: 1000 },
  )
  t.pass('for every age and segment')
})

t.test('there is no window where nothing lies between', async (t) => {
  t.strictSame(cutWindows(5, 5, 1), [])
  t.strictSame(cutWindows(6, 5, 1), [])
})

t.test('a text is its first owner’s until that one is disowned', async (t) => {
  const { claim, disown, full } = createFingerprints()
  t.equal(claim('a', 1), undefined)
  t.equal(claim('a', 2), 1)
  t.equal(claim('a', 1), 1)
  disown(1)
  t.equal(claim('a', 2), undefined)
  t.equal(claim('a', 3), 2)
  t.notOk(full())
})

t.test('many texts are told apart, and no more are remembered than may be', async (t) => {
  const most = 20_000
  const { claim, full } = createFingerprints(most)
  const texts = Array.from({ length: most }, (_, number) => `text ${number}`)
  t.ok(texts.every((text) => claim(text, 1) === undefined))
  t.notOk(full())
  t.ok(texts.every((text) => claim(text, 2) === 1))
  t.equal(claim('one more', 1), undefined)
  t.equal(claim('one more', 2), undefined, 'it is not remembered')
  t.ok(full())
})
