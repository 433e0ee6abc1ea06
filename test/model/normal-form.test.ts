import t from 'tap'
import { normalForm } from '../../src/model/normal-form.ts'
import { checkNormalForms as check } from '../helpers/normal-form-rows.ts'

const md5 = '44d88612fea8a8f36de82e1278abb02f'
const sha1 = '3395856ce81f2b7382dee72602f798b642f14140'
const sha256 = '275a021bbfb6489e54d471899f7db9d1663fc695ec2fe2a2c4538aabf651fd0f'

t.test('IPv4', (t) =>
  check(t, 'ipv4', [
    ['93.184.216.34', '93.184.216.34'],
    [' 93.184.216.34\n', '93.184.216.34'],
    ['93[.]184[.]216[.]34', '93.184.216.34'],
    ['93(.)184.216[dot]34', '93.184.216.34'],
    ['93.184.216.34/32', '93.184.216.34'],
    ['93.184.216.34/24', '93.184.216.0/24', 'cidr'],
    ['0.0.0.0', '0.0.0.0'],
    ['255.255.255.255', '255.255.255.255'],
    ['2001:DB8::1', '2001:db8::1', 'ipv6'],
    ['::ffff:93.184.216.34', '93.184.216.34'],
    ['093.184.216.34', undefined],
    ['1.2.3.04', undefined],
    ['1.2.3.00', undefined],
    ['127.1', undefined],
    ['2130706433', undefined],
    ['0x7f.0.0.1', undefined],
    ['1.2.3.256', undefined],
    ['1.2.3.4.5', undefined],
    ['1.2.3.', undefined],
    ['.1.2.3.4', undefined],
    ['1..2.3', undefined],
    ['1.2.3.4:8080', undefined],
    ['1.2.3.-4', undefined],
    ['1.2.3.4-1.2.3.9', undefined],
    ['1.2.3.4, 1.2.3.5', undefined],
    ['１.２.３.４', undefined],
    ['evil.com', undefined],
    ['', undefined],
    ['   ', undefined],
  ]),
)

t.test('IPv6', (t) =>
  check(t, 'ipv6', [
    ['2001:0DB8:0000:0000:0001:0000:0000:0001', '2001:db8::1:0:0:1'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['[2001:db8::1]', '2001:db8::1'],
    ['2001[:]db8[:][:]1', '2001:db8::1'],
    ['2001:db8::1/128', '2001:db8::1'],
    ['2001:db8::1/64', '2001:db8::/64', 'cidr'],
    ['::FFFF:1.2.3.4', '1.2.3.4', 'ipv4'],
    ['0:0:0:0:0:ffff:102:304', '1.2.3.4', 'ipv4'],
    ['64:ff9b::1.2.3.4', '64:ff9b::102:304'],
    ['1.2.3.4', '1.2.3.4', 'ipv4'],
    ['::', '::'],
    ['fe80::1%eth0', undefined],
    ['fe80::1%25eth0', undefined],
    ['2001:db8::1::2', undefined],
    ['2001:db8', undefined],
    ['2001:db8::12345', undefined],
    ['2001:db8::g', undefined],
    ['[2001:db8::1]:443', undefined],
    ['2001:db8::1/129', undefined],
  ]),
)

t.test('CIDR', (t) =>
  check(t, 'cidr', [
    ['93.184.216.0/24', '93.184.216.0/24'],
    ['93.184.216.34/24', '93.184.216.0/24'],
    ['93.184.216[.]34/24', '93.184.216.0/24'],
    ['255.255.255.255/1', '128.0.0.0/1'],
    ['1.2.3.4/0', '0.0.0.0/0'],
    ['1.2.3.4/32', '1.2.3.4', 'ipv4'],
    ['1.2.3.4', '1.2.3.4', 'ipv4'],
    ['2001:db8:ffff::/32', '2001:db8::/32'],
    ['2001:db8::1/128', '2001:db8::1', 'ipv6'],
    ['::ffff:1.2.3.4/120', '1.2.3.0/24'],
    ['1.2.3.4/33', undefined],
    ['1.2.3.4/', undefined],
    ['1.2.3.4/08', undefined],
    ['1.2.3.4/-1', undefined],
    ['1.2.3.0/255.255.255.0', undefined],
    ['1.2.3.0/24/24', undefined],
    ['1.2.3/24', undefined],
  ]),
)

t.test('hashes take the type that their length tells', (t) => {
  for (const type of ['md5', 'sha1', 'sha256'] as const) {
    t.same(normalForm(type, md5.toUpperCase()), { ok: true, type: 'md5', value: md5 })
    t.same(normalForm(type, ` ${sha1}`), { ok: true, type: 'sha1', value: sha1 })
    t.same(normalForm(type, sha256), { ok: true, type: 'sha256', value: sha256 })
    for (const wrong of [md5.slice(1), `${md5.slice(1)}g`, `0x${md5}`, `${sha256}${sha256}`, 'ｆ'])
      t.equal(normalForm(type, wrong).ok, false, `${type} ${wrong}`)
  }
  t.end()
})

t.test('other hexadecimal values keep their type', (t) => {
  t.same(normalForm('imphash', md5.toUpperCase()), { ok: true, type: 'imphash', value: md5 })
  t.same(normalForm('ja3', md5), { ok: true, type: 'ja3', value: md5 })
  t.same(normalForm('pehash', sha1), { ok: true, type: 'pehash', value: sha1 })
  t.equal(normalForm('imphash', sha1).ok, false)
  t.equal(normalForm('ja3', sha256).ok, false)
  t.equal(normalForm('pehash', md5).ok, false)
  const colons = (sha1.toUpperCase().match(/../g) ?? []).join(':')
  const type = 'ssl-cert-fingerprint'
  t.same(normalForm(type, colons), { ok: true, type, value: sha1 })
  t.same(normalForm(type, sha256), { ok: true, type, value: sha256 })
  t.equal(normalForm(type, md5).ok, false)
  t.end()
})

t.test('CVE', (t) =>
  check(t, 'cve', [
    ['cve-2021-44228', 'CVE-2021-44228'],
    ['CVE-1999-0001', 'CVE-1999-0001'],
    ['CVE-2021-123', undefined],
    ['CVE-21-44228', undefined],
    ['CVE 2021-44228', undefined],
    ['CVE-2021-44228, CVE-2021-45046', undefined],
    ['2021-44228', undefined],
  ]),
)

t.test('Bitcoin address', (t) =>
  check(t, 'bitcoin-address', [
    ['1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa', '1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa'],
    ['3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy', '3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy'],
    ['BC1QAR0SRRR7XFKVY5L643LYDNW9RE59GTZZWF5MDQ', 'bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq'],
    ['bc1Qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq', undefined],
    ['1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfN0', undefined],
    ['1A1zP1', undefined],
  ]),
)

t.test('free text is trimmed and otherwise as it came', (t) => {
  for (const type of ['file-path', 'mutex', 'yara', 'osquery'] as const) {
    const value = 'C:\\Users\\[.]\\Ä b\tc\nd'
    t.same(normalForm(type, ` ${value}\n`), { ok: true, type, value })
    t.same(normalForm(type, 'a'.repeat(65_536)), { ok: true, type, value: 'a'.repeat(65_536) })
    t.equal(normalForm(type, 'a'.repeat(65_537)).ok, false)
    t.equal(normalForm(type, 'ä'.repeat(32_769)).ok, false, 'bytes are counted, not characters')
    t.equal(normalForm(type, 'a\u0000b').ok, false)
    t.equal(normalForm(type, 'a\ud800b').ok, false)
    t.equal(normalForm(type, ' \n').ok, false)
  }
  t.end()
})

t.test('a problem completes a sentence', (t) => {
  t.same(normalForm('ipv4', 'x'), { ok: false, problem: 'is not an IPv4 address' })
  t.same(normalForm('url', 'ssh://a.b/'), { ok: false, problem: 'is not http, https or ftp' })
  t.end()
})
