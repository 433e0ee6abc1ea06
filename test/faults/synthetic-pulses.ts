import type { StandinPulse } from '../../src/standins/otx.ts'

const firstDay = Date.UTC(2026, 3, 1)

/**
 * Pulses of `indicators` indicators each, always the same ones for the same numbers. Every fourth indicator
 * is of another pulse too, and every kind of verdict occurs: expired, inactive, private, unreadable.
 */
export function makeSyntheticPulses(pulses: number, indicators: number): StandinPulse[] {
  return Array.from({ length: pulses }, (_, pulse) => {
    const modified = new Date(firstDay + pulse * 3_600_000).toISOString().slice(0, 19)
    return {
      id: `5f${String(pulse).padStart(22, '0')}`,
      name: `Campaign ${pulse}`,
      description: 'Seen by many.',
      author_name: pulse % 3 === 0 ? 'Harbour Watch' : 'Quay Lab',
      modified,
      created: modified,
      revision: 1,
      tlp: pulse % 5 === 0 ? 'green' : 'white',
      public: 1,
      adversary: '',
      tags: pulse % 2 === 0 ? ['loader'] : [],
      references: [`https://blog.taxiway-demo.com/${pulse}`],
      targeted_countries: [],
      industries: [],
      malware_families: [],
      attack_ids: [],
      indicators: Array.from({ length: indicators }, (_, index) =>
        makeIndicator(pulse, index, indicators),
      ),
    }
  })
}

function makeIndicator(pulse: number, index: number, count: number): StandinPulse {
  // Shared with the pulses beside this one.
  const number = index % 4 === 0 ? index + count * Math.floor(pulse / 4) : index + count * pulse
  const indicator = {
    id: 4_000_000_000 + pulse * count + index,
    created: '2026-04-01T00:00:00',
    content: '',
    title: '',
    description: index % 9 === 0 ? `Number ${number}` : null,
    expiration: index % 17 === 0 ? '2026-04-15T00:00:00' : null,
    is_active: index % 19 === 0 ? 0 : 1,
    role: null,
  }
  switch (index % 7) {
    case 0:
      return { ...indicator, type: 'URL', indicator: `http://h${number}.taxiway-demo.com/a` }
    case 1:
      return {
        ...indicator,
        type: 'FileHash-MD5',
        indicator: number.toString(16).padStart(32, 'a'),
      }
    case 2:
      return { ...indicator, type: 'IPv4', indicator: address(number) }
    case 3:
      return index % 2 === 0
        ? { ...indicator, type: 'hostname', indicator: `bad name ${number}` }
        : { ...indicator, type: 'YARA', indicator: number }
    default:
      return { ...indicator, type: 'domain', indicator: `h${number}.taxiway-demo.com` }
  }
}

/** Every fifth one is of a private network. */
function address(number: number): string {
  const rest = `${Math.floor(number / 65_536) % 256}.${Math.floor(number / 256) % 256}.${number % 256}`
  return number % 5 === 0 ? `10.${rest}` : `45.${rest}`
}
