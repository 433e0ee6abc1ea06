import pg from 'pg'

let times: number[] = []
let wrapped = false

/**
 * From now on notes, of every transaction of this process, how long it holds collections' locks: from the
 * first base label, which is the clock just behind the lock, to the answer to its commit.
 */
export function timeLocks(): void {
  times = []
  if (wrapped) return
  wrapped = true
  const gotAt = new WeakMap<object, number>()
  const query = pg.Client.prototype.query as (...args: unknown[]) => unknown
  pg.Client.prototype.query = function (this: object, ...args: unknown[]) {
    const [first] = args
    const text = typeof first === 'string' ? first : (first as { text?: string })?.text
    const answer = query.apply(this, args)
    if (text?.includes('taxiway_publish(') && answer instanceof Promise) {
      return answer.then((result: { rows: { bases: number[] }[] }) => {
        gotAt.set(this, Math.min(...(result.rows[0]?.bases ?? [])) / 1000)
        return result
      })
    }
    if (text === 'commit' && answer instanceof Promise) {
      return answer.then((result) => {
        const got = gotAt.get(this)
        gotAt.delete(this)
        if (got !== undefined) times.push(performance.timeOrigin + performance.now() - got)
        return result
      })
    }
    return answer
  } as never
}

/** What was noted since it was last asked, in ms. */
export function heldMs(): readonly number[] {
  if (times.length === 0) throw new Error('no lock was held: the statements have other names now')
  return times.splice(0)
}
