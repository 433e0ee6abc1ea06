import { type Needle, shortestNeedle } from './needles.ts'

export interface Hit {
  readonly at: number
  readonly needle: Needle
}

// Four bytes are hashed into this many places; thousands of needles fill a small part of them.
const places = 1 << 22
const block = 4

/**
 * Makes a search for all needles in one pass, which looks at every eighth byte or so where nothing is
 * found (the algorithm of Wu and Manber).
 */
export function createFind(needles: readonly Needle[]): (text: Buffer) => Generator<Hit> {
  const farthest = shortestNeedle - block + 1
  const shifts = new Uint8Array(places).fill(farthest)
  const ending = new Map<number, Needle[]>()
  for (const needle of needles) {
    for (let end = block; end <= shortestNeedle; end++) {
      const place = hash(needle.bytes, end)
      shifts[place] = Math.min(Number(shifts[place]), shortestNeedle - end)
      if (end < shortestNeedle) continue
      const others = ending.get(place)
      if (others) others.push(needle)
      else ending.set(place, [needle])
    }
  }
  return function* find(text) {
    let end = shortestNeedle
    while (end <= text.length) {
      const place = hash(text, end)
      const shift = shifts[place] as number
      if (shift > 0) {
        end += shift
        continue
      }
      const at = end - shortestNeedle
      for (const needle of ending.get(place) ?? []) {
        const { length } = needle.bytes
        if (at + length > text.length) continue
        if (text.compare(needle.bytes, 0, length, at, at + length) === 0) yield { at, needle }
      }
      end += 1
    }
  }
}

/** Of the four bytes before `end`. */
function hash(bytes: Buffer, end: number): number {
  const four =
    ((bytes[end - 4] as number) << 24) |
    ((bytes[end - 3] as number) << 16) |
    ((bytes[end - 2] as number) << 8) |
    (bytes[end - 1] as number)
  return Math.imul(four, 0x9e3779b1) >>> 10
}
