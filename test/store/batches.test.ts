import t from 'tap'
import { inBatches } from '../../src/store/batches.ts'

t.test(
  'what is done in batches gives its results in order and lets others have their turn',
  async (t) => {
    const all = Array.from({ length: 1_700 }, (_, n) => n)
    let turns = 0
    let asking = true
    const others = () => {
      turns += 1
      if (asking) setImmediate(others)
    }
    setImmediate(others)
    const seen: number[] = []
    const doubled = await inBatches(all, async (some) => {
      seen.push(turns)
      return some.map((n) => n * 2)
    })
    asking = false
    t.strictSame(
      doubled,
      all.map((n) => n * 2),
    )
    t.equal(seen.length, 4)
    t.equal(new Set(seen).size, 4, 'others had a turn between each two')
  },
)

t.test('what is one batch is one call, of nothing too', async (t) => {
  const calls: number[] = []
  for (const length of [0, 500]) {
    await inBatches(Array.from({ length }), async (some) => {
      calls.push(some.length)
      return []
    })
  }
  t.strictSame(calls, [0, 500])
})
