/** Answers each question as `ask` does for the questions that it is given, in their order. */
export type Ask<Question, Answer> = (question: Question) => Promise<Answer>

export interface TogetherOptions {
  /** at most so many in one */
  readonly most?: number
  /** so long those who wait are patient with the one that is under way */
  readonly patienceMs?: number
}

interface Waiting<Question, Answer> {
  readonly question: Question
  readonly resolve: (answer: Answer) => void
  readonly reject: (error: unknown) => void
}

/**
 * Has questions that come in while a statement is under way answered by one statement: the next. Each is asked
 * after it came in, so that it is answered by what was committed until then, and one that comes alone waits for
 * nobody. A statement that takes long, because its connection is dead or it waits for a lock, holds nobody up
 * for longer than the patience: the next then goes beside it.
 * @param ask one answer to each question, in their order; when it throws, each of them is answered so
 */
export function askTogether<Question, Answer>(
  ask: (questions: readonly Question[]) => Promise<readonly Answer[]>,
  { most = 100, patienceMs = 50 }: TogetherOptions = {},
): Ask<Question, Answer> {
  const waiting: Waiting<Question, Answer>[] = []
  let underWay = 0

  function next(): void {
    const batch = waiting.splice(0, most)
    underWay += 1
    const late = setTimeout(leave, patienceMs)
    const end = () => {
      clearTimeout(late)
      leave()
    }
    let left = false
    function leave(): void {
      if (left) return
      left = true
      underWay -= 1
      if (waiting.length > 0) next()
    }
    ask(batch.map(({ question }) => question)).then(
      (answers) => {
        end()
        for (const [at, { resolve }] of batch.entries()) resolve(answers[at] as Answer)
      },
      (error: unknown) => {
        end()
        for (const { reject } of batch) reject(error)
      },
    )
  }

  return (question) =>
    new Promise((resolve, reject) => {
      waiting.push({ question, resolve, reject })
      if (underWay === 0) next()
    })
}
