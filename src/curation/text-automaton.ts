/**
 * Finds which of many texts occur in another, in one pass over it (Aho and Corasick, 1975): what a value
 * costs depends on its length alone, not on how many texts there are nor on how an attacker repeats them.
 */
export interface TextAutomaton {
  /**
   * Tells of the longest text that ends at each place of `value`.
   * @param onFound is given its index and where it ends; `false` stops the search
   */
  search(value: string, onFound: (index: number, end: number) => void): void
  /** The texts with which `value` ends, the longest first. */
  findAtEnd(value: string): readonly number[]
}

/** @param texts none of them empty; of equal ones the first is found */
export function createTextAutomaton(texts: readonly string[]): TextAutomaton {
  const most = texts.reduce((sum, text) => sum + text.length, 1)
  const size = 2 ** Math.ceil(Math.log2(most * 2))
  const slotNodes = new Int32Array(size).fill(-1)
  const slotCodes = new Uint16Array(size)
  const slotTargets = new Int32Array(size)
  /** which text ends at the node; -1: none */
  const ends = new Int32Array(most).fill(-1)
  const parents = new Int32Array(most)
  const codes = new Uint16Array(most)
  let nodes = 1
  texts.forEach((text, index) => {
    let node = 0
    for (let i = 0; i < text.length; i++) node = grow(node, text.charCodeAt(i))
    if (ends[node] === -1) ends[node] = index
  })
  // The node of the longest proper end of what leads to a node, and the nearest such where a text ends.
  const fails = new Int32Array(nodes)
  const shorter = new Int32Array(nodes).fill(-1)
  for (const node of breadthFirst()) {
    const parent = parents[node] as number
    const fail = parent === 0 ? 0 : step(fails[parent] as number, codes[node] as number)
    fails[node] = fail
    shorter[node] = ends[fail] === -1 ? (shorter[fail] as number) : fail
  }

  function findSlot(node: number, code: number): number {
    let slot = Math.imul(node ^ Math.imul(code, 0x9e3779b1), 0x85ebca6b) >>> 0
    slot = (slot ^ (slot >>> 15)) & (size - 1)
    while (slotNodes[slot] !== -1 && (slotNodes[slot] !== node || slotCodes[slot] !== code)) {
      slot = (slot + 1) & (size - 1)
    }
    return slot
  }

  function grow(node: number, code: number): number {
    const slot = findSlot(node, code)
    if (slotNodes[slot] === -1) {
      slotNodes[slot] = node
      slotCodes[slot] = code
      slotTargets[slot] = nodes
      parents[nodes] = node
      codes[nodes] = code
      nodes += 1
    }
    return slotTargets[slot] as number
  }

  function step(from: number, code: number): number {
    for (let node = from; ; node = fails[node] as number) {
      const slot = findSlot(node, code)
      if (slotNodes[slot] !== -1) return slotTargets[slot] as number
      if (node === 0) return 0
    }
  }

  /** All nodes but the root, those of shorter texts first. A node's number is above its parent's. */
  function breadthFirst(): Int32Array {
    const depths = new Uint32Array(nodes)
    let deepest = 0
    for (let node = 1; node < nodes; node++) {
      const depth = (depths[parents[node] as number] as number) + 1
      depths[node] = depth
      deepest = Math.max(deepest, depth)
    }
    const places = new Uint32Array(deepest + 2)
    for (let node = 1; node < nodes; node++) {
      const next = (depths[node] as number) + 1
      places[next] = (places[next] as number) + 1
    }
    for (let depth = 1; depth < places.length; depth++) {
      places[depth] = (places[depth] as number) + (places[depth - 1] as number)
    }
    const order = new Int32Array(nodes - 1)
    for (let node = 1; node < nodes; node++) {
      const depth = depths[node] as number
      order[places[depth] as number] = node
      places[depth] = (places[depth] as number) + 1
    }
    return order
  }

  return {
    search(value, onFound) {
      let node = 0
      for (let i = 0; i < value.length; i++) {
        node = step(node, value.charCodeAt(i))
        const longest = ends[node] === -1 ? (shorter[node] as number) : node
        if (longest > 0) onFound(ends[longest] as number, i + 1)
      }
    },
    findAtEnd(value) {
      let node = 0
      for (let i = 0; i < value.length; i++) node = step(node, value.charCodeAt(i))
      const found: number[] = []
      if (ends[node] === -1) node = shorter[node] as number
      for (; node > 0; node = shorter[node] as number) found.push(ends[node] as number)
      return found
    },
  }
}
