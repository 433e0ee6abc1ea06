import { makeObservable, observableTypes } from './observables.ts'
import { authors, type PulseMaker } from './pulse-maker.ts'

interface Campaign {
  readonly name: string
  readonly author: string
  readonly tlp: string
  readonly ageDays: number
  readonly tags: readonly string[]
  readonly adversary?: string
  readonly public?: number | boolean
}

const { harbour, lantern } = authors
const years = (number: number) => number * 365

/** From ten years ago, when most has aged, to yesterday; a walk comes in the order of their dates. */
const campaigns: readonly Campaign[] = [
  {
    name: 'Old banking trojan',
    author: harbour,
    tlp: 'white',
    ageDays: years(10.6),
    tags: ['trojan'],
  },
  {
    name: 'Exploit kit remains',
    author: lantern,
    tlp: 'green',
    ageDays: 300,
    tags: ['exploit kit'],
  },
  {
    name: 'Wiper of the north',
    author: harbour,
    tlp: 'white',
    ageDays: years(5),
    tags: ['wiper'],
  },
  {
    name: 'Coin miners on routers',
    author: lantern,
    tlp: 'white',
    ageDays: years(2),
    tags: ['miner'],
  },
  {
    name: 'Skimmers in web shops',
    author: harbour,
    tlp: 'green',
    ageDays: 80,
    tags: ['skimmer'],
  },
  {
    name: 'Phishing for parcels',
    author: lantern,
    tlp: 'white',
    ageDays: 76,
    tags: ['phishing'],
  },
  {
    name: 'Loader of a thousand names',
    author: harbour,
    tlp: 'white',
    ageDays: 70,
    tags: ['loader'],
  },
  {
    name: 'Ransomware affiliates',
    author: lantern,
    tlp: 'amber',
    ageDays: 64,
    tags: ['ransomware'],
  },
  {
    name: 'Paper Crane returns',
    author: harbour,
    tlp: 'green',
    ageDays: 58,
    tags: ['espionage'],
    adversary: 'Paper Crane',
  },
  {
    name: 'Botnet of cameras',
    author: lantern,
    tlp: 'white',
    ageDays: 52,
    tags: ['botnet', 'iot'],
  },
  { name: 'Stealers in game mods', author: harbour, tlp: 'white', ageDays: 46, tags: ['stealer'] },
  {
    name: 'Invoice fraud',
    author: lantern,
    tlp: 'green',
    ageDays: 42,
    tags: ['phishing', 'fraud'],
  },
  {
    name: 'Shared with members',
    author: lantern,
    tlp: 'amber',
    ageDays: 38,
    tags: ['espionage'],
    public: 0,
  },
  {
    name: 'Drafts of a friend',
    author: harbour,
    tlp: 'white',
    ageDays: 34,
    tags: ['draft'],
    public: false,
  },
  { name: 'Remote tools abused', author: harbour, tlp: 'white', ageDays: 32, tags: ['rat'] },
  { name: 'Loader, third wave', author: lantern, tlp: 'white', ageDays: 30, tags: ['loader'] },
  {
    name: 'Fake browser updates',
    author: harbour,
    tlp: 'green',
    ageDays: 21,
    tags: ['loader', 'phishing'],
    public: true,
  },
  { name: 'Phishing with codes', author: lantern, tlp: 'white', ageDays: 14, tags: ['phishing'] },
  {
    name: 'Paper Crane in March',
    author: harbour,
    tlp: 'amber',
    ageDays: 10,
    tags: ['espionage'],
    adversary: 'Paper Crane',
  },
  {
    name: 'Ransomware, this week',
    author: lantern,
    tlp: 'white',
    ageDays: 6,
    tags: ['ransomware'],
  },
  { name: 'Botnet controllers', author: harbour, tlp: 'white', ageDays: 4, tags: ['botnet', 'c2'] },
  { name: 'Stealer panels', author: lantern, tlp: 'green', ageDays: 2, tags: ['stealer', 'c2'] },
  { name: 'Seen yesterday', author: harbour, tlp: 'white', ageDays: 1, tags: ['loader', 'c2'] },
]

const indicatorsEach = 116
/** What pulses are mostly made of comes more often than the rest. */
const common = [
  'IPv4',
  'domain',
  'hostname',
  'URL',
  'FileHash-MD5',
  'FileHash-SHA256',
  'FileHash-SHA1',
]

/** Twenty-three campaigns with all types; a fifth of the observables appear in two of them. */
export function ordinaryPulses(make: PulseMaker): Record<string, unknown>[] {
  const { random } = make
  const known: [type: string, observable: string][] = []
  return campaigns.map((campaign) => {
    const indicators = Array.from({ length: indicatorsEach }, (_, index) => {
      // Each pulse has each type once; the rest is drawn.
      const drawn = observableTypes[index] ?? random.pick(common)
      const repeat = index >= observableTypes.length && known.length > 0 && random.chance(0.2)
      const again = repeat ? random.pick(known) : undefined
      const [type, observable] = again ?? [drawn, makeObservable(drawn, random)]
      if (!again) known.push([type, observable])
      // Some sources count how often they saw it; no random number, so that all others stay what they are.
      const observations = index % 29 === 0 ? index + 1 : undefined
      return indicatorOf(make, type, observable, campaign.ageDays, observations)
    })
    return make.pulse({
      ...campaign,
      modifiedAgeDays: campaign.ageDays * 0.9,
      indicators,
      change: { adversary: campaign.adversary ?? '', public: campaign.public ?? 1 },
    })
  })
}

function indicatorOf(
  make: PulseMaker,
  type: string,
  indicator: string,
  pulseAgeDays: number,
  observations: number | undefined,
) {
  const { random } = make
  const ageDays = pulseAgeDays * (0.9 + random.below(100) / 1000)
  // Addresses change hands, so OTX dates them; most other indicators have no end.
  const ends = type === 'IPv4' || type === 'IPv6' || random.chance(0.1)
  return make.indicator(type, {
    indicator,
    ageDays,
    ...(ends && { expiresInDays: Math.round(90 - ageDays) }),
    change: {
      ...(random.chance(0.03) && { is_active: 0 }),
      ...(observations !== undefined && { observations }),
    },
  })
}
