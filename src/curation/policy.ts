import type { ObservableType } from '../model/observable.ts'

/** What an organisation decides about judging; the rest are facts. */
export interface JudgingPolicy {
  /** domains of our own: neither they nor what lies under them is ever published */
  readonly ownDomains: readonly string[]
  /** addresses and networks of our own, in CIDR notation */
  readonly ownRanges: readonly string[]
  /** the shortest prefix that may be published */
  readonly broadestCidr: { readonly ipv4: number; readonly ipv6: number }
  /** kept and counted, but not published */
  readonly heldBackTypes: readonly ObservableType[]
  /** for how many days an assertion counts whose source says no end; a type that is missing: for ever */
  readonly ageDays: AgeDays
  /** percent that is left of the confidence of what a warninglist with the effect "lower" knows */
  readonly listedConfidencePercent: number
  /** by the source's name, such as "otx" */
  readonly sources: Readonly<Record<string, SourcePolicy>>
}

/** 0: for ever */
export type AgeDays = Readonly<Partial<Record<ObservableType, number>>>

export interface SourcePolicy {
  /** 0 to 100, instead of what comes with each assertion */
  readonly confidence?: number
  /** by the report's author, before the source's */
  readonly authors?: Readonly<Record<string, number>>
  /** before those of all sources */
  readonly ageDays?: AgeDays
}

/** What an organisation has said of its policy; for the rest the defaults count. */
export interface PolicySettings extends Partial<Omit<JudgingPolicy, 'broadestCidr'>> {
  readonly broadestCidr?: Partial<JudgingPolicy['broadestCidr']>
}

/** Held back are types that no client of a STIX 1.x feed is known to read. */
export const defaultPolicy: JudgingPolicy = Object.freeze<JudgingPolicy>({
  ownDomains: [],
  ownRanges: [],
  broadestCidr: { ipv4: 20, ipv6: 48 },
  heldBackTypes: ['bitcoin-address', 'ja3', 'osquery', 'ssl-cert-fingerprint'],
  // Addresses change hands within weeks, names within months; a file stays what it is.
  ageDays: {
    ipv4: 30,
    ipv6: 30,
    cidr: 30,
    domain: 90,
    url: 90,
    uri: 90,
    email: 90,
    md5: 365,
    sha1: 365,
    sha256: 365,
    pehash: 365,
    imphash: 365,
    'file-path': 365,
    mutex: 365,
  },
  listedConfidencePercent: 50,
  sources: {},
})

/** Ages and prefixes that the settings do not name keep their defaults; every other setting takes its default's place. */
export function completePolicy(settings: PolicySettings): JudgingPolicy {
  return {
    ...defaultPolicy,
    ...settings,
    broadestCidr: { ...defaultPolicy.broadestCidr, ...settings.broadestCidr },
    ageDays: { ...defaultPolicy.ageDays, ...settings.ageDays },
  }
}

/** For how many days an assertion counts that has no end of its own; undefined: for ever. */
export function ageLimitDays(
  policy: JudgingPolicy,
  source: string,
  type: ObservableType,
): number | undefined {
  const ofSource = ofKey(policy.sources, source)?.ageDays
  return ((ofSource && ofKey(ofSource, type)) ?? ofKey(policy.ageDays, type)) || undefined
}

/** How far a source's author is trusted, where the policy says so. */
export function trustedConfidence(
  policy: JudgingPolicy,
  source: string,
  author: string,
): number | undefined {
  const found = ofKey(policy.sources, source)
  return (found?.authors && ofKey(found.authors, author)) ?? found?.confidence
}

/** Authors choose their names: one called "constructor" is not to find what every object has. */
function ofKey<T>(record: Readonly<Partial<Record<string, T>>>, key: string): T | undefined {
  return Object.hasOwn(record, key) ? record[key] : undefined
}
