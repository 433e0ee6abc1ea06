import t from 'tap'
import {
  type CidrForm,
  type ContentBinding,
  contentBindings,
  profiles,
} from '../../src/model/collection.ts'
import type { IndicatorView, PermittedAssertion } from '../../src/model/indicator.ts'
import { formatMicros } from '../../src/model/micros.ts'
import { renderableTypes } from '../../src/stix/cybox.ts'
import { indicatorId } from '../../src/stix/ids.ts'
import { type RenderOptions, renderIndicator, renderPackage } from '../../src/stix/package.ts'
import { publishableTypes } from '../../src/stix/profiles.ts'
import { describeAll } from '../../src/stix/text.ts'
import { type Parsed, parseStrictly, textsOf, unusedPrefixes, valuesOf } from './parse.ts'
import { plainAssertion, producer, sampleValues, viewOf } from './views.ts'

const binding: ContentBinding = 'urn:stix.mitre.org:xml:1.2'
const full: RenderOptions = { binding, profile: 'full', cidr: 'cidr', producer }
const timestamp = 1_760_000_000_123_456

function parse(view: IndicatorView, options: RenderOptions = full): readonly Parsed[] {
  return parseStrictly(renderPackage(view, { ...options, timestamp }))
}

const attributesOf = (elements: readonly Parsed[], name: string) =>
  elements.find((element) => element.name === name)?.attributes

t.test('package and indicator carry their versions, ids and the timestamp', async (t) => {
  for (const [binding, packageVersion, indicatorVersion] of [
    ['urn:stix.mitre.org:xml:1.2', '1.2', '2.2'],
    ['urn:stix.mitre.org:xml:1.1.1', '1.1.1', '2.1.1'],
  ] as const) {
    const elements = parse(viewOf('domain'), { ...full, binding })
    t.match(attributesOf(elements, 'stix:STIX_Package'), {
      id: /^taxiway:Package-[-0-9a-f]{36}$/,
      version: packageVersion,
      timestamp: formatMicros(timestamp),
    })
    t.match(attributesOf(elements, 'stix:Indicator'), {
      id: indicatorId(producer.idNamespace, 'domain', sampleValues.domain),
      version: indicatorVersion,
      timestamp: formatMicros(timestamp),
    })
  }
})

t.test(
  'an indicator has the same id in every profile and binding, a package its own',
  async (t) => {
    const packages = contentBindings.flatMap((binding) =>
      profiles.map((profile) => parse(viewOf('domain'), { ...full, binding, profile })),
    )
    const ids = (name: string) => new Set(packages.map((some) => attributesOf(some, name)?.id))
    t.equal(ids('stix:Indicator').size, 1)
    t.equal(ids('indicator:Observable').size, 1)
    t.equal(ids('stix:STIX_Package').size, packages.length)
  },
)

t.test('each type is one inline observable with one value', async (t) => {
  for (const type of renderableTypes) {
    const elements = parse(viewOf(type))
    t.same(valuesOf(elements), [sampleValues[type]], type)
    const patterns = elements.filter(({ attributes }) => attributes.condition === 'Equals')
    t.equal(patterns.at(-1)?.text, sampleValues[type], `${type}: condition`)
    t.equal(elements.filter((some) => some.name === 'cybox:Object').length, 1)
    t.notOk(elements.some((some) => 'idref' in some.attributes))
  }
})

t.test('a value that holds the list delimiter stays one value', async (t) => {
  const view = { ...viewOf('mutex'), value: 'a##comma##b##0##c' }
  t.equal(attributesOf(parse(view), 'MutexObj:Name')?.delimiter, '##1##')
  t.equal(attributesOf(parse({ ...view, value: 'a' }), 'MutexObj:Name')?.delimiter, undefined)
})

t.test('the indicator type is of the vocabulary', async (t) => {
  const typeOf = (type: (typeof renderableTypes)[number]) =>
    textsOf(parse(viewOf(type)), 'indicator:Type')[0]
  t.equal(typeOf('ipv6'), 'IP Watchlist')
  t.equal(typeOf('domain'), 'Domain Watchlist')
  t.equal(typeOf('url'), 'URL Watchlist')
  t.equal(typeOf('sha256'), 'File Hash Watchlist')
  t.equal(typeOf('email'), 'Malicious E-mail')
  t.equal(typeOf('mutex'), 'Malware Artifacts')
})

t.test('a block of addresses is spelled as its collection wants it', async (t) => {
  const categoryOf = (value: string, cidr: CidrForm) => {
    const elements = parse({ ...viewOf('cidr'), value }, { ...full, cidr })
    t.same(valuesOf(elements), [value])
    return attributesOf(elements, 'cybox:Properties')?.category
  }
  t.equal(categoryOf('198.51.100.0/24', 'cidr'), 'cidr')
  t.equal(categoryOf('198.51.100.0/24', 'address'), 'ipv4-addr')
  t.equal(categoryOf('2001:db8::/32', 'address'), 'ipv6-addr')
  const idOf = (cidr: CidrForm) =>
    attributesOf(parse(viewOf('cidr'), { ...full, cidr }), 'stix:STIX_Package')?.id
  t.not(idOf('cidr'), idOf('address'))
})

t.test('nobody takes an import hash for an MD5', async (t) => {
  for (const [type, label] of [
    ['imphash', 'Import hash (imphash)'],
    ['pehash', 'PE hash (pehash)'],
  ] as const) {
    const elements = parse(viewOf(type, { description: 'Seen.' }))
    t.same(textsOf(elements, 'cyboxCommon:Type'), ['Other'])
    t.same(textsOf(elements, 'indicator:Type'), ['Malware Artifacts'])
    t.same(textsOf(elements, 'indicator:Title'), [`${label}: A campaign`])
    t.same(textsOf(elements, 'indicator:Description'), [
      `${label}: A campaign (AlienVault, otx): Seen.`,
    ])
    const untitled = parse(viewOf(type, { reportName: '' }))
    t.same(textsOf(untitled, 'indicator:Title'), [`${label}: ${sampleValues[type]}`])
  }
})

t.test('a YARA rule is a way to test, and no observable', async (t) => {
  const elements = parse(viewOf('yara'))
  t.same(textsOf(elements, 'yaraTM:Rule'), [sampleValues.yara])
  t.same(textsOf(elements, 'indicator:Title'), ['YARA rule Evil_1'])
  t.equal(attributesOf(elements, 'indicator:Observable'), undefined)
  const titleOf = (value: string, ...assertions: Partial<PermittedAssertion>[]) =>
    textsOf(parse({ ...viewOf('yara', ...assertions), value }), 'indicator:Title')[0]
  t.equal(titleOf('global private rule a_1\r\n{ condition: true }'), 'YARA rule a_1')
  t.equal(titleOf('// a rule of thumb\nrule real { condition: true }'), 'YARA rule real')
  t.equal(titleOf('no rule { at all'), 'A campaign')
  t.equal(titleOf('no rule { at all', { reportName: '' }), 'YARA rule')
})

t.test('a CVE is a target of exploits, and no indicator', async (t) => {
  const elements = parse(viewOf('cve', { description: 'Used.', tlp: 'amber' }))
  t.same(textsOf(elements, 'et:CVE_ID'), [sampleValues.cve])
  t.same(textsOf(elements, 'et:Title'), [sampleValues.cve])
  t.same(textsOf(elements, 'et:Description'), ['A campaign (AlienVault, otx): Used.'])
  t.same(textsOf(elements, 'stixCommon:Reference'), ['https://www.example.org/report'])
  t.equal(attributesOf(elements, 'marking:Marking_Structure')?.color, 'AMBER')
  t.equal(attributesOf(elements, 'stix:Indicator'), undefined)
  t.match(attributesOf(elements, 'stixCommon:Exploit_Target'), {
    id: /^taxiway:et-[-0-9a-f]{36}$/,
    version: '1.2',
    timestamp: formatMicros(timestamp),
  })
})

t.test('sightings are added up, and left out where nobody counts', async (t) => {
  const countOf = (...assertions: Partial<PermittedAssertion>[]) =>
    attributesOf(parse(viewOf('domain', ...assertions)), 'indicator:Sightings')?.sightings_count
  t.equal(countOf({}), undefined)
  t.equal(countOf({ sightings: 0 }, {}), '0')
  t.equal(countOf({ sightings: 3 }), '3')
  t.equal(countOf({ sightings: 3 }, {}, { sightings: 4 }), '7')
  t.equal(countOf({ sightings: 2 ** 31 - 1 }, { sightings: 1 }), '2147483647')
})

t.test('validity reaches from the first start to the last end', async (t) => {
  const early = {
    validFrom: new Date('2025-01-01T00:00:00.999Z'),
    validUntil: new Date('2025-02-01'),
  }
  const late = { validFrom: new Date('2026-01-01'), validUntil: new Date('2026-12-31T23:59:59Z') }
  const both = parse(viewOf('ipv4', late, early))
  t.same(textsOf(both, 'indicator:Start_Time'), ['2025-01-01T00:00:00Z'])
  t.same(textsOf(both, 'indicator:End_Time'), ['2026-12-31T23:59:59Z'])
  const open = parse(viewOf('ipv4', late, { ...early, validUntil: undefined }))
  t.same(textsOf(open, 'indicator:Start_Time'), ['2025-01-01T00:00:00Z'])
  t.same(textsOf(open, 'indicator:End_Time'), [], 'one source without an end leaves it open')
})

t.test('a date that STIX cannot hold is left out', async (t) => {
  const far = { validFrom: new Date('2025-01-01'), validUntil: new Date('+010000-01-01') }
  t.same(textsOf(parse(viewOf('ipv4', far)), 'indicator:End_Time'), [])
  const never = { validFrom: new Date(Number.NaN), validUntil: undefined }
  const names = parse(viewOf('ipv4', never)).map(({ name }) => name)
  t.notOk(names.includes('indicator:Valid_Time_Position'))
})

t.test('confidence is that of the surest assertion, in words', async (t) => {
  const wordFor = (...confidences: number[]) =>
    textsOf(
      parse(viewOf('ipv4', ...confidences.map((confidence) => ({ confidence })))),
      'stixCommon:Value',
    )[0]
  t.equal(wordFor(0), 'None')
  t.equal(wordFor(1), 'Low')
  t.equal(wordFor(29), 'Low')
  t.equal(wordFor(30), 'Medium')
  t.equal(wordFor(69), 'Medium')
  t.equal(wordFor(70), 'High')
  t.equal(wordFor(100, 5), 'High')
})

t.test('the marking is that of the most restrictive assertion', async (t) => {
  const colorOf = (elements: readonly Parsed[]) =>
    attributesOf(elements, 'marking:Marking_Structure')?.color
  t.equal(colorOf(parse(viewOf('ipv4', { tlp: 'white' }))), 'WHITE')
  t.equal(colorOf(parse(viewOf('ipv4', { tlp: 'amber' }, { tlp: 'green' }))), 'AMBER')
  const strict = parse(viewOf('ipv4', { tlp: 'amber' }, { tlp: 'amber+strict' }))
  t.equal(colorOf(strict), 'RED', 'never a wider circle than the source allowed')
  t.same(textsOf(strict, 'simpleMarking:Statement'), ['TLP:AMBER+STRICT'])
})

t.test('the title is the claim’s, else the report’s, else names the value', async (t) => {
  const titleOf = (...assertions: Partial<PermittedAssertion>[]) =>
    textsOf(parse(viewOf('domain', ...assertions)), 'indicator:Title')[0]
  t.equal(titleOf({ title: 'C2 of\r\n the\tbot ', reportName: 'Report' }), 'C2 of the bot')
  t.equal(titleOf({ title: ' ', reportName: 'Report' }), 'Report')
  t.equal(titleOf({ reportName: '' }, { title: 'Second' }), 'Second')
  t.equal(titleOf({ reportName: '' }), 'Domain: xn--mnchen-3ya.example')
})

t.test('the description tells each source’s words once', async (t) => {
  const said = describeAll([
    { ...plainAssertion, role: 'c2', title: 'T', description: 'one\r\ntwo' },
    plainAssertion,
    plainAssertion,
    { ...plainAssertion, author: '', source: '', reportName: '' },
    { ...plainAssertion, author: '', reportName: '', description: 'only this' },
  ])
  t.equal(
    said,
    'A campaign (AlienVault, otx): role c2: T: one\ntwo\nA campaign (AlienVault, otx)\notx: only this',
  )
})

t.test('long texts are cut without breaking a character', async (t) => {
  const long = { title: `a${'😀'.repeat(400)}`, description: '😀'.repeat(4000) }
  const elements = parse(viewOf('domain', ...Array(50).fill(long)))
  const [title = ''] = textsOf(elements, 'indicator:Title')
  const [description = ''] = textsOf(elements, 'indicator:Description')
  t.match(title, /^a(?:😀)+…$/u)
  t.ok(title.length <= 255 && title.length > 250)
  t.match(description, /😀…$/u)
  t.ok(description.length <= 1024 && description.length > 1000)
})

t.test('references are web addresses, each once, and few', async (t) => {
  const references = (...reportReferences: string[]) =>
    textsOf(parse(viewOf('domain', { reportReferences })), 'stixCommon:Reference')
  const good = 'https://www.example.org/a?b=1&c=2#d'
  t.same(references(good, 'nonsense', 'javascript:alert(1)', 'ftp://a.example/', good), [good])
  t.same(references('https://münchen.example/ä b'), ['https://xn--mnchen-3ya.example/%C3%A4%20b'])
  t.same(references('https://user:secret@a.example/', 'https://a.example/%zz', 'http://a b/'), [])
  t.equal(references(...Array.from({ length: 20 }, (_, i) => `https://a.example/${i}`)).length, 5)
  t.same(references(`https://a.example/${'a'.repeat(700)}`, good), [good])
})

t.test('a profile’s unpublished types are refused', async (t) => {
  const view = viewOf('email')
  t.throws(() => renderIndicator(view, { ...full, profile: 'esa' }), /its profile esa /)
  t.throws(() => renderIndicator({ ...view, type: 'ja3' }, full), /its profile full /)
})

t.test('a package declares the namespaces that it uses and no other', async (t) => {
  const context = { adversary: 'A', malwareFamilies: ['M'], attackIds: ['T1566'] }
  for (const type of publishableTypes('full')) {
    for (const change of [{}, { tlp: 'amber+strict' }, context, { adversary: 'A' }] as const) {
      const xml = renderPackage(viewOf(type, change), { ...full, timestamp })
      t.same(unusedPrefixes(xml), [], type)
    }
  }
})

t.test('the digest leaves out the timestamp alone', async (t) => {
  for (const type of ['url', 'yara', 'cve'] as const) {
    const rendered = renderIndicator(viewOf(type, { adversary: 'A', attackIds: ['T1566'] }), full)
    t.equal(rendered.digest.length, 16)
    const first = rendered.withTimestamp(timestamp).tail
    const second = rendered.withTimestamp(timestamp + 1).tail
    t.not(first, second)
    t.equal(first.replaceAll(formatMicros(timestamp), formatMicros(timestamp + 1)), second)
  }
})
