import t from 'tap'
import { createOwnNetwork } from '../../src/curation/own-network.ts'
import { normalForm } from '../../src/model/normal-form.ts'
import type { ObservableType } from '../../src/model/observable.ts'

const ownNetwork = createOwnNetwork({
  ownDomains: ['harbour.example-corp.com', 'corp.co.uk'],
  ownRanges: ['198.18.64.0/22', '93.184.216.34', '2606:2800:220::/48'],
})

function ruleFor(type: ObservableType, raw: string): string | undefined {
  const form = normalForm(type, raw)
  if (!form.ok) throw new Error(`${raw} ${form.problem}`)
  return ownNetwork(form.type, form.value)?.rule
}

const domain = 'own-domain:harbour.example-corp.com'
const range = 'own-range:198.18.64.0/22'
const address = 'own-range:93.184.216.34'
const ipv6 = 'own-range:2606:2800:220::/48'

t.test('a domain of ours, all below it, and whatever names a host there is ours', (t) => {
  const rows: readonly (readonly [ObservableType, string, string?])[] = [
    ['domain', 'harbour.example-corp.com', domain],
    ['domain', 'HARBOUR.example-corp.com.', domain],
    ['domain', 'www.harbour.example-corp.com', domain],
    ['domain', 'a.b.c.harbour.example-corp.com', domain],
    ['domain', 'notharbour.example-corp.com'],
    ['domain', 'example-corp.com'],
    ['domain', 'harbour.example-corp.com.evil.com'],
    ['domain', 'corp.co.uk', 'own-domain:corp.co.uk'],
    ['domain', 'co.uk'],
    ['url', 'https://www.harbour.example-corp.com:8443/a?b=c', domain],
    ['url', 'https://user@harbour.example-corp.com/', domain],
    ['url', 'https://evil.com/harbour.example-corp.com'],
    ['url', 'https://harbour.example-corp.com@evil.com/'],
    ['email', 'joe@harbour.example-corp.com', domain],
    ['email', 'joe@mx.harbour.example-corp.com', domain],
    ['email', 'harbour.example-corp.com@evil.com'],
    ['mutex', 'harbour.example-corp.com'],
  ]
  for (const [type, raw, rule] of rows) t.equal(ruleFor(type, raw), rule, `${type} ${raw}`)
  t.end()
})

t.test('addresses in our ranges and networks that overlap them are ours', (t) => {
  const rows: readonly (readonly [ObservableType, string, string?])[] = [
    ['ipv4', '198.18.64.0', range],
    ['ipv4', '198.18.67.255', range],
    ['ipv4', '198.18.68.0'],
    ['ipv4', '198.18.63.255'],
    ['ipv4', '93.184.216.34', address],
    ['ipv4', '93.184.216.35'],
    ['ipv6', '::ffff:93.184.216.34', address],
    ['ipv6', '2606:2800:220:ffff::1', ipv6],
    ['ipv6', '2606:2800:221::1'],
    ['cidr', '198.18.66.0/24', range],
    ['cidr', '198.18.0.0/16', range],
    ['cidr', '198.18.68.0/24'],
    ['cidr', '93.184.216.0/24', address],
    ['cidr', '2606:2800::/32', ipv6],
    ['url', 'http://198.18.65.1:8080/a', range],
    ['url', 'http://[2606:2800:220::5]/a', ipv6],
    ['url', 'http://198.18.68.1/a'],
  ]
  for (const [type, raw, rule] of rows) t.equal(ruleFor(type, raw), rule, `${type} ${raw}`)
  t.end()
})

t.test('it is told how it is ours', (t) => {
  const told = (type: ObservableType, value: string) => ownNetwork(type, value)?.detail
  const name = 'harbour.example-corp.com'
  t.equal(told('domain', name), `${name} is our own`)
  t.equal(told('email', `joe@mx.${name}`), `mx.${name} lies under our own ${name}`)
  t.equal(told('ipv4', '93.184.216.34'), '93.184.216.34 is our own')
  t.equal(told('ipv4', '198.18.64.1'), '198.18.64.1 lies in our own 198.18.64.0/22')
  t.equal(told('cidr', '198.18.0.0/16'), '198.18.0.0/16 overlaps our own 198.18.64.0/22')
  t.end()
})

t.test('where nothing is ours nothing is found', (t) => {
  const nothing = createOwnNetwork({ ownDomains: [], ownRanges: [] })
  t.equal(nothing('domain', 'harbour.example-corp.com'), undefined)
  t.equal(nothing('ipv4', '198.18.64.1'), undefined)
  t.end()
})
