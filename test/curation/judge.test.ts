import { createHash } from 'node:crypto'
import t from 'tap'
import {
  defaultJudgeSettings,
  type JudgedInput,
  judge,
  nextJudgement,
} from '../../src/curation/judge.ts'
import { type Reason, reasonNames, reasons } from '../../src/curation/reasons.ts'
import { normalForm } from '../../src/model/normal-form.ts'
import { isObservableType, observableTypes } from '../../src/model/observable.ts'

const now = new Date('2024-06-01T00:00:00Z')

function judged(type: string, raw: string, more: Partial<JudgedInput> = {}): JudgedInput {
  const form = isObservableType(type) ? normalForm(type, raw) : undefined
  const value = form?.ok ? form.value : raw
  return {
    type: form?.ok ? form.type : type,
    value,
    problem: form && !form.ok ? form.problem : undefined,
    active: true,
    validUntil: undefined,
    public: true,
    ...more,
  }
}

function reasonsFor(input: JudgedInput): readonly Reason[] {
  return judge(input, now).map((suppression) => suppression.reason)
}

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
    ['cidr', '93.184.0.0/16'],
    ['cidr', '192.168.5.0/24', 'private-address'],
    ['cidr', '192.0.0.0/8', 'reserved-address'],
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
  const input = judged('ipv4', '10.0.0.1', { active: false, public: false, validUntil: past })
  t.same(reasonsFor(input), ['private-address', 'inactive', 'expired', 'not-public'])
  t.same(judge({ ...input, value: '10.0.0.9' }, now)[0], {
    reason: 'private-address',
    detail: '10.0.0.9 lies in 10.0.0.0/8 (private use, RFC 1918)',
    rule: 'range:10.0.0.0/8',
  })
  t.same(reasonsFor(judged('ja3', 'nonsense')), ['syntax', 'held-back-type'])
  t.end()
})

t.test('an assertion expires at its very end, and is judged again then', (t) => {
  const validUntil = now
  const input = judged('ipv4', '93.184.216.34', { validUntil })
  const before = new Date(now.getTime() - 1)
  t.same(judge(input, before), [])
  t.same(nextJudgement(input, before), validUntil)
  t.same(reasonsFor(input), ['expired'])
  t.equal(nextJudgement(input, now), undefined)
  t.equal(nextJudgement(judged('ipv4', '93.184.216.34'), now), undefined)
  t.end()
})

t.test('the settings permit what is held back by default', (t) => {
  const hash = '3395856ce81f2b7382dee72602f798b642f14140'
  const hidden = judged('ssl-cert-fingerprint', hash, { public: false })
  t.equal(judge(hidden, now).length, 2)
  t.same(judge(hidden, now, { allowNonPublic: true, heldBackTypes: [] }), [])
  const only = judge(judged('cve', 'CVE-2021-44228'), now, {
    ...defaultJudgeSettings,
    heldBackTypes: ['cve'],
  })
  t.same(only, [{ reason: 'held-back-type', detail: 'cve is held back', rule: 'type:cve' }])
  t.end()
})

t.test('every reason has a sentence, and reasons come in the order of the list', (t) => {
  for (const reason of reasonNames) t.match(reasons[reason], /^[A-Z].*\.$/, reason)
  for (const type of observableTypes) {
    const input = judged(type, '', { active: false, public: false, validUntil: new Date(0) })
    const order = reasonsFor(input).map((reason) => reasonNames.indexOf(reason))
    t.same(
      order,
      order.toSorted((a, b) => a - b),
      type,
    )
  }
  t.end()
})
