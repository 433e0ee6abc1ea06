import { type Network, overlaps, parseNetwork } from './address.ts'

export interface SpecialRange {
  readonly cidr: string
  /** private: in use inside somebody's network; reserved: never a host of the public Internet */
  readonly scope: 'private' | 'reserved'
  readonly purpose: string
}

/**
 * IANA's special-purpose registries for IPv4 and IPv6, with multicast and with the IPv6 space that
 * is not global unicast. The more exact range comes first, so that it is the one named.
 * Anycast helpers that the registry calls globally reachable (AS112, AMT) are here too: they belong
 * to everybody's infrastructure, and no host of an attacker can have them. So do the dead
 * transition mechanisms (6to4, Teredo, NAT64), whose addresses stand for some IPv4 address.
 */
export const specialRanges: readonly SpecialRange[] = [
  special('0.0.0.0/8', 'reserved', '"this network", RFC 791'),
  special('10.0.0.0/8', 'private', 'private use, RFC 1918'),
  special('100.64.0.0/10', 'private', "carriers' shared address space, RFC 6598"),
  special('127.0.0.0/8', 'reserved', 'loopback, RFC 1122'),
  special('169.254.0.0/16', 'reserved', 'link-local, RFC 3927'),
  special('172.16.0.0/12', 'private', 'private use, RFC 1918'),
  special('192.0.0.0/24', 'reserved', 'IETF protocol assignments, RFC 6890'),
  special('192.0.2.0/24', 'reserved', 'documentation, RFC 5737'),
  special('192.31.196.0/24', 'reserved', 'AS112, RFC 7535'),
  special('192.52.193.0/24', 'reserved', 'AMT, RFC 7450'),
  special('192.88.99.0/24', 'reserved', '6to4 relay anycast, RFC 7526'),
  special('192.168.0.0/16', 'private', 'private use, RFC 1918'),
  special('192.175.48.0/24', 'reserved', 'AS112, RFC 7534'),
  special('198.18.0.0/15', 'reserved', 'benchmarking, RFC 2544'),
  special('198.51.100.0/24', 'reserved', 'documentation, RFC 5737'),
  special('203.0.113.0/24', 'reserved', 'documentation, RFC 5737'),
  special('224.0.0.0/4', 'reserved', 'multicast, RFC 5771'),
  special('255.255.255.255/32', 'reserved', 'limited broadcast, RFC 919'),
  special('240.0.0.0/4', 'reserved', 'future use, RFC 1112'),

  special('::/128', 'reserved', 'the unspecified address, RFC 4291'),
  special('::1/128', 'reserved', 'loopback, RFC 4291'),
  special('::/96', 'reserved', 'IPv4-compatible, deprecated by RFC 4291'),
  special('::ffff:0:0:0/96', 'reserved', 'IPv4-translated, RFC 2765'),
  special('64:ff9b::/96', 'reserved', 'NAT64, RFC 6052'),
  special('64:ff9b:1::/48', 'reserved', 'local NAT64, RFC 8215'),
  special('100::/64', 'reserved', 'discard-only, RFC 6666'),
  special('100:0:0:1::/64', 'reserved', 'dummy prefix, RFC 9780'),
  special('2001::/32', 'reserved', 'Teredo, RFC 4380'),
  special('2001:2::/48', 'reserved', 'benchmarking, RFC 5180'),
  special('2001::/23', 'reserved', 'IETF protocol assignments, RFC 2928'),
  special('2001:db8::/32', 'reserved', 'documentation, RFC 3849'),
  special('2002::/16', 'reserved', '6to4, RFC 3056'),
  special('2620:4f:8000::/48', 'reserved', 'AS112, RFC 7534'),
  special('3fff::/20', 'reserved', 'documentation, RFC 9637'),
  special('5f00::/16', 'reserved', 'segment routing, RFC 9602'),
  special('fc00::/7', 'private', 'unique local, RFC 4193'),
  special('fe80::/10', 'reserved', 'link-local, RFC 4291'),
  special('fec0::/10', 'private', 'site-local, deprecated by RFC 3879'),
  special('ff00::/8', 'reserved', 'multicast, RFC 4291'),
  special('::/3', 'reserved', 'outside global unicast 2000::/3'),
  special('4000::/2', 'reserved', 'outside global unicast 2000::/3'),
  special('8000::/1', 'reserved', 'outside global unicast 2000::/3'),
]

function special(cidr: string, scope: SpecialRange['scope'], purpose: string): SpecialRange {
  return { cidr, scope, purpose }
}

const networks = specialRanges.map((range) => ({
  range,
  // The table's own texts are well formed; a test reads each of them.
  network: parseNetwork(range.cidr) as Network,
}))

/**
 * Finds the special range that an address lies in, or that a CIDR overlaps in part or whole.
 * @returns undefined for public addresses, and for text that is no address
 */
export function findSpecialRange(addressOrCidr: string): SpecialRange | undefined {
  const asked = parseNetwork(addressOrCidr)
  if (!asked) return undefined
  return networks.find(({ network }) => overlaps(network, asked))?.range
}
