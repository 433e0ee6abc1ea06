const names = [
  'polls',
  'windows',
  'counts only',
  'blocks',
  'parts',
  'replays',
  'broken by the client',
  'broken answers',
  'refused connections',
  'timeouts',
  'status messages',
  'takes',
  'interrupted takes',
  'published',
  'withdrawn',
  'sweeps',
  'recalls',
  'undone recalls',
  'recalls in doubt',
  'kills of servers',
  'kills of publishers',
  'kills of the recaller',
  'kills of the sweeper',
  'stops of servers',
  'stops of writers',
  'outlasted writers',
  'terminated backends',
  'restarts of everything',
] as const

export type Counted = (typeof names)[number]

/** What has happened so far. Actors pace themselves by it: they wait until others have got on. */
export interface Progress {
  readonly counts: Readonly<Record<Counted, number>>
  add(name: Counted, count?: number): void
  /** The first fault ends the run. */
  fail(fault: string): void
  readonly faults: readonly string[]
  /** @param atMostMs goes on then all the same, for what a frozen process may hold up */
  until(condition: () => boolean, atMostMs?: number): Promise<void>
}

export function createProgress(): Progress {
  const counts = Object.fromEntries(names.map((name) => [name, 0])) as Record<Counted, number>
  const faults: string[] = []
  const waiting = new Set<() => void>()
  const look = () => {
    for (const one of waiting) one()
  }
  return {
    counts,
    faults,
    add(name, count = 1) {
      counts[name] += count
      look()
    },
    fail(fault) {
      faults.push(fault)
      look()
    },
    until: (condition, atMostMs) =>
      new Promise((resolve) => {
        const go = () => {
          waiting.delete(check)
          clearTimeout(timer)
          resolve()
        }
        const check = () => {
          if (condition() || faults.length > 0) go()
        }
        const timer = atMostMs === undefined ? undefined : setTimeout(go, atMostMs)
        waiting.add(check)
        check()
      }),
  }
}
