/**
 * An IP address or a network as 32-bit words, one for IPv4 and four for IPv6.
 * Plain numbers, because 200,000 addresses a run are read, compared and written again.
 */
export interface Network {
  readonly version: 4 | 6
  /** host bits are zero */
  readonly words: readonly number[]
  /** 32 or 128 for one address */
  readonly prefix: number
}

/**
 * Reads strict dotted decimal. Octets with a leading zero are refused: some readers take them for
 * octal, so that two machines would block two addresses. So are 127.1 and 0x7f000001.
 */
export function parseIpv4(text: string): number | undefined {
  if (text.length < 7 || text.length > 15) return undefined
  let address = 0
  let octet = -1
  let octets = 0
  for (let i = 0; i <= text.length; i++) {
    const code = i < text.length ? text.charCodeAt(i) : 46
    if (code === 46) {
      if (octet < 0 || octet > 255) return undefined
      address = address * 256 + octet
      octets++
      octet = -1
    } else {
      if (code < 48 || code > 57 || octet === 0) return undefined
      octet = octet < 0 ? code - 48 : octet * 10 + (code - 48)
    }
  }
  return octets === 4 ? address : undefined
}

/** Reads any text form of RFC 4291 section 2.2; zone ids are refused, since they mean one machine's links. */
export function parseIpv6(text: string): readonly number[] | undefined {
  if (text.length < 2 || text.length > 45) return undefined
  const gap = text.indexOf('::')
  const head = gap < 0 ? text : text.slice(0, gap)
  const tail = gap < 0 ? '' : text.slice(gap + 2)
  const groups: number[] = []
  if (!readGroups(head, groups, gap < 0)) return undefined
  const before = groups.length
  if (!readGroups(tail, groups, true)) return undefined
  if (gap < 0 ? groups.length !== 8 : groups.length > 7) return undefined
  const zeros = 8 - groups.length
  const group = (i: number): number => {
    if (i < before) return groups[i] as number
    return i < before + zeros ? 0 : (groups[i - zeros] as number)
  }
  return [0, 2, 4, 6].map((i) => group(i) * 0x10000 + group(i + 1))
}

const hexGroup = /^[0-9a-f]{1,4}$/i

function readGroups(text: string, groups: number[], dottedEnd: boolean): boolean {
  if (text === '') return true
  const parts = text.split(':')
  if (parts.length > 8) return false
  for (const [i, part] of parts.entries()) {
    if (hexGroup.test(part)) {
      groups.push(Number.parseInt(part, 16))
      continue
    }
    const quad = dottedEnd && i === parts.length - 1 ? parseIpv4(part) : undefined
    if (quad === undefined) return false
    groups.push(quad >>> 16, quad & 0xffff)
  }
  return true
}

export function formatIpv4(address: number): string {
  return `${address >>> 24}.${(address >>> 16) & 255}.${(address >>> 8) & 255}.${address & 255}`
}

/** Writes as RFC 5952 says: lower case, no leading zeros, the first longest run of zeros as `::`. */
export function formatIpv6(words: readonly number[]): string {
  const groups = words.flatMap((word) => [word >>> 16, word & 0xffff])
  let start = -1
  let length = 1
  for (let i = 0; i < 8; i++) {
    let end = i
    while (end < 8 && groups[end] === 0) end++
    if (end - i > length) {
      start = i
      length = end - i
    }
    if (end > i) i = end
  }
  const hex = groups.map((group) => group.toString(16))
  if (start < 0) return hex.join(':')
  return `${hex.slice(0, start).join(':')}::${hex.slice(start + length).join(':')}`
}

const decimalPrefix = /^(?:0|[1-9]\d{0,2})$/

/**
 * Reads an address or a network in CIDR notation; clears a network's host bits and turns
 * IPv4-mapped IPv6 (::ffff:a.b.c.d) into the IPv4 that it stands for.
 */
export function parseNetwork(text: string): Network | undefined {
  const slash = text.indexOf('/')
  const address = slash < 0 ? text : text.slice(0, slash)
  const v4 = parseIpv4(address)
  const v6 = v4 === undefined ? parseIpv6(address) : undefined
  const words = v4 === undefined ? v6 : [v4]
  if (!words) return undefined
  const bits = words.length * 32
  if (slash < 0) return unmapped({ version: v4 === undefined ? 6 : 4, words, prefix: bits })
  const length = text.slice(slash + 1)
  if (!decimalPrefix.test(length) || Number(length) > bits) return undefined
  const prefix = Number(length)
  const network = words.map((word, i) => (word & wordMask(prefix - i * 32)) >>> 0)
  return unmapped({ version: v4 === undefined ? 6 : 4, words: network, prefix })
}

function unmapped(network: Network): Network {
  const { version, words, prefix } = network
  const mapped = version === 6 && words[0] === 0 && words[1] === 0 && words[2] === 0xffff
  if (!mapped || prefix < 96) return network
  return { version: 4, words: [words[3] as number], prefix: prefix - 96 }
}

export function isSingleAddress(network: Network): boolean {
  return network.prefix === network.words.length * 32
}

export function formatNetwork(network: Network): string {
  const { version, words, prefix } = network
  const address = version === 4 ? formatIpv4(words[0] as number) : formatIpv6(words)
  return isSingleAddress(network) ? address : `${address}/${prefix}`
}

/** Two networks of one version overlap exactly when they agree on the shorter prefix. */
export function overlaps(a: Network, b: Network): boolean {
  if (a.version !== b.version) return false
  const bits = Math.min(a.prefix, b.prefix)
  for (let i = 0; i * 32 < bits; i++) {
    if ((((a.words[i] as number) ^ (b.words[i] as number)) & wordMask(bits - i * 32)) !== 0)
      return false
  }
  return true
}

function wordMask(bits: number): number {
  if (bits <= 0) return 0
  return bits >= 32 ? -1 : -1 << (32 - bits)
}
