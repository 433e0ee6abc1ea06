/** Why an assertion is kept out of every feed, each with one sentence for analysts, in the order of judging. */
export const reasons = {
  'unknown-type': 'The source calls it by a type that Taxiway does not know.',
  syntax: 'The value is not well formed for its type, so no client could match it.',
  'held-back-type': 'Observables of this type are kept and counted, but not published.',
  'private-address': 'The address belongs to private networks: everybody has hosts there.',
  'reserved-address': 'The address is set aside by IANA and is no host of the public Internet.',
  'reserved-domain': 'The name is set aside for examples, tests or local networks.',
  'public-suffix': 'The domain is one under which the public registers names: too broad.',
  'empty-file-hash': 'It is the hash of an empty file, which every machine has.',
  eicar: 'It is the hash of the EICAR anti-virus test file, which is harmless.',
  'broad-network': 'The network is so large that mostly others would be hit.',
  'own-network': 'It is one of our own domains or addresses, or lies in them.',
  warninglist: 'It is on a list of what is known to be harmless or used by everybody.',
  inactive: 'The source itself has switched the assertion off.',
  refuted: 'The source itself has accepted that it is a false positive.',
  expired: 'The time for which the source vouched for it is over.',
  aged: 'The source gave no end, and it is older than what its kind is believed for.',
  'not-public':
    'The source marks its report as not for the public; collections with nonPublic have it.',
  retracted: 'The newest version of the report does not hold it any more.',
  gone: 'The source has the report no more: it was deleted, or is not subscribed any more.',
} as const

export type Reason = keyof typeof reasons

export const reasonNames = Object.freeze(Object.keys(reasons)) as readonly Reason[]

/** Of these, each collection decides for itself whether they keep something out of it. */
export const leftToCollections: readonly Reason[] = Object.freeze(['not-public'])

/** Reasons that no analyst can lift, each with what to do instead. */
export const notLiftable: Readonly<Partial<Record<Reason, string>>> = Object.freeze({
  'unknown-type': 'no profile could publish it',
  syntax: 'no client could match it',
  'held-back-type': 'change heldBackTypes in the judging policy',
  'own-network': 'change ownDomains or ownRanges in the judging policy',
  'not-public': 'set nonPublic in the collection that may show it',
})

/** Recorded where they happen, not found by judging: judging anew leaves them as they are. */
export const recordedReasons: readonly Reason[] = Object.freeze(['retracted', 'gone'])
