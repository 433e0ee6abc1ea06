import fc from 'fast-check'
import t from 'tap'
import { parseJson } from '../../../src/sources/otx/json.ts'
import { isRejection, type PulseReport, pulseToReport } from '../../../src/sources/otx/pulse.ts'
import { anIndicator, aPulse, options, pulseId } from './pulses.ts'

function read(json: unknown): PulseReport {
  const result = pulseToReport(json, options)
  if (isRejection(result)) throw new Error(`${result.reason}: ${result.detail}`)
  return result
}

const readIndicator = (change: object) => read(aPulse({ indicators: [anIndicator(change)] }))

t.test('every field of a pulse and its indicator is read', async (t) => {
  const indicator = anIndicator({
    title: 'second stage',
    description: 'seen in May',
    expiration: '2026-06-01T09:08:07',
    role: 'command_and_control',
  })
  t.strictSame(read(aPulse({ adversary: 'Paper Crane', indicators: [indicator] })), {
    report: {
      externalId: pulseId,
      name: 'Loaders',
      description: 'What they fetch.',
      author: 'Harbour Watch',
      tlp: 'green',
      public: true,
      revision: '3',
      created: new Date('2026-05-01T09:08:07.123Z'),
      modified: new Date('2026-05-02T10:20:30.123Z'),
      adversary: 'Paper Crane',
      tags: ['loader'],
      references: ['https://blog.taxiway-demo.com/1'],
      targetedCountries: ['Norway'],
      industries: ['Energy'],
      malwareFamilies: [],
      attackIds: [],
    },
    assertions: [
      {
        type: 'domain',
        value: 'c2.taxiway-demo.com',
        externalId: '4000000001',
        title: 'second stage',
        description: 'seen in May',
        role: 'command_and_control',
        tlp: 'green',
        confidence: 25,
        validFrom: new Date('2026-05-01T09:08:07Z'),
        validUntil: new Date('2026-06-01T09:08:07Z'),
        active: true,
      },
    ],
    rejections: [],
    moreIndicators: false,
  })
})

t.test('the level is read from tlp or TLP, and is the default where neither is set', async (t) => {
  const tlpOf = (change: object) => read(aPulse({ tlp: undefined, ...change })).report.tlp
  t.equal(tlpOf({ tlp: 'white' }), 'white')
  t.equal(tlpOf({ TLP: 'RED' }), 'red')
  t.equal(tlpOf({ tlp: 'TLP:CLEAR' }), 'white')
  t.equal(tlpOf({ tlp: null, TLP: 'green' }), 'green')
  t.equal(tlpOf({}), 'amber')
  t.equal(tlpOf({ tlp: '' }), 'amber')
  t.equal(read(aPulse({ tlp: 'red' })).assertions[0]?.tlp, 'red')
})

t.test('flags come as numbers and as booleans', async (t) => {
  const publicOf = (value: unknown) => read(aPulse({ public: value })).report.public
  t.strictSame([1, true, undefined, null, 0, false].map(publicOf), [
    ...[true, true, true, true],
    ...[false, false],
  ])
  const activeOf = (value: unknown) => readIndicator({ is_active: value }).assertions[0]?.active
  t.strictSame([1, true, undefined, null, 0, false].map(activeOf), [
    ...[true, true, true, true],
    ...[false, false],
  ])
  t.equal(read(aPulse({ more_indicators: true })).moreIndicators, true)
  t.equal(read(aPulse({ more_indicators: undefined })).moreIndicators, false)
})

t.test('a revision is a whole number, a fraction or a text', async (t) => {
  const revisionOf = (value: unknown) => read(aPulse({ revision: value })).report.revision
  t.strictSame([3, 3.5, '7', null, undefined].map(revisionOf), ['3', '3.5', '7', '', ''])
})

t.test('an id is a number, a text, or called _id', async (t) => {
  const { id: _, ...withoutId } = aPulse()
  t.equal(read({ ...withoutId, _id: 'abc' }).report.externalId, 'abc')
  const idOf = (change: object) => readIndicator(change).assertions[0]?.externalId
  t.equal(idOf({ id: undefined, _id: '5f1' }), '5f1')
  t.equal(idOf({ id: null, _id: 9 }), '9')
  t.equal(idOf({ id: undefined }), undefined)
})

t.test('an id beyond 2^53 keeps every digit', async (t) => {
  const text = JSON.stringify(aPulse()).replace('4000000001', '18446744073709551617')
  t.equal(read(parseJson(text)).assertions[0]?.externalId, '18446744073709551617')
})

t.test('malware families and attack ids are texts or objects', async (t) => {
  const { report } = read(
    aPulse({
      malware_families: [
        'Emotet',
        { id: 'Emotet', display_name: 'Emotet', target: null },
        { id: 'Trojan:Win32/X' },
        null,
        5,
      ],
      attack_ids: ['T1059', { id: 'T1105', name: 'Ingress Tool Transfer' }, {}, []],
    }),
  )
  t.strictSame(report.malwareFamilies, ['Emotet', 'Trojan:Win32/X', '5'])
  t.strictSame(report.attackIds, ['T1059', 'T1105'])
})

t.test('tags lose control characters, blanks, empties and repetitions', async (t) => {
  const tags = [
    '\tloader\t',
    'loa\u0000der',
    ' cobalt\t\nstrike ',
    '',
    '  ',
    '\u0007',
    null,
    'x\ud800',
  ]
  t.strictSame(read(aPulse({ tags })).report.tags, ['loader', 'cobalt strike', 'x'])
  t.strictSame(read(aPulse({ tags: null })).report.tags, [])
  t.strictSame(read(aPulse({ tags: 'one' })).report.tags, ['one'])
})

t.test('characters that XML cannot hold are removed and the record is kept', async (t) => {
  const pulse = aPulse({
    name: 'Na\u0001me\ufffe',
    description: 'line one\n\u001b[31mline two\ud83d 😀',
    indicators: [anIndicator({ indicator: 'c2\u0000.taxiway-demo.com', title: '\udc00t\u000b' })],
  })
  const { report, assertions, rejections } = read(pulse)
  t.equal(report.name, 'Name')
  t.equal(report.description, 'line one\n[31mline two 😀')
  t.equal(assertions[0]?.value, 'c2.taxiway-demo.com')
  t.equal(assertions[0]?.title, 't')
  t.strictSame(rejections, [])
})

t.test('dates have 6, 3 or no fractional digits and are UTC unless they name a zone', async (t) => {
  const fromOf = (created: string) => readIndicator({ created }).assertions[0]?.validFrom
  t.strictSame(fromOf('2026-05-01T09:08:07.123456'), new Date('2026-05-01T09:08:07.123Z'))
  t.strictSame(fromOf('2026-05-01T09:08:07.120'), new Date('2026-05-01T09:08:07.120Z'))
  t.strictSame(fromOf('2026-05-01T09:08:07'), new Date('2026-05-01T09:08:07.000Z'))
  t.strictSame(fromOf('2026-05-01T09:08:07Z'), new Date('2026-05-01T09:08:07.000Z'))
  t.strictSame(fromOf('2026-05-01T09:08:07.5+02:00'), new Date('2026-05-01T07:08:07.500Z'))
  t.strictSame(fromOf('2026-05-01T09:08:07-0330'), new Date('2026-05-01T12:38:07.000Z'))
  t.strictSame(fromOf('2024-02-29T00:00:00'), new Date('2024-02-29T00:00:00.000Z'))
  t.strictSame(fromOf('1990-01-01T00:00:00'), new Date('1990-01-01T00:00:00.000Z'))
})

t.test('an indicator without a date of its own begins with its pulse', async (t) => {
  const [assertion] = readIndicator({ created: null, expiration: '' }).assertions
  t.strictSame(assertion?.validFrom, new Date('2026-05-01T09:08:07.123Z'))
  t.equal(assertion?.validUntil, undefined)
  t.strictSame(read(aPulse({ created: null })).report.created, new Date('2026-05-02T10:20:30.123Z'))
})

t.test('a role is a word, empty or null', async (t) => {
  const roleOf = (role: unknown) => readIndicator({ role }).assertions[0]?.role
  t.strictSame([null, '', 'malware_hosting'].map(roleOf), ['', '', 'malware_hosting'])
})

t.test('each of the 21 types of OTX is known, and an unknown one keeps its word', async (t) => {
  const types = {
    IPv4: 'ipv4',
    IPv6: 'ipv6',
    CIDR: 'cidr',
    domain: 'domain',
    hostname: 'domain',
    URL: 'url',
    URI: 'uri',
    email: 'email',
    'FileHash-MD5': 'md5',
    'FileHash-SHA1': 'sha1',
    'FileHash-SHA256': 'sha256',
    'FileHash-PEHASH': 'pehash',
    'FileHash-IMPHASH': 'imphash',
    FilePath: 'file-path',
    Mutex: 'mutex',
    CVE: 'cve',
    YARA: 'yara',
    JA3: 'ja3',
    osquery: 'osquery',
    SSLCertFingerprint: 'ssl-cert-fingerprint',
    BitcoinAddress: 'bitcoin-address',
    NIDS: 'NIDS',
    toString: 'toString',
  }
  t.equal(Object.keys(types).length, 21 + 2)
  for (const [type, expected] of Object.entries(types)) {
    t.equal(readIndicator({ type }).assertions[0]?.type, expected, type)
  }
})

t.test('a URI with a scheme of the web is a URL', async (t) => {
  const typeOf = (indicator: string) =>
    readIndicator({ type: 'URI', indicator }).assertions[0]?.type
  t.equal(typeOf('HTTPS://taxiway-demo.com/a'), 'url')
  t.equal(typeOf('http://taxiway-demo.com'), 'url')
  t.equal(typeOf('/gate.php'), 'uri')
  t.equal(typeOf('ftp://taxiway-demo.com/a'), 'uri')
})

t.test(
  'the content of a YARA indicator is what it says; elsewhere it is a description',
  async (t) => {
    const rule = 'rule demo { condition: true }'
    const yara = readIndicator({ type: 'YARA', indicator: 'a1b2', content: rule }).assertions[0]
    t.equal(yara?.value, rule)
    t.equal(yara?.description, '')
    t.equal(readIndicator({ type: 'YARA', indicator: 'a1b2' }).assertions[0]?.value, 'a1b2')
    const domain = readIndicator({ content: 'sinkholed' }).assertions[0]
    t.equal(domain?.description, 'sinkholed')
  },
)

t.test('unknown fields and the fields of older data change nothing', async (t) => {
  const older = {
    access_type: 'public',
    access_reason: '',
    access_groups: [],
    pulse_key: 'x',
  }
  t.strictSame(
    read(aPulse({ is_modified: true, indicators: [anIndicator(older)] })),
    read(aPulse()),
  )
})

t.test('observations are sightings where they are a count, and nothing otherwise', async (t) => {
  const sightings = (observations: unknown) =>
    readIndicator({ observations }).assertions.map((one) => one.sightings)
  t.strictSame(sightings(3), [3])
  for (const none of [0, -1, 1.5, '3', null, 2 ** 31, {}, undefined]) {
    t.strictSame(sightings(none), [undefined], JSON.stringify(none))
  }
})

t.test('reading arbitrary JSON neither throws nor touches Object.prototype', async (t) => {
  const before = Object.getOwnPropertyNames(Object.prototype)
  const keys = [...Object.keys(aPulse()), ...Object.keys(anIndicator()), '__proto__', 'constructor']
  const value = fc.jsonValue({ maxDepth: 3 })
  const object = fc.dictionary(fc.constantFrom(...keys), value)
  const broken = fc
    .tuple(object, fc.array(fc.oneof(object, value)))
    .map(([change, indicators]) => ({
      ...aPulse({ indicators: indicators.map((item) => Object.assign({}, anIndicator(), item)) }),
      ...change,
    }))
  fc.assert(
    fc.property(fc.oneof(value, object, broken), (json) => {
      const text = JSON.stringify(json)
      const result = pulseToReport(parseJson(text), options)
      if (isRejection(result)) return result.detail.length <= 200
      return result.rejections.every(({ detail }) => detail.length <= 200)
    }),
    { seed: 42, numRuns: 3000 },
  )
  t.strictSame(Object.getOwnPropertyNames(Object.prototype), before)
  t.equal(({} as { polluted?: unknown }).polluted, undefined)
})
