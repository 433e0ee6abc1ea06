import t, { type Test } from 'tap'
import { normalForm } from '../../src/model/normal-form.ts'
import type { ObservableType } from '../../src/model/observable.ts'

/** [value as it came, normal form or undefined where it is refused, its type where it was corrected] */
type Row = readonly [string, string | undefined, ObservableType?]

function check(t: Test, type: ObservableType, rows: readonly Row[]): void {
  for (const [value, expected, corrected = type] of rows) {
    const result = normalForm(type, value)
    // Escaped, since TAP takes U+2028 for the end of a line.
    const label = `${type} ${encodeURI(value.slice(0, 80).toWellFormed())}`
    if (expected === undefined) t.equal(result.ok, false, label)
    else t.same(result, { ok: true, type: corrected, value: expected }, label)
  }
  t.end()
}

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

t.test('domain', (t) =>
  check(t, 'domain', [
    ['Evil.COM', 'evil.com'],
    ['evil.com.', 'evil.com'],
    ['evil[.]com', 'evil.com'],
    ['evil(.)com', 'evil.com'],
    ['evil{.}com', 'evil.com'],
    ['evil[dot]com', 'evil.com'],
    ['evil\\.com', 'evil.com'],
    ['münchen.de', 'xn--mnchen-3ya.de'],
    ['MÜNCHEN.de', 'xn--mnchen-3ya.de'],
    ['xn--mnchen-3ya.de', 'xn--mnchen-3ya.de'],
    ['пример.рф', 'xn--e1afmkfd.xn--p1ai'],
    ['evil。com', 'evil.com'],
    ['ev\u200bil.com', 'evil.com'],
    ['_dmarc.evil.com', '_dmarc.evil.com'],
    ['my_host.evil.com', 'my_host.evil.com'],
    ['foo-.blogspot.com', 'foo-.blogspot.com'],
    ['abcdefghijklmnop.onion', 'abcdefghijklmnop.onion'],
    ['co.uk', 'co.uk'],
    [`${'a'.repeat(63)}.com`, `${'a'.repeat(63)}.com`],
    ['1.2.3.4', '1.2.3.4', 'ipv4'],
    ['1[.]2[.]3[.]4', '1.2.3.4', 'ipv4'],
    ['1.2.3.0/24', '1.2.3.0/24', 'cidr'],
    ['2001:db8::1', '2001:db8::1', 'ipv6'],
    ['[2001:db8::1]', '2001:db8::1', 'ipv6'],
    ['hxxp://evil[.]com/a', 'http://evil.com/a', 'url'],
    ['4chan.org', '4chan.org'],
    [`${'a'.repeat(64)}.com`, undefined],
    [`${'abcdefgh.'.repeat(28)}com`, undefined],
    ['com', undefined],
    ['localhost', undefined],
    ['*.evil.com', undefined],
    ['.evil.com', undefined],
    ['evil..com', undefined],
    ['evil.com..', undefined],
    ['evil.com/path', undefined],
    ['evil.com:8080', undefined],
    ['evil.com?x', undefined],
    ['user@evil.com', undefined],
    ['evil com', undefined],
    ['evil.com evil.org', undefined],
    ['evil.123', undefined],
    ['1.2.3', undefined],
    ['127.1', undefined],
    ['１.２.３.４', undefined],
    ['evil.0x1', undefined],
    ['evil.c', undefined],
    ['evil.c_m', undefined],
    ['evil.com／path', undefined],
    ['%65vil.com', undefined],
    ['evil!.com', undefined],
    ['évil/.com', undefined],
    ['évil@a.com', undefined],
    ['ev[[.]]il.com', undefined],
    ['\ud800.com', undefined],
    ['evil.com\u0000', undefined],
    ['.', undefined],
    ['a'.repeat(100_000), undefined],
  ]),
)

t.test('URL', (t) =>
  check(t, 'url', [
    ['http://evil.com', 'http://evil.com/'],
    ['http://evil.com/', 'http://evil.com/'],
    ['HTTP://EVIL.com/Path?Q=A', 'http://evil.com/Path?Q=A'],
    ['hxxp://evil[.]com/a.php', 'http://evil.com/a.php'],
    ['hXXps://evil[.]com/a[.]php', 'https://evil.com/a.php'],
    ['h**p://evil.com/a', 'http://evil.com/a'],
    ['http[:]//evil.com/a', 'http://evil.com/a'],
    ['https[://]evil.com/a', 'https://evil.com/a'],
    ['fxp://evil.com/a', 'ftp://evil.com/a'],
    ['http://evil[.]com/a[.]php?x=b[.]c', 'http://evil.com/a.php?x=b.c'],
    ['http://evil.com/a?x[.]=1', 'http://evil.com/a?x[.]=1'],
    ['evil.com/path', 'http://evil.com/path'],
    ['evil[.]com/path', 'http://evil.com/path'],
    ['evil.com', 'http://evil.com/'],
    ['evil.com:8080/x', 'http://evil.com:8080/x'],
    ['//evil.com/x', 'http://evil.com/x'],
    ['1.2.3.4/x', 'http://1.2.3.4/x'],
    ['http://evil.com:80/', 'http://evil.com/'],
    ['https://evil.com:443/', 'https://evil.com/'],
    ['http://evil.com:8080/', 'http://evil.com:8080/'],
    ['http://evil.com./a', 'http://evil.com/a'],
    ['http://münchen.de/ä', 'http://xn--mnchen-3ya.de/%C3%A4'],
    ['http://user:pass@evil.com/a', 'http://evil.com/a'],
    ['http://paypal.com@evil.com/a', 'http://evil.com/a'],
    ['ftp://anonymous:x@evil.com/f', 'ftp://evil.com/f'],
    ['http://evil.com/a#victim@example.org', 'http://evil.com/a'],
    ['http://evil.com/a#', 'http://evil.com/a'],
    ['https://mega.nz/#F!abc', 'https://mega.nz/#F!abc'],
    ['https://evil.com/app#!/login', 'https://evil.com/app#!/login'],
    ['https://evil.com/app#/login', 'https://evil.com/app#/login'],
    ['http://evil.com/a?', 'http://evil.com/a'],
    ['http://evil.com/a/../b/./c', 'http://evil.com/b/c'],
    ['http://evil.com//a//b', 'http://evil.com//a//b'],
    ['http://evil.com/%zz%2e', 'http://evil.com/%zz%2e'],
    ['http://evil.com/a|b', 'http://evil.com/a|b'],
    ['http://evil.com/a"b<c>', 'http://evil.com/a%22b%3Cc%3E'],
    ["http://evil.com/a'b&c=d;e", "http://evil.com/a'b&c=d;e"],
    ['http:///evil.com/a', 'http://evil.com/a'],
    ['http://0x7f.1/a', 'http://127.0.0.1/a'],
    ['http://[2001:DB8::1]:8080/a', 'http://[2001:db8::1]:8080/a'],
    ['http://localhost/a', 'http://localhost/a'],
    ['http://intranet/a', 'http://intranet/a'],
    ['http://my_host.evil.com/a', 'http://my_host.evil.com/a'],
    ['/gate.php?id=1', '/gate.php?id=1', 'uri'],
    ['http://', undefined],
    ['http:///', undefined],
    ['http://?x', undefined],
    ['http://evil.com/a b', undefined],
    ['http://evil.com/a\tb', undefined],
    ['http://evil.com/\u00a0', 'http://evil.com/'],
    ['http://evil.com/a\u2028b', undefined],
    ['http://ev il.com/', undefined],
    ['http://evil.com:99999/', undefined],
    ['http://evil..com/', undefined],
    ['http://evil!.com/', undefined],
    ['http://*.evil.com/', undefined],
    ['http://1.2.3.256/', undefined],
    ['http://[fe80::1%25eth0]/', undefined],
    [`http://${'a'.repeat(64)}.com/`, undefined],
    ['javascript:alert(1)', undefined],
    ['mailto:joe@example.com', undefined],
    ['joe@example.com/x', undefined],
    ['data:text/html,x', undefined],
    ['file:///etc/passwd', undefined],
    ['ssh://evil.com/', undefined],
    ['http:/evil.com', undefined],
    ['http:\\\\evil.com', undefined],
    ['word', undefined],
    ['word/path', undefined],
    ['?x', undefined],
    ['#x', undefined],
    [`http://evil.com/${'a'.repeat(4096)}`, undefined],
    [`http://evil.com/${'ä'.repeat(1000)}`, undefined],
  ]),
)

t.test('URI', (t) =>
  check(t, 'uri', [
    [' /gate.php?id=1 ', '/gate.php?id=1'],
    ['evil.com/x', 'evil.com/x'],
    ['hxxp://evil.com/x', 'http://evil.com/x', 'url'],
    ['http://', undefined],
    ['/a b', undefined],
    ['/a\u0000', undefined],
  ]),
)

t.test('e-mail address', (t) =>
  check(t, 'email', [
    ['Joe.Doe@Evil.COM', 'Joe.Doe@evil.com'],
    ['joe[at]evil[.]com', 'joe@evil.com'],
    ['joe(at)evil(dot)com', 'joe@evil.com'],
    ['joe[@]evil.com', 'joe@evil.com'],
    ['mailto:joe@evil.com', 'joe@evil.com'],
    ["o'neil+tag@evil.com", "o'neil+tag@evil.com"],
    ['joe@münchen.de', 'joe@xn--mnchen-3ya.de'],
    ['jörg@evil.com', 'jörg@evil.com'],
    ['joe@evil.com.', 'joe@evil.com'],
    ['joe', undefined],
    ['joe@', undefined],
    ['@evil.com', undefined],
    ['joe@@evil.com', undefined],
    ['joe@doe@evil.com', undefined],
    ['joe@localhost', undefined],
    ['joe@1.2.3.4', undefined],
    ['joe@[1.2.3.4]', undefined],
    ['Joe <joe@evil.com>', undefined],
    ['"joe doe"@evil.com', undefined],
    ['joe doe@evil.com', undefined],
    ['joe@evil.com,ann@evil.com', undefined],
    ['jo\u200be@evil.com', undefined],
    [`${'a'.repeat(64)}@evil.com`, `${'a'.repeat(64)}@evil.com`],
    [`${'a'.repeat(65)}@evil.com`, undefined],
    [`${'a'.repeat(60)}@${'abcdefg.'.repeat(25)}com`, undefined],
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
