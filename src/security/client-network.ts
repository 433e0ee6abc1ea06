import { isIPv4, isIPv6 } from 'node:net'

/**
 * What counts as one client where guesses are counted: an IPv4 address, also one that is mapped into IPv6,
 * and of IPv6 the /64 network, which is the least that a client is given.
 * @returns such as `192.0.2.7` or `2001:db8:0:1::/64`; of anything else the beginning
 */
export function clientNetwork(given: string): string {
  const address = withoutPort(given)
  if (isIPv4(address)) return address
  const [plain = ''] = address.split('%', 1)
  // A trusted proxy may name what is no address, and of any length.
  if (!isIPv6(plain)) return address.slice(0, 64)
  const groups = readGroups(plain)
  if (groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff) {
    return [groups[6], groups[7]].flatMap((group = 0) => [group >> 8, group & 255]).join('.')
  }
  return `${groups
    .slice(0, 4)
    .map((group) => group.toString(16))
    .join(':')}::/64`
}

/** Some proxies name the port, too: with each connection the client would be another. */
function withoutPort(given: string): string {
  const [, inBrackets, beforePort] = /^(?:\[([^\]]*)\](?::\d*)?|([\d.]+):\d*)$/.exec(given) ?? []
  return inBrackets ?? beforePort ?? given
}

/** The eight groups of a valid IPv6 address. */
function readGroups(address: string): number[] {
  // A URL's host is the address in its one shortest spelling, without an IPv4 address at its end.
  const [head = '', tail] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::')
  const read = (part: string) => part.split(':').flatMap((group) => (group ? [group] : []))
  const [first, last] = [read(head), read(tail ?? '')]
  const missing = Array<string>(8 - first.length - last.length).fill('0')
  return [...first, ...missing, ...last].map((group) => Number.parseInt(group, 16))
}
