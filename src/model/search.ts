import { type Network, parseNetwork } from './address.ts'
import { refangUrl } from './refang.ts'

/** What a search text asks for. */
export type SearchText =
  | { readonly kind: 'any' }
  /** patterns of SQL's `like`, of which one must match */
  | { readonly kind: 'like'; readonly patterns: readonly string[] }
  /** addresses and networks that lie in this one */
  | { readonly kind: 'within'; readonly network: Network }

/**
 * Reads a search text: a network in CIDR notation means what lies in it; with a `*` it is the whole value, in
 * which each `*` stands for anything; else a part of the value. Defanged spellings are read as they are meant.
 */
export function parseSearchText(text: string): SearchText {
  const live = refang(text.trim())
  if (live === '' || /^\*+$/.test(live)) return { kind: 'any' }
  const network = live.includes('/') ? parseNetwork(live) : undefined
  if (network) return { kind: 'within', network }
  const pattern = live.includes('*')
    ? live.split(/\*+/).map(escapeLike).join('%')
    : `%${escapeLike(live)}%`
  // Nearly all normal forms are in lower case; paths and the numbers of CVEs are not.
  return {
    kind: 'like',
    patterns: [...new Set([pattern, pattern.toLowerCase(), pattern.toUpperCase()])],
  }
}

function refang(text: string): string {
  return refangUrl(text).replace(/\[\.\]|\(\.\)|\[dot\]/gi, '.')
}

function escapeLike(text: string): string {
  return text.replace(/[\\%_]/g, '\\$&')
}

/**
 * A regular expression that every normal form of an address in this network matches, and hardly another;
 * undefined: it cannot be told from the text.
 */
export function textsWithin({ version, words, prefix }: Network): string | undefined {
  if (version === 6) {
    // Zeros may be left out, so that only groups before the first one stand where they are looked for.
    const groups = words.flatMap((word) => [word >>> 16, word & 0xffff])
    const whole = groups.slice(0, Math.floor(prefix / 16))
    const zero = whole.indexOf(0)
    const sure = zero < 0 ? whole : whole.slice(0, zero)
    if (sure.length === 0) return undefined
    return `^${sure.map((group) => group.toString(16)).join(':')}:`
  }
  const address = words[0] as number
  const octets = [24, 16, 8, 0].map((shift) => (address >>> shift) & 255)
  const whole = Math.floor(prefix / 8)
  const front = octets.slice(0, whole).join('\\.')
  if (whole === 4) return `^${front}$`
  const rest = 2 ** (8 - (prefix % 8))
  const least = octets[whole] as number
  const next = Array.from({ length: rest }, (_, n) => least + n).join('|')
  const open = rest === 256 ? '[0-9]+' : `(${next})`
  return `^${front}${whole > 0 ? '\\.' : ''}${open}${whole < 3 ? '\\.' : '(/|$)'}`
}
