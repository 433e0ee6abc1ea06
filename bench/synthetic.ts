import { createHash } from 'node:crypto'

export interface SyntheticOptions {
  readonly pulses: number
  readonly indicatorsPerPulse: number
  /** the number of the first made-up observable; absent: 0 */
  readonly first?: number
  /** share of indicators that stand in an earlier pulse already, 0 to 1 */
  readonly duplicates: number
}

const types = ['FileHash-SHA256', 'IPv4', 'domain', 'URL', 'FileHash-MD5'] as const

/** OTX pulses with made-up indicators; the same options make the same pulses. */
export function* syntheticPulses(options: SyntheticOptions): Generator<Record<string, unknown>> {
  const random = createRandom()
  const { first = 0 } = options
  let made = 0
  const now = Date.now()
  for (let pulse = 0; pulse < options.pulses; pulse += 1) {
    const modified = new Date(now - (options.pulses - pulse) * 60_000).toISOString().slice(0, -1)
    const indicators = Array.from({ length: options.indicatorsPerPulse }, (_, position) => {
      const repeats = made > 1_000 && random() < options.duplicates
      const number = repeats ? Math.floor(random() * made) : made
      if (!repeats) made += 1
      return {
        id: pulse * options.indicatorsPerPulse + position,
        ...observable(first + number),
        created: modified,
        title: '',
        description: '',
        content: '',
        expiration: null,
        is_active: 1,
        role: null,
      }
    })
    yield {
      id: pulse.toString(16).padStart(24, '0'),
      name: `Synthetic pulse number ${pulse}`,
      description: 'Made up for a measurement: it speaks of nothing real. '.repeat(3),
      author_name: `Author${pulse % 7}`,
      modified,
      created: modified,
      revision: 1,
      tlp: pulse % 3 === 0 ? 'green' : 'white',
      public: 1,
      adversary: '',
      tags: ['synthetic', `tag-${pulse % 20}`],
      references: [`https://reports.bench-taxiway.com/${pulse}`],
      targeted_countries: [],
      industries: [],
      malware_families: [],
      attack_ids: [],
      indicators,
    }
  }
}

function observable(number: number): { type: string; indicator: string } {
  const type = types[number % types.length] as (typeof types)[number]
  const hash = createHash('sha256').update(String(number)).digest('hex')
  switch (type) {
    case 'FileHash-SHA256':
      return { type, indicator: hash }
    case 'FileHash-MD5':
      return { type, indicator: hash.slice(0, 32) }
    case 'IPv4':
      return {
        type,
        indicator: `22.${(number >> 16) & 255}.${(number >> 8) & 255}.${number & 255}`,
      }
    case 'domain':
      return { type, indicator: `host-${hash.slice(0, 10)}.bench-${number}.com` }
    case 'URL':
      return { type, indicator: `http://bench-${number}.com/${hash.slice(0, 12)}?a=1&b=2` }
  }
}

/** Mulberry32: the same numbers in every run. */
function createRandom(): () => number {
  let state = 42
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
