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
  inactive: 'The source itself has switched the assertion off.',
  expired: 'The time for which the source vouched for it is over.',
  'not-public': 'The source marks its report as not for the public.',
  retracted: 'The newest version of the report does not hold it any more.',
} as const

export type Reason = keyof typeof reasons

export const reasonNames = Object.freeze(Object.keys(reasons)) as readonly Reason[]
