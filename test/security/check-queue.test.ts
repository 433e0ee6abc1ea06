import t from 'tap'
import { TooManyGuesses } from '../../src/model/errors.ts'
import { createCheckQueue } from '../../src/security/check-queue.ts'

/** Checks that run until they are let go, and in which order they began. */
function start() {
  const queue = createCheckQueue()
  const begun: string[] = []
  const running = new Map<string, () => void>()
  let refused = 0
  const run = (isKnown: boolean, from: string, label = from) =>
    queue
      .run(isKnown, from, () => {
        begun.push(label)
        return new Promise<void>((resolve) => running.set(label, resolve))
      })
      .catch((error) => {
        if (!(error instanceof TooManyGuesses)) throw error
        refused += 1
      })
  const settle = () => new Promise((resolve) => setImmediate(resolve))
  const end = async (label: string) => {
    running.get(label)?.()
    running.delete(label)
    await settle()
  }
  return {
    begun,
    refused: () => refused,
    stranger: (from: string, label?: string) => void run(false, from, label),
    known: (from: string, label?: string) => void run(true, from, label),
    atOnce: () => running.size,
    end,
    /** Lets go whatever runs, one after the other, until nothing does. */
    async drain() {
      await settle()
      for (;;) {
        const [label] = running.keys()
        if (label === undefined) return
        await end(label)
      }
    },
    settle,
  }
}

t.test('two run at a time, of strangers one', async (t) => {
  const { begun, known, stranger, end, atOnce } = start()
  for (let n = 0; n < 5; n++) stranger('a', `s${n}`)
  t.same(begun, ['s0'])
  for (let n = 0; n < 5; n++) known('k', `k${n}`)
  t.same(begun, ['s0', 'k0'])
  await end('k0')
  t.same(begun, ['s0', 'k0', 'k1'])
  await end('s0')
  t.same(begun, ['s0', 'k0', 'k1', 's1'], 'and that one is theirs')
  t.equal(atOnce(), 2)
})

t.test('those who are known use both places while no stranger waits', async (t) => {
  const { begun, known, stranger, end, drain } = start()
  for (let n = 0; n < 4; n++) known('k', `k${n}`)
  t.same(begun, ['k0', 'k1'])
  stranger('a', 's0')
  await end('k0')
  t.same(begun, ['k0', 'k1', 's0'])
  await drain()
  t.same(begun.toSorted(), ['k0', 'k1', 'k2', 'k3', 's0'])
})

t.test('however many strangers there are, who is known has the next place', async (t) => {
  const { begun, known, stranger } = start()
  for (let n = 0; n < 5_000; n++) stranger(`address ${n % 500}`, `s${n}`)
  known('k')
  t.same(begun, ['s0', 'k'])
})

t.test('networks take turns', async (t) => {
  const { begun, stranger, drain } = start()
  for (let n = 0; n < 20; n++) stranger('a', `a${n}`)
  stranger('b', 'b0')
  stranger('c', 'c0')
  stranger('b', 'b1')
  await drain()
  t.same(begun.slice(0, 7), ['a0', 'a1', 'b0', 'c0', 'a2', 'b1', 'a3'])
  t.equal(begun.length, 23)
})

t.test('a full lane makes room for whoever has less in it', async (t) => {
  const { begun, stranger, drain, refused, settle } = start()
  for (let n = 0; n < 400; n++) stranger('a', `a${n}`)
  await settle()
  t.equal(refused(), 400 - 129, 'one runs, 128 wait')
  stranger('b', 'b0')
  stranger('b', 'b1')
  await settle()
  t.equal(refused(), 400 - 129 + 2, 'two of the first had to go')
  await drain()
  t.same(begun.slice(0, 4), ['a0', 'a1', 'b0', 'a2'])
  t.notOk(begun.includes('a128'), 'those that came last')
  t.equal(begun.length, 129)
})

t.test('when everybody in a full lane has one, the next is refused', async (t) => {
  const { stranger, drain, refused, settle, begun } = start()
  for (let n = 0; n < 129; n++) stranger(`address ${n}`)
  await settle()
  t.equal(refused(), 0)
  stranger('another')
  await settle()
  t.equal(refused(), 1)
  await drain()
  t.equal(begun.length, 129)
})

t.test('the lane of those who are known has an end, too', async (t) => {
  const { known, refused, settle } = start()
  for (let n = 0; n < 1_000; n++) known('k', `k${n}`)
  await settle()
  t.equal(refused(), 1_000 - 2 - 512)
})

t.test('a check that fails passes its error on and gives its place back', async (t) => {
  const queue = createCheckQueue()
  for (let n = 0; n < 5; n++) {
    const failing = () => Promise.reject(new Error('a defect'))
    await t.rejects(queue.run(n % 2 === 0, 'a', failing), /a defect/)
  }
  t.equal(await queue.run(true, 'a', async () => 7), 7)
  t.equal(await queue.run(false, 'a', async () => 8), 8)
})
