export interface Random {
  /** a whole number from 0 up to, not with, `below` */
  below(below: number): number
  pick<T>(items: readonly T[]): T
  hex(digits: number): string
  chance(probability: number): boolean
}

/** Numbers that look random and are the same at each run (mulberry32). */
export function createRandom(seed: number): Random {
  let state = seed >>> 0
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const below = (limit: number) => Math.floor(next() * limit)
  return {
    below,
    pick: <T>(items: readonly T[]) => items[below(items.length)] as T,
    hex: (digits) => Array.from({ length: digits }, () => below(16).toString(16)).join(''),
    chance: (probability) => next() < probability,
  }
}
