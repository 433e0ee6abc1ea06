interface ReservedDomain {
  readonly name: string
  readonly purpose: string
}

/**
 * Names under which no attacker can register anything (IANA's special-use domain names, and ICANN's
 * "internal"); what feeds report of them comes from examples and from somebody's own network.
 *
 * onion is missing on purpose. No DNS resolves it, but gateways match names in the text of mails,
 * where extortion letters and phishing put onion links; and no legitimate service is hit.
 */
const reservedDomains: readonly ReservedDomain[] = [
  { name: 'example.com', purpose: 'examples, RFC 2606' },
  { name: 'example.net', purpose: 'examples, RFC 2606' },
  { name: 'example.org', purpose: 'examples, RFC 2606' },
  { name: 'example', purpose: 'examples, RFC 2606' },
  { name: 'test', purpose: 'tests, RFC 2606' },
  { name: 'invalid', purpose: 'names that never exist, RFC 2606' },
  { name: 'localhost', purpose: 'the own machine, RFC 6761' },
  { name: 'local', purpose: 'local networks (mDNS), RFC 6762' },
  { name: 'internal', purpose: 'private networks, ICANN 2024' },
  { name: 'arpa', purpose: "the Internet's own infrastructure, RFC 3172" },
]

const byName = new Map(reservedDomains.map((domain) => [domain.name, domain]))

/** Finds the reserved domain that a name is or lies under. */
export function findReservedDomain(name: string): ReservedDomain | undefined {
  // None of them has more than two labels.
  const last = name.lastIndexOf('.')
  const top = byName.get(name.slice(last + 1))
  if (top || last < 0) return top
  return byName.get(name.slice(name.lastIndexOf('.', last - 1) + 1))
}
