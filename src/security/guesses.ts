import { LRUCache } from 'lru-cache'
import { TooManyGuesses } from '../model/errors.ts'

export interface Guesses {
  /** @throws TooManyGuesses while guesses of this name from this network are slowed */
  checkPair(network: string, name: string): void
  /** @throws TooManyGuesses while this network is slowed, whatever the name */
  checkNetwork(network: string): void
  /**
   * Counts a wrong proof.
   * @param digest of what was given: the same one again is no new guess of the network's
   */
  wrong(network: string, name: string, digest: Uint8Array): void
  /** What this pair guessed wrong before is forgiven: its proof was right. */
  right(network: string, name: string): void
}

interface Tally {
  wrong: number
  pausedUntil: number
  forgetAt: number
  lastDigest?: Uint8Array
}

/** What one guesses wrong by mistake: a password that is typed, and one that was changed. */
const freePerPair = 10
/** One address may be a whole site behind a NAT. */
const freePerNetwork = 100
const firstPauseMs = 1_000
const longestPauseMs = 900_000
const forgetMs = 3_600_000
// At most some 10 MB each. What is forgotten for want of room has been quiet for longest.
const mostPairs = 20_000
const mostNetworks = 20_000

/**
 * Counts wrong proofs for each pair of a network and a name, and for each network over all names. Ten of a
 * pair, or a hundred of a network, are free; each further one doubles a pause, from 1 s to 15 min, in which
 * nothing of it is checked. A quiet hour ends it, and for a pair a right proof does, too.
 *
 * It counts in memory: of several processes behind a balancer each counts for itself, so that a guesser has
 * as many free ones as there are processes, and a restart forgets all.
 */
export function createGuesses(now: () => number): Guesses {
  const pairs = new LRUCache<string, Tally>({ max: mostPairs })
  const networks = new LRUCache<string, Tally>({ max: mostNetworks })
  // No network holds a blank.
  const pairOf = (network: string, name: string) => `${network} ${name}`

  const find = (tallies: LRUCache<string, Tally>, key: string): Tally | undefined => {
    const tally = tallies.get(key)
    return tally && tally.forgetAt > now() ? tally : undefined
  }
  const check = (tally: Tally | undefined) => {
    const leftMs = (tally?.pausedUntil ?? 0) - now()
    if (leftMs > 0) throw new TooManyGuesses(Math.ceil(leftMs / 1_000))
  }
  const count = (tallies: LRUCache<string, Tally>, key: string, free: number): Tally => {
    const tally = find(tallies, key) ?? { wrong: 0, pausedUntil: 0, forgetAt: 0 }
    tally.wrong += 1
    tally.forgetAt = now() + forgetMs
    const further = tally.wrong - free
    if (further > 0) {
      tally.pausedUntil = now() + Math.min(firstPauseMs * 2 ** (further - 1), longestPauseMs)
    }
    tallies.set(key, tally)
    return tally
  }

  return {
    checkPair: (network, name) => check(find(pairs, pairOf(network, name))),
    checkNetwork: (network) => check(find(networks, network)),
    wrong(network, name, digest) {
      const tally = count(pairs, pairOf(network, name), freePerPair)
      const isNew = !tally.lastDigest || Buffer.compare(tally.lastDigest, digest) !== 0
      tally.lastDigest = digest
      // A device that goes on with an old password must not slow those beside it.
      if (isNew) count(networks, network, freePerNetwork)
    },
    right(network, name) {
      pairs.delete(pairOf(network, name))
    },
  }
}
