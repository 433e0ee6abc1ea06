import { rawJson } from '../../src/standins/raw-json.ts'
import { authors, before, type PulseMaker } from './pulse-maker.ts'

/** Pulses that OTX should not have sent, but in one form or another has. */
export function hardPulses(make: PulseMaker): Record<string, unknown>[] {
  return [
    falsePositives(make),
    syntaxErrors(make),
    dirtyText(make),
    brokenIndicators(make),
    olderShape(make),
    emptyPulse(make),
    pulseOfTheYear9999(make),
    pulseWithForbiddenKey(make),
  ]
}

const { harbour, lantern } = authors
const recent = { ageDays: 3, modifiedAgeDays: 2 }

function falsePositives(make: PulseMaker) {
  const observables: [type: string, indicator: string][] = [
    ['IPv4', '10.0.0.5'],
    ['IPv4', '192.168.1.1'],
    ['IPv4', '127.0.0.1'],
    ['IPv4', '169.254.169.254'],
    ['IPv4', '203.0.113.9'],
    ['IPv4', '224.0.0.1'],
    ['IPv6', '::1'],
    ['IPv6', 'fe80::1'],
    ['IPv6', '2001:db8::7'],
    ['CIDR', '10.0.0.0/8'],
    ['CIDR', '0.0.0.0/0'],
    ['URL', 'http://192.168.0.1/login'],
    // the empty file
    ['FileHash-MD5', 'd41d8cd98f00b204e9800998ecf8427e'],
    ['FileHash-SHA1', 'da39a3ee5e6b4b0d3255bfef95601890afd80709'],
    ['FileHash-SHA256', 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'],
    // the EICAR test file
    ['FileHash-MD5', '44d88612fea8a8f36de82e1278abb02f'],
    ['FileHash-SHA1', '3395856ce81f2b7382dee72602f798b642f14140'],
    ['FileHash-SHA256', '275a021bbfb6489e54d471899f7db9d1663fc695ec2fe2a2c4538aabf651fd0f'],
  ]
  return make.pulse({
    name: 'Extracted by a careless parser',
    author: lantern,
    tlp: 'white',
    ...recent,
    tags: ['unreviewed'],
    indicators: observables.map(([type, indicator]) =>
      make.indicator(type, { indicator, ageDays: 3 }),
    ),
  })
}

function syntaxErrors(make: PulseMaker) {
  const observables: [type: string, indicator: string][] = [
    ['IPv4', '22.300.1.1'],
    ['IPv4', '022.1.1.1'],
    ['IPv6', '3ffe::12345'],
    ['CIDR', '22.1.1.0/33'],
    ['domain', 'no_such..taxiway-demo.com'],
    ['domain', 'localhost'],
    ['hostname', 'http://taxiway-demo.com'],
    ['URL', 'htp:/taxiway-demo'],
    ['URL', 'not a url'],
    ['email', 'nobody-at-taxiway-demo.com'],
    ['FileHash-MD5', 'abc123'],
    ['FileHash-SHA256', 'zz'.repeat(32)],
    ['CVE', 'CVE-15-1'],
    // defanged, spaced and shouted: these have a normal form
    ['domain', '  Shouted-0001.TAXIWAY-DEMO.COM. '],
    ['FileHash-SHA1', 'ABCDEF0123456789ABCDEF0123456789ABCDEF01'],
    ['domain', 'bücher-0002.taxiway-demo.com'],
  ]
  return make.pulse({
    name: 'Typed by hand',
    author: harbour,
    tlp: 'white',
    ...recent,
    tags: ['unreviewed'],
    indicators: observables.map(([type, indicator]) =>
      make.indicator(type, { indicator, ageDays: 3 }),
    ),
  })
}

function dirtyText(make: PulseMaker) {
  const one = (type: string, change: Record<string, unknown>, ageDays = 3) =>
    make.indicator(type, { ageDays, change })
  return make.pulse({
    name: 'Pasted\u0000 from\ta terminal',
    author: lantern,
    tlp: 'white',
    ...recent,
    tags: ['\tloader', 'loader ', 'color\u001b[31m', '', '\u0007', '<b>&"quoted"</b>', 'naïve 😀'],
    indicators: [
      one('domain', { title: 'a <title> & "more"', description: 'bell\u0007 and ]]> and \ud800' }),
      one('URL', { indicator: "https://taxiway-demo.com/?a=1&b=<2>&c='3'" }),
      one('FilePath', { indicator: 'C:\\Temp\\<a> & b\u0001.exe' }),
      one('NIDS', { indicator: 'alert tcp any any -> any any (msg:"demo"; sid:1;)' }),
      one('NIDS', { indicator: '2099001' }),
      one('YARA', { content: '' }),
      one('Mutex', { indicator: 'x'.repeat(300) }),
    ],
    change: { description: 'Line one.\r\nLine two with \u0003 in it.\u2028Line three.' },
  })
}

function brokenIndicators(make: PulseMaker) {
  const one = (change: Record<string, unknown>) => make.indicator('domain', { ageDays: 3, change })
  return make.pulse({
    name: 'Half of it cannot be read',
    author: harbour,
    tlp: 'white',
    ...recent,
    tags: ['broken'],
    indicators: [
      one({ expiration: '9999-12-31T23:59:59' }),
      one({ created: '9999-12-31T23:59:59' }),
      one({ created: '0001-01-01T00:00:00' }),
      one({ created: '2025-02-30T00:00:00' }),
      one({ created: 'last Tuesday' }),
      one({ indicator: '' }),
      one({ indicator: null }),
      one({ type: undefined }),
      null,
      'taxiway-demo.com',
      // A literal __proto__ would set the prototype instead of making a field.
      JSON.parse(
        JSON.stringify(one({ forbidden: { polluted: true } })).replace('forbidden', '__proto__'),
      ),
      one({}),
      one({ id: rawJson('18446744073709551617') }),
      one({ id: undefined, _id: '5f3e0000000000000000aaaa' }),
    ],
  })
}

function olderShape(make: PulseMaker) {
  const older = {
    access_type: 'public',
    access_reason: '',
    access_groups: [],
    observations: 3,
    pulse_key: 'demo',
  }
  return make.pulse({
    name: 'As pulses looked in 2016',
    author: harbour,
    tlp: 'white',
    ageDays: 3300,
    modifiedAgeDays: 3200,
    tags: ['archive'],
    indicators: ['domain', 'FileHash-MD5', 'URL'].map((type) =>
      make.indicator(type, { ageDays: 3300, change: older }),
    ),
    change: { tlp: undefined, TLP: 'green', public: undefined, revision: rawJson('2.5') },
  })
}

function emptyPulse(make: PulseMaker) {
  return make.pulse({
    name: 'Nothing yet',
    author: lantern,
    tlp: 'white',
    ...recent,
    tags: [],
    indicators: [],
  })
}

function pulseOfTheYear9999(make: PulseMaker) {
  return make.pulse({
    name: 'From the year 9999',
    author: lantern,
    tlp: 'white',
    ...recent,
    tags: ['broken'],
    indicators: [make.indicator('domain', { ageDays: 3 })],
    change: { modified: '9999-12-31T23:59:59.999999' },
  })
}

function pulseWithForbiddenKey(make: PulseMaker) {
  const pulse = make.pulse({
    name: 'With a key that must not count',
    author: lantern,
    tlp: 'white',
    ...recent,
    tags: ['broken'],
    indicators: [make.indicator('domain', { ageDays: 3 })],
    change: { forbidden: { polluted: true }, created: before(3, 3) },
  })
  return JSON.parse(JSON.stringify(pulse).replace('forbidden', '__proto__'))
}
