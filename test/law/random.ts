/** Numbers from 0 up to but not including 1. */
export type Random = () => number

/** mulberry32: the same numbers for the same seed. */
export function createRandom(seed: number): Random {
  let next = seed
  return () => {
    next = (next + 0x6d2b79f5) | 0
    let mixed = Math.imul(next ^ (next >>> 15), 1 | next)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
