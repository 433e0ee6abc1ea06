/*
 * A set of a million texts in three typed arrays and one string: a Map of them takes three times the memory
 * and, looked through list by list, hashes each name again. Hashes run from the end of a text to its
 * beginning, so that one pass over a name yields those of all its parents.
 */

// Not to be foreseen by whoever chooses names that pile up in one place.
const seed = Math.trunc(Math.random() * 0x7fffffff)

export function hashText(text: string, start = 0, end = text.length): number {
  let hash = seed
  for (let i = end - 1; i >= start; i--) {
    hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  }
  return finish(hash)
}

/** Hashes a name and each of its parents, the name first. */
export function hashNames(name: string): { readonly starts: number[]; readonly hashes: number[] } {
  const starts: number[] = []
  const hashes: number[] = []
  let hash = seed
  for (let i = name.length - 1; i >= 0; i--) {
    const code = name.charCodeAt(i)
    if (code === 46) {
      starts.push(i + 1)
      hashes.push(finish(hash))
    }
    hash = Math.imul(hash ^ code, 0x01000193)
  }
  starts.push(0)
  hashes.push(finish(hash))
  return { starts: starts.reverse(), hashes: hashes.reverse() }
}

function finish(hash: number): number {
  let mixed = hash ^ (hash >>> 16)
  mixed = Math.imul(mixed, 0x85ebca6b)
  return (mixed ^ (mixed >>> 13)) >>> 0
}

export interface TextTable {
  /**
   * Finds the text that `value` has from `start` on, if it was added with one of these flags.
   * @param hash of that part
   */
  has(value: string, start: number, hash: number, flags: number): boolean
  /** how many texts went in */
  readonly count: number
  forEachHash(work: (hash: number) => void): void
}

/** Makes a table of texts, each with flags; a text that comes again adds its flags. */
export function createTextTable(texts: readonly string[], flagsOf: readonly number[]): TextTable {
  const count = texts.length
  const all = texts.join('')
  const ends = new Uint32Array(count)
  const flags = Uint32Array.from(flagsOf)
  const size = 2 ** Math.max(2, Math.ceil(Math.log2(count * 2)))
  const slots = new Uint32Array(size)
  const anyFlags = flags.reduce((all, one) => all | one, 0)
  let end = 0
  for (let i = 0; i < count; i++) {
    const text = texts[i] as string
    end += text.length
    ends[i] = end
    const slot = findSlot(text, 0, hashText(text))
    const other = slots[slot] as number
    if (other === 0) slots[slot] = i + 1
    else flags[other - 1] = (flags[other - 1] as number) | (flags[i] as number)
  }

  /** Where the text stands or would stand. */
  function findSlot(value: string, start: number, hash: number): number {
    let slot = hash & (size - 1)
    for (let at = slots[slot] as number; at !== 0; at = slots[slot] as number) {
      if (isSame(at - 1, value, start)) return slot
      slot = (slot + 1) & (size - 1)
    }
    return slot
  }

  function isSame(index: number, value: string, start: number): boolean {
    const begin = index === 0 ? 0 : (ends[index - 1] as number)
    const length = (ends[index] as number) - begin
    if (length !== value.length - start) return false
    for (let i = 0; i < length; i++) {
      if (all.charCodeAt(begin + i) !== value.charCodeAt(start + i)) return false
    }
    return true
  }

  return {
    count,
    forEachHash(work) {
      let start = 0
      for (const end of ends) {
        work(hashText(all, start, end))
        start = end
      }
    },
    has(value, start, hash, wanted) {
      if ((anyFlags & wanted) === 0) return false
      const at = slots[findSlot(value, start, hash)] as number
      return at !== 0 && ((flags[at - 1] as number) & wanted) !== 0
    },
  }
}

/**
 * Makes a quick look at several tables at once: false where none of them has a text of this hash. Of those
 * that none has, some three in a hundred pass all the same.
 */
export function createTextFilter(tables: readonly TextTable[]): (hash: number) => boolean {
  const count = tables.reduce((sum, table) => sum + table.count, 0)
  const bits = 2 ** Math.min(28, Math.max(10, Math.ceil(Math.log2(count * 32 + 1))))
  const words = new Uint32Array(bits / 32)
  for (const table of tables) {
    table.forEachHash((hash) => {
      const at = hash & (bits - 1)
      words[at >>> 5] = (words[at >>> 5] as number) | (1 << (at & 31))
    })
  }
  return (hash) => {
    const at = hash & (bits - 1)
    return ((words[at >>> 5] as number) & (1 << (at & 31))) !== 0
  }
}
