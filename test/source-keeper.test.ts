import t from 'tap'
import { type SourceState, untried, waitsUntil } from '../src/model/source-state.ts'
import { createSourceKeeper } from '../src/source-keeper.ts'

const moment = (number: number) => new Date(number)

t.test('what changes faster than it is written is written once, as it was last', async (t) => {
  const written: SourceState[] = []
  const writing: (() => void)[] = []
  const keeper = createSourceKeeper(
    untried,
    (state) => {
      written.push(state)
      return new Promise<void>((resolve) => writing.push(resolve))
    },
    () => t.fail('nothing fails'),
  )
  for (const number of [1, 2, 3]) keeper.set((state) => waitsUntil(state, moment(number)))
  t.strictSame(keeper.state().nextTryAt, moment(3))
  t.strictSame(written, [waitsUntil(untried, moment(1))])
  const settled = keeper.settled()
  writing.shift()?.()
  while (writing.length === 0) await new Promise(setImmediate)
  writing.shift()?.()
  await settled
  t.strictSame(
    written,
    [1, 3].map((number) => waitsUntil(untried, moment(number))),
  )
  await keeper.settled()
})

t.test('a state that cannot be written is told of, and the next one is written', async (t) => {
  const written: SourceState[] = []
  const told: [string, number][] = []
  let away = true
  const keeper = createSourceKeeper(
    untried,
    async (state) => {
      if (away) throw new Error('away')
      written.push(state)
    },
    (error, inARow) => told.push([error.message, inARow]),
  )
  keeper.set((state) => waitsUntil(state, moment(1)))
  await keeper.settled()
  keeper.set((state) => waitsUntil(state, moment(2)))
  await keeper.settled()
  t.strictSame(told, [
    ['away', 1],
    ['away', 2],
  ])
  away = false
  keeper.set((state) => ({ ...state, lastTriedAt: moment(3) }))
  await keeper.settled()
  t.strictSame(written, [{ ...untried, nextTryAt: moment(2), lastTriedAt: moment(3) }])
})
