import { createHash } from 'node:crypto'
import fc from 'fast-check'
import t from 'tap'
import {
  claimGuid,
  defaultIdNamespace,
  idNamespaceFault,
  indicatorGuid,
  indicatorId,
  packageGuid,
  reportPackageGuid,
  uuidV5,
} from '../../src/stix/ids.ts'

t.test('ids are the same on every machine and in every release', async (t) => {
  // A change here gives every indicator that clients hold a second identity.
  t.equal(
    indicatorId(defaultIdNamespace, 'domain', 'evil.example'),
    'taxiway:indicator-45ac90e4-8a2b-5d12-824e-8bdae957d7f4',
  )
  t.equal(
    packageGuid('domain', 'evil.example', {
      profile: 'esa',
      cidr: 'omit',
      binding: 'urn:stix.mitre.org:xml:1.2',
    }),
    '47431ebf-ee46-505c-9bc3-2a35062577a1',
  )
})

t.test('a UUIDv5 is the SHA-1 of namespace and name, with version and variant set', async () => {
  const namespace = Buffer.from('6f3b7c0e52c94d1fa0c7d6b85a1e9342', 'hex')
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 3000 }), (name) => {
      const bytes = createHash('sha1').update(namespace).update(name).digest().subarray(0, 16)
      bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x50, 6)
      bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8)
      return uuidV5(name).replaceAll('-', '') === bytes.toString('hex')
    }),
    // longer than the buffer that short names share
    { examples: [['漢'.repeat(2000)]] },
  )
})

t.test('type, value, profile and binding each make another id', async (t) => {
  const ids = [
    indicatorGuid('domain', 'a.example'),
    indicatorGuid('domain', 'b.example'),
    indicatorGuid('url', 'a.example'),
    packageGuid('domain', 'a.example', {
      profile: 'esa',
      cidr: 'omit',
      binding: 'urn:stix.mitre.org:xml:1.2',
    }),
    packageGuid('domain', 'a.example', {
      profile: 'full',
      cidr: 'omit',
      binding: 'urn:stix.mitre.org:xml:1.2',
    }),
    packageGuid('domain', 'a.example', {
      profile: 'esa',
      cidr: 'omit',
      binding: 'urn:stix.mitre.org:xml:1.1.1',
    }),
  ]
  t.equal(new Set(ids).size, ids.length)
})

t.test('a namespace that would break a package is refused with the reason', async (t) => {
  t.equal(idNamespaceFault(defaultIdNamespace), undefined)
  t.equal(idNamespaceFault({ prefix: 'acme-soc', uri: 'https://soc.acme.example/ids#' }), undefined)
  t.equal(idNamespaceFault({ prefix: 'a', uri: 'urn:acme:soc' }), undefined)
  const uri = defaultIdNamespace.uri
  for (const prefix of ['', '1a', 'a:b', 'a.b', 'a b', 'ä', '<a', 'a'.repeat(33)])
    t.match(idNamespaceFault({ prefix, uri }), /1 to 32 letters/, `prefix "${prefix}"`)
  for (const prefix of [
    'stix',
    'ta',
    'yaraTM',
    'indicator',
    'FileObj',
    'xsi',
    'xmlns',
    'XMLfoo',
    'tlpMarking',
  ])
    t.match(idNamespaceFault({ prefix, uri }), /meaning of its own/, `prefix "${prefix}"`)
  for (const bad of ['', 'acme', '/relative', '//host/'])
    t.match(idNamespaceFault({ prefix: 'a', uri: bad }), /must be absolute/, `URI "${bad}"`)
  for (const bad of ['http://a.example/<b>', 'http://a.example/"', 'http://a.example/ b'])
    t.match(idNamespaceFault({ prefix: 'a', uri: bad }), /URI characters/, `URI "${bad}"`)
  for (const bad of ['http://stix.mitre.org/stix-1', 'http://www.w3.org/2000/xmlns/'])
    t.match(idNamespaceFault({ prefix: 'a', uri: bad }), /your own/, `URI "${bad}"`)
})

t.test('a report’s claims and chunks have ids of their own, on every machine', async (t) => {
  const report = { source: 'otx', externalId: '5f0000000000000000000001' }
  const shape = { profile: 'esa', cidr: 'omit', binding: 'urn:stix.mitre.org:xml:1.2' } as const
  t.equal(claimGuid(report, 'domain', 'evil.example'), '2b38fd1f-66b1-520d-867a-c2486be6c7b4')
  t.equal(reportPackageGuid({ ...report, chunk: 1 }, shape), '9709ddc0-5f65-5b41-846f-10a59df4d22b')
  const ids = [
    indicatorGuid('domain', 'a.example'),
    claimGuid(report, 'domain', 'a.example'),
    claimGuid(report, 'domain', 'b.example'),
    claimGuid(report, 'url', 'a.example'),
    claimGuid({ source: 'otx', externalId: 'b' }, 'domain', 'a.example'),
    claimGuid({ source: 'b', externalId: report.externalId }, 'domain', 'a.example'),
    reportPackageGuid({ ...report, chunk: 1 }, shape),
    reportPackageGuid({ ...report, chunk: 2 }, shape),
    reportPackageGuid({ ...report, chunk: 1 }, { ...shape, profile: 'full' }),
    reportPackageGuid({ ...report, chunk: 1 }, { ...shape, cidr: 'cidr' }),
    reportPackageGuid(
      { ...report, chunk: 1 },
      { ...shape, binding: 'urn:stix.mitre.org:xml:1.1.1' },
    ),
    // A report's id may hold whatever separates fields elsewhere.
    claimGuid({ source: 'a\nb', externalId: 'c' }, 'domain', 'a.example'),
    claimGuid({ source: 'a', externalId: 'b\nc' }, 'domain', 'a.example'),
  ]
  t.equal(new Set(ids).size, ids.length)
})

t.test('only packages of CIDR blocks depend on how these are spelled', async (t) => {
  const idOf = (type: 'cidr' | 'domain', cidr: 'cidr' | 'address') =>
    packageGuid(type, 'x', { profile: 'full', cidr, binding: 'urn:stix.mitre.org:xml:1.2' })
  t.equal(idOf('domain', 'cidr'), idOf('domain', 'address'))
  t.not(idOf('cidr', 'cidr'), idOf('cidr', 'address'))
})
