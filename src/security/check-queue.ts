import { TooManyGuesses } from '../model/errors.ts'

export interface CheckQueue {
  /**
   * Runs a check of a password when its turn has come.
   * @param isKnown whether this name has proved itself from there before
   * @param from what takes turns: the network of a stranger, with the name where it is known
   * @throws TooManyGuesses when too much is waiting
   */
  run<T>(isKnown: boolean, from: string, check: () => Promise<T>): Promise<T>
}

// Each check in flight takes 32 MB and a thread of four.
const maxAtOnce = 2
// A flood of strangers leaves the other place, and the other core, to those who are known.
const maxStrangersAtOnce = 1
const maxStrangersWaiting = 128
const maxKnownWaiting = 512
const retryAfterSeconds = 30

/**
 * Lets checks run a few at a time, in two lanes: those of pairs of name and network that have proved
 * themselves before, and those of strangers, who never take more than one place. In each lane networks take
 * turns, and when it is full, what came last from the one with the most waiting has to go.
 */
export function createCheckQueue(): CheckQueue {
  const known = createLane(maxKnownWaiting)
  const strangers = createLane(maxStrangersWaiting)
  let running = 0
  let strangersRunning = 0

  function takeNext(): (() => Promise<void>) | undefined {
    const mayStranger = strangersRunning < maxStrangersAtOnce
    // One place is theirs as long as any of them waits, and all the others of those who are known.
    const strangersFirst = mayStranger && running === maxAtOnce - 1
    const next = strangersFirst ? (strangers.take() ?? known.take()) : known.take()
    return next ?? (mayStranger ? strangers.take() : undefined)
  }

  function begin(): void {
    while (running < maxAtOnce) {
      const next = takeNext()
      if (!next) return
      running += 1
      void next().finally(() => {
        running -= 1
        begin()
      })
    }
  }

  return {
    run: (isKnown, from, check) =>
      new Promise((resolve, reject) => {
        const work = async () => {
          if (!isKnown) strangersRunning += 1
          try {
            resolve(await check())
          } catch (error) {
            reject(error)
          } finally {
            if (!isKnown) strangersRunning -= 1
          }
        }
        const refuse = () => reject(new TooManyGuesses(retryAfterSeconds))
        ;(isKnown ? known : strangers).add(from, { work, refuse })
        begin()
      }),
  }
}

interface Waiting {
  readonly work: () => Promise<void>
  readonly refuse: () => void
}

/** Who waits, in turns by where they come from. */
function createLane(most: number) {
  // In the order of turns.
  const waiting = new Map<string, Waiting[]>()
  let size = 0

  function makeRoom(own: number): boolean {
    const [longest = '', those = []] = [...waiting].reduce((one, other) =>
      other[1].length > one[1].length ? other : one,
    )
    if (those.length <= own + 1) return false
    those.pop()?.refuse()
    size -= 1
    if (those.length === 0) waiting.delete(longest)
    return true
  }

  return {
    add(from: string, one: Waiting): void {
      const own = waiting.get(from) ?? []
      if (size >= most && !makeRoom(own.length)) {
        one.refuse()
        return
      }
      own.push(one)
      size += 1
      waiting.set(from, own)
    },
    take(): (() => Promise<void>) | undefined {
      const [turn] = waiting
      if (!turn) return undefined
      const [from, those] = turn
      const one = those.shift()
      size -= 1
      waiting.delete(from)
      if (those.length > 0) waiting.set(from, those)
      return one?.work
    },
  }
}
