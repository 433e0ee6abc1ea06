import { formatNetwork, type Network } from '../model/address.ts'

export interface NetworkTable {
  /**
   * Finds the narrowest network that holds all of what is asked for, or else the first and broadest one of
   * those inside it.
   * @returns in CIDR notation
   */
  find(asked: Network): string | undefined
}

/** Makes a table of networks of one version. Networks are nested or apart, never half over each other. */
export function createNetworkTable(networks: readonly Network[]): NetworkTable {
  const width = networks[0]?.words.length ?? 1
  const sorted = [...networks].sort(compareNetworks)
  const count = sorted.length
  const words = new Uint32Array(count * width)
  const prefixes = new Uint8Array(count)
  /** the next broader network that holds it; -1: none */
  const parents = new Int32Array(count)
  sorted.forEach((network, i) => {
    words.set(network.words, i * width)
    prefixes[i] = network.prefix
    let parent = i - 1
    while (parent >= 0 && !holds(parent, network)) parent = parents[parent] as number
    parents[i] = parent
  })

  function holds(index: number, { words: asked, prefix }: Network): boolean {
    const bits = prefixes[index] as number
    return bits <= prefix && agree(index, asked, bits)
  }

  /** Whether the first bits are the same. */
  function agree(index: number, asked: readonly number[], bits: number): boolean {
    for (let i = 0; i * 32 < bits; i++) {
      const differing = (words[index * width + i] as number) ^ (asked[i] as number)
      const left = bits - i * 32
      if ((left >= 32 ? differing : differing >>> (32 - left)) !== 0) return false
    }
    return true
  }

  /** The last network that begins at this address or before it; -1: none. */
  function lastUntil(asked: readonly number[]): number {
    let low = 0
    let high = count
    while (low < high) {
      const middle = (low + high) >>> 1
      if (isAfter(middle, asked)) high = middle
      else low = middle + 1
    }
    return low - 1
  }

  function isAfter(index: number, asked: readonly number[]): boolean {
    for (let i = 0; i < width; i++) {
      const own = words[index * width + i] as number
      const other = asked[i] as number
      if (own !== other) return own > other
    }
    return false
  }

  function show(index: number): string {
    const own = Array.from(words.subarray(index * width, (index + 1) * width))
    const prefix = prefixes[index] as number
    const network: Network = { version: width === 1 ? 4 : 6, words: own, prefix }
    return formatNetwork(network)
  }

  return {
    find(asked) {
      const last = lastUntil(asked.words)
      let around = last
      while (around >= 0 && !holds(around, asked)) around = parents[around] as number
      if (around >= 0) return show(around)
      // None of those that begin at the same address holds it, so the first of them lies inside; or else the next.
      let inside = last
      while (inside >= 0 && agree(inside, asked.words, width * 32)) inside -= 1
      inside += 1
      return inside < count && agree(inside, asked.words, asked.prefix) ? show(inside) : undefined
    },
  }
}

function compareNetworks(a: Network, b: Network): number {
  for (let i = 0; i < a.words.length; i++) {
    const difference = (a.words[i] as number) - (b.words[i] as number)
    if (difference !== 0) return difference
  }
  return a.prefix - b.prefix
}
