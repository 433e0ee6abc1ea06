import { createHash } from 'node:crypto'
import t from 'tap'
import { createJudge, type JudgedInput, nextJudgement } from '../../src/curation/judge.ts'
import { completePolicy, defaultPolicy, type PolicySettings } from '../../src/curation/policy.ts'
import { type Reason, reasonNames, reasons } from '../../src/curation/reasons.ts'
import type { WarninglistEffect, WarninglistMatch } from '../../src/curation/warninglists.ts'
import { normalForm } from '../../src/model/normal-form.ts'
import { isObservableType, observableTypes } from '../../src/model/observable.ts'

const now = new Date('2024-06-01T00:00:00Z')
const dayMs = 86_400_000
const judge = createJudge()

function judged(type: string, raw: string, more: Partial<JudgedInput> = {}): JudgedInput {
  const form = isObservableType(type) ? normalForm(type, raw) : undefined
  const value = form?.ok ? form.value : raw
  return {
    type: form?.ok ? form.type : type,
    value,
    problem: form && !form.ok ? form.problem : undefined,
    active: true,
    refuted: false,
    validFrom: new Date(now.getTime() - dayMs),
    validUntil: undefined,
    confidence: 50,
    public: true,
    author: 'Harbour Watch',
    source: 'otx',
    ...more,
  }
}

function reasonsFor(input: JudgedInput, by = judge): readonly Reason[] {
  return by(input, now).suppressions.map((suppression) => suppression.reason)
}

const judgeBy = (settings: PolicySettings, matches: readonly WarninglistMatch[] = []) =>
  createJudge(completePolicy(settings), () => matches)

function onList(name: string, effect: WarninglistEffect, whole = true): WarninglistMatch {
  return { list: { name, title: `The list ${name}`, effect }, entry: 'an entry', whole }
}

const daysAgo = (days: number) => new Date(now.getTime() - days * dayMs)

t.test('values are judged by what they name', (t) => {
  const rows: readonly (readonly [string, string, Reason?])[] = [
    ['ipv4', '93.184.216.34'],
    ['ipv4', '10.1.2.3', 'private-address'],
    ['ipv4', '100.64.0.1', 'private-address'],
    ['ipv4', '127.0.0.1', 'reserved-address'],
    ['ipv4', '224.0.0.251', 'reserved-address'],
    ['ipv4', '203.0.113.9', 'reserved-address'],
    ['ipv4', '999.1.1.1', 'syntax'],
    ['ipv6', '2606:2800:220:1::1'],
    ['ipv6', 'fd00::1', 'private-address'],
    ['ipv6', 'fe80::1', 'reserved-address'],
    ['ipv6', '::ffff:192.168.1.1', 'private-address'],
    ['cidr', '93.184.0.0/20'],
    ['cidr', '93.184.0.0/19', 'broad-network'],
    ['cidr', '2606:2800:220::/48'],
    ['cidr', '2606:2800:220::/47', 'broad-network'],
    ['cidr', '192.168.5.0/24', 'private-address'],
    ['domain', 'evil.com'],
    ['domain', 'example.com.evil.com'],
    ['domain', 'notexample.com'],
    ['domain', 'www.example.com', 'reserved-domain'],
    ['domain', 'example.org', 'reserved-domain'],
    ['domain', 'printer.local', 'reserved-domain'],
    ['domain', 'db.prod.internal', 'reserved-domain'],
    ['domain', '34.216.184.93.in-addr.arpa', 'reserved-domain'],
    ['domain', 'abcdefghijklmnop.onion'],
    ['domain', 'co.uk', 'public-suffix'],
    ['domain', 'github.io', 'public-suffix'],
    ['domain', 'duckdns.org', 'public-suffix'],
    ['domain', 'evil.github.io'],
    ['domain', 'evil.co.uk'],
    ['domain', 'www.ck'],
    ['domain', 'com', 'syntax'],
    ['url', 'http://evil.com/a'],
    ['url', 'http://github.io/a'],
    ['url', 'http://10.0.0.1:8080/a', 'private-address'],
    ['url', 'http://0x7f.1/a', 'reserved-address'],
    ['url', 'http://[::1]:80/a', 'reserved-address'],
    ['url', 'http://[::ffff:10.0.0.1]/a', 'private-address'],
    ['url', 'http://[2606:2800:220:1::1]:8080/a'],
    ['url', 'http://localhost:3000/', 'reserved-domain'],
    ['url', 'http://intranet/a', 'reserved-domain'],
    ['url', 'https://shop.example.net/a?b=c', 'reserved-domain'],
    ['url', 'http://evil.com/http://localhost/'],
    ['email', 'joe@evil.com'],
    ['email', 'joe@example.com', 'reserved-domain'],
    ['email', 'joe@mail.test', 'reserved-domain'],
    ['md5', 'D41D8CD98F00B204E9800998ECF8427E', 'empty-file-hash'],
    ['sha256', '44d88612fea8a8f36de82e1278abb02f', 'eicar'],
    ['md5', 'd41d8cd98f00b204e9800998ecf8427f'],
    ['imphash', 'd41d8cd98f00b204e9800998ecf8427e'],
    ['ja3', 'd41d8cd98f00b204e9800998ecf8427e', 'held-back-type'],
    ['osquery', 'SELECT 1', 'held-back-type'],
    ['bitcoin-address', '1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa', 'held-back-type'],
    ['ssl-cert-fingerprint', '3395856ce81f2b7382dee72602f798b642f14140', 'held-back-type'],
    ['cve', 'CVE-2021-44228'],
    ['yara', 'rule a { condition: false }'],
    ['uri', '/gate.php'],
    ['mutex', 'Global\\evil'],
    ['NIDS', 'alert tcp', 'unknown-type'],
    ['constructor', 'x', 'unknown-type'],
  ]
  for (const [type, raw, reason] of rows)
    t.same(reasonsFor(judged(type, raw)), reason ? [reason] : [], `${type} ${raw}`)
  t.end()
})

t.test('all hashes of harmless files are known, computed from the files themselves', (t) => {
  // In two halves, so that no scanner takes this test for the test file.
  const eicar = ['X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-', 'STANDARD-ANTIVIRUS-TEST-FILE!$H+H*'].join(
    '',
  )
  const files: readonly (readonly [string, Reason])[] = [
    ['', 'empty-file-hash'],
    [eicar, 'eicar'],
    [`${eicar}\n`, 'eicar'],
    [`${eicar}\r\n`, 'eicar'],
  ]
  for (const [content, reason] of files) {
    for (const type of ['md5', 'sha1', 'sha256'] as const) {
      const hash = createHash(type).update(content).digest('hex')
      t.same(reasonsFor(judged(type, hash)), [reason], `${type} ${hash}`)
    }
  }
  t.end()
})

t.test('time, activity and publicity are judged beside the value, in a fixed order', (t) => {
  const past = new Date(now.getTime() - 1)
  const more = { active: false, refuted: true, public: false, validUntil: past }
  const input = judged('ipv4', '10.0.0.1', more)
  t.same(reasonsFor(input), ['private-address', 'inactive', 'refuted', 'expired', 'not-public'])
  t.same(judge({ ...input, value: '10.0.0.9' }, now).suppressions[0], {
    reason: 'private-address',
    detail: '10.0.0.9 lies in 10.0.0.0/8 (private use, RFC 1918)',
    rule: 'range:10.0.0.0/8',
  })
  t.same(reasonsFor(judged('ja3', 'nonsense')), ['syntax', 'held-back-type'])
  t.same(reasonsFor(judged('cidr', '192.0.0.0/8')), ['reserved-address', 'broad-network'])
  t.end()
})

t.test('an assertion expires at its very end, and is judged again then', (t) => {
  const validUntil = now
  const input = judged('ipv4', '93.184.216.34', { validUntil })
  const before = new Date(now.getTime() - 1)
  const verdict = judge(input, before)
  t.same(verdict, { suppressions: [], remarks: [], confidence: 50, endsAt: validUntil })
  t.same(nextJudgement(verdict, before), validUntil)
  t.same(judge(input, now).suppressions, [
    {
      reason: 'expired',
      detail: 'valid until 2024-06-01T00:00:00.000Z',
      rule: 'source:valid-until',
    },
  ])
  t.equal(nextJudgement(judge(input, now), now), undefined)
  t.end()
})

t.test('what has no end of its own ages, by type; what has one does not', (t) => {
  const aged = (type: string, raw: string, days: number, more: Partial<JudgedInput> = {}) =>
    reasonsFor(judged(type, raw, { validFrom: daysAgo(days), ...more })).length > 0
  const rows: readonly (readonly [string, string, number])[] = [
    ['ipv4', '93.184.216.34', 30],
    ['ipv6', '2606:2800:220:1::1', 30],
    ['cidr', '93.184.216.0/24', 30],
    ['domain', 'evil.com', 90],
    ['url', 'http://evil.com/a', 90],
    ['uri', '/gate.php', 90],
    ['email', 'joe@evil.com', 90],
    ['md5', '0123456789abcdef0123456789abcdef', 365],
    ['imphash', '0123456789abcdef0123456789abcdef', 365],
    ['file-path', 'C:\\evil.exe', 365],
    ['mutex', 'Global\\evil', 365],
  ]
  for (const [type, raw, days] of rows) {
    t.notOk(aged(type, raw, days - 0.001), `${type} counts until it is ${days} days old`)
    t.ok(aged(type, raw, days), `${type} no longer`)
    t.notOk(aged(type, raw, days * 2, { validUntil: new Date(now.getTime() + 1) }), type)
  }
  t.notOk(aged('cve', 'CVE-2021-44228', 10_000), 'a type without an age counts for ever')
  const old = judge(judged('ipv4', '93.184.216.34', { validFrom: daysAgo(31) }), now)
  t.same(old.suppressions, [
    {
      reason: 'aged',
      detail: 'asserted at 2024-05-01T00:00:00.000Z; ipv4 counts for 30 days',
      rule: 'age:ipv4',
    },
  ])
  t.same(old.endsAt, daysAgo(1))
  t.end()
})

t.test('what begins at the end of time ages within what the store holds', (t) => {
  const validFrom = new Date('9999-12-31T23:59:59Z')
  const { endsAt, suppressions } = judge(
    judged('domain', 'far.taxiway-demo.com', { validFrom }),
    now,
  )
  t.strictSame(endsAt, new Date('9999-12-31T23:59:59.999Z'))
  t.strictSame(suppressions, [])
  t.end()
})

t.test("a source's ages go before those of all, and 0 is for ever", (t) => {
  const by = judgeBy({
    ageDays: { domain: 5, ipv4: 0 },
    sources: { otx: { ageDays: { domain: 0, md5: 2 } }, slow: { ageDays: { domain: 9 } } },
  })
  const aged = (type: string, raw: string, days: number, source = 'otx') =>
    reasonsFor(judged(type, raw, { validFrom: daysAgo(days), source }), by).length > 0
  t.notOk(aged('domain', 'evil.com', 5_000))
  t.ok(aged('domain', 'evil.com', 5, 'else'))
  t.notOk(aged('domain', 'evil.com', 8, 'slow'))
  t.ok(aged('domain', 'evil.com', 9, 'slow'))
  t.ok(aged('md5', '0123456789abcdef0123456789abcdef', 2))
  t.notOk(aged('md5', '0123456789abcdef0123456789abcdef', 300, 'else'), 'what is not named stays')
  t.notOk(aged('ipv4', '93.184.216.34', 5_000))
  t.notOk(aged('domain', 'evil.com', 4, 'constructor'))
  t.end()
})

t.test('confidence is of the author, else of the source, else as it came', (t) => {
  const by = judgeBy({ sources: { otx: { confidence: 20, authors: { Trusted: 90, Noisy: 0 } } } })
  const of = (author: string, source: string) =>
    by(judged('domain', 'evil.com', { author, source }), now).confidence
  t.equal(of('Trusted', 'otx'), 90)
  t.equal(of('Noisy', 'otx'), 0)
  t.equal(of('Anybody', 'otx'), 20)
  t.equal(of('constructor', 'otx'), 20)
  t.equal(of('Trusted', 'else'), 50)
  t.end()
})

t.test('lists keep out, lower once however many there are, or only tell', (t) => {
  const input = judged('domain', 'evil.com', { confidence: 75 })
  const lowering = [onList('a', 'lower'), onList('b', 'lower'), onList('c', 'inform')]
  const lowered = judgeBy({}, lowering)(input, now)
  t.same(lowered.suppressions, [])
  t.equal(lowered.confidence, 37, 'half of it, rounded down')
  t.same(lowered.remarks[0], { rule: 'warninglist:a', detail: 'it is on "The list a": an entry' })
  t.equal(lowered.remarks.length, 3)
  t.equal(judgeBy({ listedConfidencePercent: 10 }, lowering)(input, now).confidence, 7)

  const blocked = judgeBy({}, [onList('a', 'block'), onList('b', 'lower')])(input, now)
  t.same(blocked.suppressions, [
    { reason: 'warninglist', rule: 'warninglist:a', detail: 'it is on "The list a": an entry' },
  ])
  const whereItLies = judgeBy({}, [onList('a', 'block', false), onList('b', 'lower', false)])
  t.same(whereItLies(judged('url', 'https://github.com/evil/a.exe', { confidence: 75 }), now), {
    suppressions: [],
    remarks: [
      { rule: 'warninglist:a', detail: 'where it lies is on "The list a": an entry' },
      { rule: 'warninglist:b', detail: 'where it lies is on "The list b": an entry' },
    ],
    confidence: 75,
    endsAt: new Date(input.validFrom.getTime() + 90 * dayMs),
  })
  const syntax = judgeBy({}, [onList('a', 'block')])
  t.same(reasonsFor(judged('ipv4', '999.1.1.1'), syntax), ['syntax'], 'lists know normal forms')
  t.end()
})

t.test('the policy says what is held back and how broad a network may be', (t) => {
  const hash = '3395856ce81f2b7382dee72602f798b642f14140'
  t.same(reasonsFor(judged('ssl-cert-fingerprint', hash), judgeBy({ heldBackTypes: [] })), [])
  const only = judgeBy({ heldBackTypes: ['cve'] })(judged('cve', 'CVE-2021-44228'), now)
  t.same(only.suppressions, [
    { reason: 'held-back-type', detail: 'cve is held back', rule: 'type:cve' },
  ])
  const narrow = judgeBy({ broadestCidr: { ipv4: 25 } })
  t.same(narrow(judged('cidr', '93.184.216.0/24'), now).suppressions, [
    {
      reason: 'broad-network',
      detail: '93.184.216.0/24 is larger than a /25',
      rule: 'cidr:ipv4/25',
    },
  ])
  t.same(reasonsFor(judged('cidr', '93.184.216.0/25'), narrow), [])
  t.same(reasonsFor(judged('cidr', '2606:2800:220::/47'), narrow), ['broad-network'])
  t.end()
})

t.test('a policy that is asked for nothing is the default one', (t) => {
  t.same(completePolicy({}), defaultPolicy)
  t.end()
})

t.test('every reason has a sentence, and reasons come in the order of the list', (t) => {
  for (const reason of reasonNames) t.match(reasons[reason], /^[A-Z].*\.$/, reason)
  for (const type of observableTypes) {
    const more = { active: false, refuted: true, public: false, validUntil: new Date(0) }
    const order = reasonsFor(judged(type, '', more)).map((reason) => reasonNames.indexOf(reason))
    t.same(
      order,
      order.toSorted((a, b) => a - b),
      type,
    )
  }
  t.end()
})
