import { hash } from 'node:crypto'

/** Remembers texts by 48 bits of their digest, and who had them first, in bounded memory. */
export interface Fingerprints {
  /**
   * @param owner a whole number from 1
   * @returns who has it already; undefined: nobody had it, and `owner` has it now, or there is no more room
   */
  claim(text: string, owner: number): number | undefined
  /** What this owner has becomes nobody's. */
  disown(owner: number): void
  /** Not every text could be remembered. */
  readonly full: () => boolean
}

/** @param most texts, of 12 to 24 bytes each */
export function createFingerprints(most = 2_000_000): Fingerprints {
  let slots = 4096
  let keys = new Float64Array(slots)
  let owners = new Uint32Array(slots)
  let count = 0
  let full = false
  const disowned = new Set<number>()

  /** @returns where the key is, or the free place for it */
  function find(key: number): number {
    let at = key % slots
    while (keys[at] !== 0 && keys[at] !== key) at = (at + 1) % slots
    return at
  }

  function grow(): void {
    const [oldKeys, oldOwners] = [keys, owners]
    slots *= 2
    keys = new Float64Array(slots)
    owners = new Uint32Array(slots)
    for (const [index, key] of oldKeys.entries()) {
      if (key === 0) continue
      const at = find(key)
      keys[at] = key
      owners[at] = oldOwners[index] as number
    }
  }

  return {
    claim(text, owner) {
      // 0 marks a free place.
      const key = hash('sha1', text, 'buffer').readUIntBE(0, 6) + 1
      const at = find(key)
      if (keys[at] === key) {
        const had = owners[at] as number
        if (!disowned.has(had)) return had
        owners[at] = owner
        return undefined
      }
      if (count >= most) {
        full = true
        return undefined
      }
      keys[at] = key
      owners[at] = owner
      count += 1
      if (count * 2 > slots) grow()
      return undefined
    },
    disown(owner) {
      disowned.add(owner)
    },
    full: () => full,
  }
}
