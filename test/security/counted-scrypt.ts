import crypto from 'node:crypto'
import { syncBuiltinESMExports } from 'node:module'

/** One call of scrypt: all that its cost depends on. */
export interface ScryptCall {
  readonly password: string
  readonly saltBytes: number
  readonly keyBytes: number
  readonly cost: { readonly N: number; readonly r: number; readonly p: number }
}

export interface CountedScrypt {
  readonly calls: ScryptCall[]
  /** how many ran at once, at most, since it was last set to 0 */
  mostAtOnce: number
  /** computes at the least cost, whatever is asked for and counted */
  cheap: boolean
  /**
   * Calls that begin from now on wait for this, until it is called again with undefined.
   * @param which of them, by their passwords; all where it is not given
   */
  hold(release: Promise<void> | undefined, which?: (password: string) => boolean): void
}

const leastCost = { N: 2, r: 1, p: 1 }

/** Counts the calls of scrypt from here on. Must come before the code under test is imported. */
export function countScrypt(): CountedScrypt {
  const scrypt = crypto.scrypt as (...args: unknown[]) => void
  let held: Promise<void> | undefined
  let isHeld = (_password: string) => true
  let running = 0
  const counted: CountedScrypt = {
    calls: [],
    mostAtOnce: 0,
    cheap: false,
    hold: (release, which = () => true) => {
      held = release
      isHeld = which
    },
  }
  crypto.scrypt = ((...args: unknown[]) => {
    const [password, salt, keyBytes, { N, r, p }, done] = args as [
      string,
      Buffer,
      number,
      ScryptCall['cost'],
      (error: Error | null, key: Buffer) => void,
    ]
    counted.calls.push({ password, saltBytes: salt.length, keyBytes, cost: { N, r, p } })
    running += 1
    counted.mostAtOnce = Math.max(counted.mostAtOnce, running)
    const finish = (error: Error | null, key: Buffer) => {
      running -= 1
      done(error, key)
    }
    const options = counted.cheap ? leastCost : args[3]
    const begin = () => scrypt(...args.slice(0, 3), options, finish)
    if (held && isHeld(password)) held.then(begin)
    else begin()
  }) as never
  syncBuiltinESMExports()
  return counted
}
