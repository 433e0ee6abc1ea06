import fc from 'fast-check'
import ipaddr from 'ipaddr.js'
import t from 'tap'
import {
  formatIpv4,
  formatIpv6,
  formatNetwork,
  overlaps,
  parseIpv4,
  parseIpv6,
  parseNetwork,
} from '../../src/model/address.ts'

const seed = 20_240_117
const word = fc.oneof(
  fc.constantFrom(0, 1, 0xffff, 0x10000, 0xffffffff, 0x7fffffff, 0x80000000),
  fc.integer({ min: 0, max: 0xffffffff }),
)
const words = fc.tuple(word, word, word, word)

function groupsOf(address: readonly number[]): number[] {
  return address.flatMap((value) => [value >>> 16, value & 0xffff])
}

t.test('IPv4 is read and written as ipaddr.js does', (t) => {
  fc.assert(
    fc.property(word, (address) => {
      const octets = [24, 16, 8, 0].map((shift) => (address >>> shift) & 255)
      const text = new ipaddr.IPv4(octets).toString()
      return formatIpv4(address) === text && parseIpv4(text) === address
    }),
    { seed, numRuns: 2000 },
  )
  t.end()
})

t.test('IPv6 is written as RFC 5952 says, and every form of it is read', (t) => {
  fc.assert(
    fc.property(words, (address) => {
      const theirs = new ipaddr.IPv6(groupsOf(address))
      const padded = groupsOf(address)
        .map((group) => group.toString(16).padStart(4, '0'))
        .join(':')
      const forms = [
        theirs.toRFC5952String(),
        theirs.toNormalizedString(),
        padded,
        padded.toUpperCase(),
      ]
      if (formatIpv6(address) !== forms[0]) return false
      return forms.every((form) => JSON.stringify(parseIpv6(form)) === JSON.stringify(address))
    }),
    { seed, numRuns: 2000 },
  )
  t.end()
})

t.test('what is no IPv6 address is refused as ipaddr.js refuses it', (t) => {
  const pieces = fc.constantFrom(':', '::', '0', 'ffff', '12', 'g', '1.2.3.4', '12345', '%eth0')
  const text = fc.array(pieces, { maxLength: 12 }).map((parts) => parts.join(''))
  fc.assert(
    fc.property(text, (address) => {
      const ours = parseIpv6(address) !== undefined
      if (!ours) return true
      return ipaddr.IPv6.isValid(address)
    }),
    { seed, numRuns: 5000 },
  )
  for (const wrong of [
    ':',
    ':::',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '1::2::3',
    ':1:2:3:4:5:6:7',
  ])
    t.equal(parseIpv6(wrong), undefined, wrong)
  for (const wrong of [
    '1:2:3:4:5:6:7:',
    '::1.2.3',
    '1.2.3.4::',
    '::1.2.3.4:5',
    'fe80::1%eth0',
    '::12345',
  ])
    t.equal(parseIpv6(wrong), undefined, wrong)
  t.same(parseIpv6('1:2:3:4:5:6:1.2.3.4'), [0x10002, 0x30004, 0x50006, 0x1020304])
  t.same(parseIpv6('::'), [0, 0, 0, 0])
  t.same(parseIpv6('1:2:3:4:5:6:7::'), [0x10002, 0x30004, 0x50006, 0x70000])
  t.end()
})

t.test('host bits are cleared as ipaddr.js clears them', (t) => {
  fc.assert(
    fc.property(word, fc.integer({ min: 0, max: 31 }), (address, prefix) => {
      const text = `${formatIpv4(address)}/${prefix}`
      const network = ipaddr.IPv4.networkAddressFromCIDR(text).toString()
      return formatNetwork(parseNetwork(text) as never) === `${network}/${prefix}`
    }),
    { seed, numRuns: 1000 },
  )
  fc.assert(
    fc.property(words, fc.integer({ min: 0, max: 127 }), (address, prefix) => {
      const text = `2${formatIpv6(address).replace(/^[^:]*/, '001')}/${prefix}`
      fc.pre(ipaddr.IPv6.isValidCIDR(text))
      const network = ipaddr.IPv6.networkAddressFromCIDR(text).toRFC5952String()
      return formatNetwork(parseNetwork(text) as never) === `${network}/${prefix}`
    }),
    { seed, numRuns: 1000 },
  )
  t.end()
})

t.test('networks overlap when one holds the other', (t) => {
  const pairs: readonly (readonly [string, string, boolean])[] = [
    ['10.0.0.0/8', '10.255.255.255', true],
    ['10.0.0.0/8', '11.0.0.0', false],
    ['10.1.0.0/16', '10.0.0.0/8', true],
    ['0.0.0.0/0', '255.255.255.255', true],
    ['128.0.0.0/1', '127.255.255.255', false],
    ['2001:db8::/32', '2001:db8:ffff::1', true],
    ['2001:db8::/33', '2001:db8:8000::', false],
    ['2001:db8:0:1::/64', '2001:db8:0:2::/64', false],
    ['::/0', 'ffff::', true],
    ['::/0', '1.2.3.4', false],
  ]
  for (const [a, b, expected] of pairs) {
    const [one, other] = [parseNetwork(a), parseNetwork(b)]
    if (!one || !other) throw new Error(`${a} or ${b} is not read`)
    t.equal(overlaps(one, other), expected, `${a} and ${b}`)
    t.equal(overlaps(other, one), expected, `${b} and ${a}`)
  }
  t.end()
})
