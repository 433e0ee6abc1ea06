import t from 'tap'
import type { Assertion } from '../../src/model/assertion.ts'
import type { ObservableType } from '../../src/model/observable.ts'
import { defaultIdNamespace } from '../../src/stix/ids.ts'
import { renderPackage } from '../../src/stix/package.ts'
import {
  createPackageReader,
  isPackageContainer,
  type PackageClaims,
} from '../../src/stix/package-claims.ts'
import { readXmlParts } from '../../src/xml/parts.ts'
import { domain, indicator, indicators, observing, stixPackage } from '../taxii/inbox-server.ts'

const receivedAt = new Date('2026-06-01T00:00:00Z')

async function read(
  text: string,
  onClaims: (added: number) => void = () => {},
): Promise<PackageClaims> {
  async function* bytes() {
    yield Buffer.from(text)
  }
  let reader: ReturnType<typeof createPackageReader> | undefined
  for await (const part of readXmlParts(bytes(), isPackageContainer)) {
    if (reader) reader.take(part)
    else if (part.kind === 'open') {
      reader = createPackageReader(part.element, { tlp: 'amber', receivedAt, onClaims })
    }
  }
  if (!reader) throw new Error('there is no package')
  return reader.end()
}

const said = ({ claims }: PackageClaims) => claims.map(({ type, value }) => `${type} ${value}`)
const missed = ({ notUnderstood }: PackageClaims) => Object.fromEntries(notUnderstood)
const of = (...inside: readonly string[]) => read(stixPackage(indicators(...inside)))

t.test('what Taxiway publishes is read as what it was', async (t) => {
  const values: readonly (readonly [ObservableType, string])[] = [
    ['ipv4', '203.0.113.9'],
    ['ipv6', '2001:db8::9'],
    ['cidr', '203.0.113.0/24'],
    ['domain', 'one.harbour-loaders.com'],
    ['url', 'http://one.harbour-loaders.com/a?b=c'],
    ['email', 'sender@harbour-loaders.com'],
    ['md5', 'a'.repeat(32)],
    ['sha1', 'b'.repeat(40)],
    ['sha256', 'c'.repeat(64)],
    ['pehash', 'd'.repeat(40)],
    ['imphash', 'e'.repeat(32)],
    ['file-path', 'C:\\Temp\\a##comma##b.exe'],
    ['mutex', 'Global\\loader'],
    ['yara', 'rule a { condition: true }'],
    ['cve', 'CVE-2026-1234'],
  ]
  for (const [type, value] of values) {
    const view = {
      type,
      value,
      assertions: [
        {
          source: 'otx',
          author: 'Harbour Watch',
          reportId: 'r1',
          reportName: 'Loaders',
          reportReferences: [],
          title: 'A loader',
          description: 'What it fetches.',
          role: '',
          tlp: 'green' as const,
          confidence: 85,
          validFrom: new Date('2026-05-01T00:00:00Z'),
          validUntil: new Date('2026-09-01T00:00:00Z'),
          sightings: 3,
          adversary: '',
          malwareFamilies: [],
          attackIds: [],
        },
      ],
    }
    const producer = { name: 'Taxiway', idNamespace: defaultIdNamespace }
    const options = {
      binding: 'urn:stix.mitre.org:xml:1.2',
      profile: 'full',
      cidr: 'cidr',
      producer,
      timestamp: 1_780_000_000_000_000,
    } as const
    const claims = await read(renderPackage(view, options))
    t.strictSame(said(claims), [`${type} ${value}`])
    t.strictSame(missed(claims), {}, type)
    if (type === 'cve') continue
    t.match(claims.claims[0], {
      tlp: 'green',
      confidence: 85,
      sightings: 3,
      validFrom: new Date('2026-05-01T00:00:00Z'),
      validUntil: new Date('2026-09-01T00:00:00Z'),
    } satisfies Partial<Assertion>)
  }
})

t.test('a list is one value each', async (t) => {
  const listed = await of(
    indicator(observing(domain('a.harbour-loaders.com##comma##b.harbour-loaders.com'))),
    indicator(observing(domain('c.harbour-loaders.com;d.harbour-loaders.com', 'delimiter=";"'))),
  )
  t.strictSame(
    said(listed),
    ['a', 'b', 'c', 'd'].map((name) => `domain ${name}.harbour-loaders.com`),
  )
})

t.test('what one value does not say by itself is not taken for an indicator', async (t) => {
  const one = (attributes: string) => indicator(observing(domain('a.example.net', attributes)))
  const composed = (operator: string, ...members: readonly string[]) =>
    observing(
      `<cybox:Observable_Composition operator="${operator}">${members.map((value) => `<cybox:Observable>${domain(value)}</cybox:Observable>`).join('')}</cybox:Observable_Composition>`,
    )
  const hashed = (field: string) =>
    observing(
      `<cybox:Object><cybox:Properties xsi:type="FileObj:FileObjectType">${field}<FileObj:Hashes><cyboxCommon:Hash><cyboxCommon:Type>MD5</cyboxCommon:Type><cyboxCommon:Simple_Hash_Value>${'a'.repeat(32)}</cyboxCommon:Simple_Hash_Value></cyboxCommon:Hash></FileObj:Hashes></cybox:Properties></cybox:Object>`,
    )
  const rows: readonly (readonly [string, readonly string[], object])[] = [
    [one('condition="StartsWith"'), [], { 'conditions StartsWith': 1 }],
    [one('condition="Contains"'), [], { 'conditions Contains': 1 }],
    [one('condition="Invented"'), [], { 'unknown conditions': 1 }],
    [one('pattern_type="Regex" condition="Equals"'), [], { patterns: 1 }],
    [
      indicator(observing(domain('a.example.net')), 'negate="true"'),
      [],
      { 'negated indicators': 1 },
    ],
    [indicator(observing(domain('a.example.net'), 'negate="1"')), [], { 'negated observables': 1 }],
    [
      indicator(composed('AND', 'a.example.net', 'b.example.net')),
      [],
      { 'observables that count only together': 2 },
    ],
    [
      indicator(composed('OR', 'a.example.net', 'b.example.net')),
      ['domain a.example.net', 'domain b.example.net'],
      {},
    ],
    [
      indicator(hashed('<FileObj:File_Path>C:\\Windows\\svchost.exe</FileObj:File_Path>')),
      [`md5 ${'a'.repeat(32)}`],
      {},
    ],
    [
      indicator('<indicator:Title>t</indicator:Title>'),
      [],
      { 'indicators without an observable': 1 },
    ],
  ]
  for (const [inside, values, others] of rows) {
    const claims = await of(inside)
    t.strictSame(said(claims), values)
    t.strictSame(missed(claims), others)
  }
})

t.test('references are resolved within the package, wherever they point', async (t) => {
  const observables = `<stix:Observables><cybox:Observable id="ex:o1">${domain('a.example.net')}</cybox:Observable><cybox:Observable id="ex:o2">${domain('b.example.net')}</cybox:Observable></stix:Observables>`
  const claims = await read(
    stixPackage(
      observables +
        indicators(
          indicator(`<indicator:Title>First</indicator:Title>${observing('', 'idref="ex:o1"')}`),
          indicator(observing('', 'idref="ex:o3"')),
          indicator(observing(domain('c.example.net'), 'id="ex:o3"')),
          indicator(observing('', 'idref="ex:missing"')),
        ),
    ),
  )
  t.strictSame(said(claims).toSorted(), [
    'domain a.example.net',
    'domain b.example.net',
    'domain c.example.net',
    'domain c.example.net',
  ])
  t.equal(claims.claims.find(({ value }) => value === 'a.example.net')?.title, 'First')
  t.strictSame(missed(claims), { 'references to what is not in the package': 1 })
})

t.test('the more restrictive TLP counts, and what is without one is what it is told', async (t) => {
  const marking = (color: string) =>
    `<marking:Marking><marking:Marking_Structure xsi:type="tlpMarking:TLPMarkingStructureType" color="${color}"/></marking:Marking>`
  const header = (color: string) =>
    `<stix:STIX_Header><stix:Handling>${marking(color)}</stix:Handling></stix:STIX_Header>`
  const handled = (color: string) =>
    indicators(
      indicator(
        `${observing(domain('a.example.net'))}<indicator:Handling>${marking(color)}</indicator:Handling>`,
      ),
    )
  const unmarked = indicators(indicator(observing(domain('a.example.net'))))
  const rows: readonly (readonly [string, string])[] = [
    [unmarked, 'amber'],
    [header('GREEN') + unmarked, 'green'],
    [handled('WHITE'), 'white'],
    [header('RED') + handled('WHITE'), 'red'],
    [header('WHITE') + handled('RED'), 'red'],
    // Out of their order, or twice, but no less meant.
    [handled('WHITE') + header('RED'), 'red'],
    [unmarked + header('WHITE'), 'amber'],
    [header('RED') + header('WHITE') + unmarked, 'red'],
  ]
  for (const [inside, tlp] of rows) {
    const { claims } = await read(stixPackage(inside))
    t.strictSame(
      claims.map((one) => one.tlp),
      [tlp],
    )
  }
})

t.test('values that wait to be referred to are counted when they are read, and once', async (t) => {
  const added: number[] = []
  const list = domain('a.harbour-loaders.com##comma##b.harbour-loaders.com')
  const named = `<cybox:Observable id="ex:observable-1">${list}</cybox:Observable>`
  const referring = indicator('<indicator:Observable idref="ex:observable-1"/>')
  const waiting = `<stix:Observables>${named}</stix:Observables>`
  await read(stixPackage(waiting), (count) => added.push(count))
  t.strictSame(added, [2], 'of one that nothing refers to')
  const { claims } = await read(stixPackage(waiting + indicators(referring, referring)), (count) =>
    added.push(count),
  )
  t.equal(claims.length, 4)
  t.strictSame(added, [2, 2, 2], 'of one that two refer to')
})

t.test(
  'of a text that spells millions of values no more is split than any message may hold',
  async (t) => {
    let most = 0
    const full = domain('a,'.repeat(300_000), 'condition="Equals" delimiter=","')
    await read(stixPackage(indicators(indicator(observing(full)))), (count) => {
      most = Math.max(most, count)
    })
    t.equal(most, 250_000)
  },
)
