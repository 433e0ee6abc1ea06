import fc from 'fast-check'
import ipaddr from 'ipaddr.js'
import t from 'tap'
import { formatIpv4, formatIpv6, formatNetwork, parseNetwork } from '../../src/model/address.ts'
import { findSpecialRange, specialRanges } from '../../src/model/special-ranges.ts'

const seed = 20_240_117

interface Ends {
  readonly bits: number
  readonly first: bigint
  readonly last: bigint
}

function endsOf(cidr: string): Ends {
  const network = parseNetwork(cidr)
  if (!network) throw new Error(`${cidr} is not read`)
  const bits = network.words.length * 32
  const first = network.words.reduce((sum, word) => (sum << 32n) + BigInt(word), 0n)
  return { bits, first, last: first + (1n << BigInt(bits - network.prefix)) - 1n }
}

function addressText(value: bigint, bits: number): string {
  const words: number[] = []
  for (let shift = bits - 32; shift >= 0; shift -= 32)
    words.push(Number((value >> BigInt(shift)) & 0xffffffffn))
  return bits === 32 ? formatIpv4(words[0] as number) : formatIpv6(words)
}

t.test('each range is written in normal form and names its own first and last address', (t) => {
  for (const range of specialRanges) {
    const network = parseNetwork(range.cidr)
    t.ok(network && /\/\d+$/.test(range.cidr), `${range.cidr} is a network`)
    if (network && !range.cidr.endsWith('/32') && !range.cidr.endsWith('/128'))
      t.equal(formatNetwork(network), range.cidr)
    const { bits, first, last } = endsOf(range.cidr)
    for (const value of [first, last]) {
      const found = findSpecialRange(addressText(value, bits))
      t.ok(found, `${addressText(value, bits)} of ${range.cidr}`)
      // A narrower range may come first, but never one of another scope.
      t.equal(found?.scope, range.scope, addressText(value, bits))
    }
  }
  t.end()
})

t.test('just outside every range begins public space, or another range', (t) => {
  const ends = specialRanges.map((range) => endsOf(range.cidr))
  for (const { bits, first, last } of ends) {
    for (const value of [first - 1n, last + 1n]) {
      if (value < 0n || value >= 1n << BigInt(bits)) continue
      const text = addressText(value, bits)
      const inside = ends.some((e) => e.bits === bits && value >= e.first && value <= e.last)
      // ::ffff:0:0/96 is judged as the IPv4 addresses that it stands for.
      if (parseNetwork(text)?.version === (bits === 32 ? 4 : 6))
        t.equal(findSpecialRange(text) !== undefined, inside, text)
    }
  }
  t.end()
})

t.test('first, last and just outside, by hand', (t) => {
  const rows: readonly (readonly [string, 'private' | 'reserved' | undefined])[] = [
    ['0.255.255.255', 'reserved'],
    ['1.0.0.0', undefined],
    ['9.255.255.255', undefined],
    ['10.0.0.0', 'private'],
    ['10.255.255.255', 'private'],
    ['11.0.0.0', undefined],
    ['100.63.255.255', undefined],
    ['100.64.0.0', 'private'],
    ['100.127.255.255', 'private'],
    ['100.128.0.0', undefined],
    ['126.255.255.255', undefined],
    ['127.0.0.1', 'reserved'],
    ['128.0.0.0', undefined],
    ['169.253.255.255', undefined],
    ['169.254.169.254', 'reserved'],
    ['169.255.0.0', undefined],
    ['172.15.255.255', undefined],
    ['172.16.0.0', 'private'],
    ['172.31.255.255', 'private'],
    ['172.32.0.0', undefined],
    ['192.0.1.255', undefined],
    ['192.0.2.1', 'reserved'],
    ['192.0.3.0', undefined],
    ['192.88.99.1', 'reserved'],
    ['192.167.255.255', undefined],
    ['192.168.0.0', 'private'],
    ['192.169.0.0', undefined],
    ['198.17.255.255', undefined],
    ['198.18.0.0', 'reserved'],
    ['198.19.255.255', 'reserved'],
    ['198.20.0.0', undefined],
    ['198.51.100.7', 'reserved'],
    ['203.0.113.255', 'reserved'],
    ['203.0.114.0', undefined],
    ['223.255.255.255', undefined],
    ['224.0.0.0', 'reserved'],
    ['239.255.255.255', 'reserved'],
    ['240.0.0.0', 'reserved'],
    ['255.255.255.255', 'reserved'],
    ['8.8.8.8', undefined],
    ['::', 'reserved'],
    ['::1', 'reserved'],
    ['::2', 'reserved'],
    ['1fff:ffff::1', 'reserved'],
    ['2000::1', undefined],
    ['2000:ffff:ffff:ffff:ffff:ffff:ffff:ffff', undefined],
    ['2001::', 'reserved'],
    ['2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff', 'reserved'],
    ['2001:200::', undefined],
    ['2001:db7:ffff:ffff:ffff:ffff:ffff:ffff', undefined],
    ['2001:db8::1', 'reserved'],
    ['2001:db9::', undefined],
    ['2001:4860:4860::8888', undefined],
    ['2002:c0a8:101::1', 'reserved'],
    ['2003::', undefined],
    ['3ffe:ffff:ffff::', undefined],
    ['3fff::', 'reserved'],
    ['3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff', 'reserved'],
    ['3fff:1000::', undefined],
    ['4000::', 'reserved'],
    ['fc00::', 'private'],
    ['fdff:ffff::1', 'private'],
    ['fe00::', 'reserved'],
    ['fe80::1', 'reserved'],
    ['fec0::1', 'private'],
    ['ff02::1', 'reserved'],
    ['::ffff:10.0.0.1', 'private'],
    ['::ffff:a00:1', 'private'],
    ['::ffff:8.8.8.8', undefined],
    ['8.0.0.0/8', undefined],
    ['8.0.0.0/6', 'private'],
    ['10.20.0.0/16', 'private'],
    ['192.168.1.0/24', 'private'],
    ['0.0.0.0/0', 'reserved'],
    ['2600::/16', undefined],
    ['2620:4f::/32', 'reserved'],
    ['::/0', 'reserved'],
    ['evil.com', undefined],
    ['', undefined],
  ]
  for (const [text, scope] of rows) t.equal(findSpecialRange(text)?.scope, scope, text)
  t.end()
})

t.test('IPv4 is special exactly where ipaddr.js says so', (t) => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 0xffffffff }), (address) => {
      const text = formatIpv4(address)
      return (findSpecialRange(text) !== undefined) === (ipaddr.parse(text).range() !== 'unicast')
    }),
    { seed, numRuns: 20_000 },
  )
  t.end()
})

t.test('IPv6 is special where ipaddr.js says so, and outside 2000::/3', (t) => {
  const group = fc.integer({ min: 0, max: 0xffff })
  const top = fc.oneof(
    fc.constantFrom(0, 0x64, 0x100, 0x2001, 0x2002, 0x2620, 0x3fff, 0x5f00, 0xfc00, 0xfe80, 0xff02),
    group,
  )
  const second = fc.oneof(fc.constantFrom(0, 1, 2, 3, 4, 0x4f, 0xdb8, 0xff9b), group)
  fc.assert(
    fc.property(top, second, fc.array(group, { minLength: 6, maxLength: 6 }), (a, b, rest) => {
      const theirs = new ipaddr.IPv6([a, b, ...rest])
      fc.pre(!theirs.isIPv4MappedAddress())
      const global = theirs.range() === 'unicast' && a >= 0x2000 && a <= 0x3fff
      return (findSpecialRange(theirs.toRFC5952String()) === undefined) === global
    }),
    { seed, numRuns: 20_000 },
  )
  t.end()
})
