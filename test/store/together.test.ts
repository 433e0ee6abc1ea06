import t from 'tap'
import { askTogether } from '../../src/store/together.ts'

/** Statements that end when they are told to. */
function statements() {
  const asked: (readonly string[])[] = []
  const ends: { resolve(): void; reject(error: Error): void }[] = []
  const ask = (questions: readonly string[]) => {
    asked.push(questions)
    return new Promise<readonly string[]>((resolve, reject) => {
      ends.push({ resolve: () => resolve(questions.map((one) => one.toUpperCase())), reject })
    })
  }
  return { asked, ends, ask }
}

const patient = { patienceMs: 60_000 }

t.test('what is asked while a statement is under way goes together in the next', async (t) => {
  const { asked, ends, ask } = statements()
  const answer = askTogether(ask, patient)
  const answers = ['a', 'b', 'c'].map(answer)
  t.strictSame(asked, [['a']], 'the first waits for nobody')
  ends[0]?.resolve()
  t.equal(await answers[0], 'A')
  t.strictSame(asked, [['a'], ['b', 'c']])
  const late = answer('d')
  ends[1]?.resolve()
  t.strictSame(await Promise.all(answers), ['A', 'B', 'C'])
  t.strictSame(asked.at(-1), ['d'], 'asked after the statement before it began')
  ends[2]?.resolve()
  t.equal(await late, 'D')
})

t.test('a statement has at most so many questions', async (t) => {
  const { asked, ends, ask } = statements()
  const answer = askTogether(ask, { ...patient, most: 2 })
  const answers = ['a', 'b', 'c', 'd'].map(answer)
  for (const at of [0, 1, 2]) {
    ends[at]?.resolve()
    await answers[at]
  }
  t.strictSame(asked, [['a'], ['b', 'c'], ['d']])
  t.equal(await answers[3], 'D')
})

t.test('a statement that fails is the failure of those that it answers alone', async (t) => {
  const { ends, ask } = statements()
  const answer = askTogether(ask, patient)
  const [one, two, three] = ['a', 'b', 'c'].map(answer)
  ends[0]?.reject(new Error('the database is away'))
  await t.rejects(one as Promise<string>, { message: 'the database is away' })
  ends[1]?.resolve()
  t.strictSame(await Promise.all([two, three]), ['B', 'C'])
})

t.test('a statement that does not end holds nobody up', async (t) => {
  const { asked, ends, ask } = statements()
  const answer = askTogether(ask, { patienceMs: 1 })
  const stuck = answer('a')
  const others = ['b', 'c'].map(answer)
  while (asked.length < 2) await new Promise((resolve) => setImmediate(resolve))
  ends[1]?.resolve()
  t.strictSame(await Promise.all(others), ['B', 'C'])
  const next = answer('d')
  t.strictSame(asked, [['a'], ['b', 'c'], ['d']])
  ends[2]?.resolve()
  t.equal(await next, 'D')
  ends[0]?.resolve()
  t.equal(await stuck, 'A', 'and is answered when it does')
  const last = ['e', 'f'].map(answer)
  t.strictSame(asked.at(-1), ['e'], 'from then on as before')
  ends[3]?.resolve()
  t.equal(await last[0], 'E')
  ends[4]?.resolve()
  t.equal(await last[1], 'F')
})
