import t from 'tap'
import { formatMicros } from '../../src/model/micros.ts'
import type { ReportView } from '../../src/model/report-view.ts'
import { claimGuid, indicatorGuid } from '../../src/stix/ids.ts'
import { type RenderOptions, renderPackage } from '../../src/stix/package.ts'
import { publishableTypes } from '../../src/stix/profiles.ts'
import { renderReport } from '../../src/stix/report-package.ts'
import { type Parsed, parseStrictly, textsOf, unusedPrefixes, valuesOf } from './parse.ts'
import { producer, reportOf, sampleValues, viewOf } from './views.ts'

const full: RenderOptions = {
  binding: 'urn:stix.mitre.org:xml:1.2',
  profile: 'full',
  cidr: 'cidr',
  producer,
}
const timestamp = 1_760_000_000_123_456

function textOf(view: ReportView, options = full): string {
  const { head, tail } = renderReport(view, options).withTimestamp(timestamp)
  return head + tail
}

const parse = (view: ReportView, options = full) => parseStrictly(textOf(view, options))
const named = (elements: readonly Parsed[], name: string) =>
  elements.filter((element) => element.name === name).map(({ attributes }) => attributes)

t.test('the header says what the report says, in either binding', async (t) => {
  for (const [binding, version] of [
    ['urn:stix.mitre.org:xml:1.2', '1.2'],
    ['urn:stix.mitre.org:xml:1.1.1', '1.1.1'],
  ] as const) {
    const elements = parse(reportOf(['domain']), { ...full, binding })
    t.same(textsOf(elements, 'stix:Title'), ['A campaign'])
    t.same(textsOf(elements, 'stix:Description'), ['What was seen.\nAnd by whom.'])
    t.same(textsOf(elements, 'stix:Package_Intent'), ['Indicators'])
    t.same(textsOf(elements, 'stixCommon:Name'), ['AlienVault (otx)', 'Example SOC'])
    t.equal(textsOf(elements, 'stixCommon:Reference')[0], 'https://www.example.org/report')
    t.match(named(elements, 'stix:STIX_Package')[0], {
      id: /^taxiway:Package-[-0-9a-f]{36}$/,
      version,
      timestamp: formatMicros(timestamp),
    })
  }
})

t.test('a report without a name is called by its id, one without words by none', async (t) => {
  const elements = parse(
    reportOf(['domain'], { name: ' ', externalId: 'r1', description: '\n', references: ['none'] }),
  )
  t.same(textsOf(elements, 'stix:Title'), ['Report r1'])
  t.same(textsOf(elements, 'stix:Description'), [])
  const nobody = parse(reportOf(['domain'], { author: '', source: '' }))
  t.same(textsOf(nobody, 'stixCommon:Name')[0], 'Example SOC')
})

t.test('the whole package is marked like its most restrictive indicator', async (t) => {
  const elements = parse(
    reportOf([viewOf('domain'), viewOf('cve', { tlp: 'amber' }), viewOf('url', { tlp: 'green' })]),
  )
  t.same(
    named(elements, 'marking:Marking_Structure').map(({ color }) => color),
    ['AMBER', 'WHITE', 'GREEN', 'AMBER'],
    'header, indicators, exploit target',
  )
  t.equal(textsOf(elements, 'marking:Controlled_Structure')[0], '//node() | //@*')
})

t.test('a package holds a hundred indicators, in their order', async (t) => {
  const views = Array.from({ length: 100 }, (_, n) => ({
    ...viewOf('domain'),
    value: `a${n}.example`,
  }))
  const elements = parse(reportOf(views))
  t.same(
    valuesOf(elements),
    views.map(({ value }) => value),
  )
  const ids = elements.flatMap(({ attributes: { id } }) => id ?? [])
  t.equal(new Set(ids).size, 301, 'package, and for each indicator, observable and object')
})

t.test('an indicator is the report’s claim, its observable everybody’s', async (t) => {
  const elements = parse(reportOf(['domain']))
  const guid = claimGuid(
    { source: 'otx', externalId: '5f0000000000000000000001' },
    'domain',
    sampleValues.domain,
  )
  t.equal(named(elements, 'stix:Indicator')[0]?.id, `taxiway:indicator-${guid}`)
  const alone = parseStrictly(renderPackage(viewOf('domain'), { ...full, timestamp }))
  t.not(named(alone, 'stix:Indicator')[0]?.id, named(elements, 'stix:Indicator')[0]?.id)
  t.equal(named(alone, 'cybox:Object')[0]?.id, named(elements, 'cybox:Object')[0]?.id)
  t.equal(
    named(elements, 'indicator:Observable')[0]?.id,
    `taxiway:Observable-${indicatorGuid('domain', sampleValues.domain)}`,
  )
})

t.test('the package’s id is that of the report’s chunk in this shape', async (t) => {
  const idOf = (change: Partial<ReportView>, options = full) =>
    named(parse(reportOf(['domain'], change), options), 'stix:STIX_Package')[0]?.id
  const ids = [
    idOf({}),
    idOf({ chunk: 2 }),
    idOf({ externalId: 'another' }),
    idOf({ source: 'another' }),
    idOf({}, { ...full, profile: 'esa' }),
    idOf({}, { ...full, cidr: 'omit' }),
    idOf({}, { ...full, binding: 'urn:stix.mitre.org:xml:1.1.1' }),
  ]
  t.equal(new Set(ids).size, ids.length)
  t.equal(idOf({ name: 'renamed', description: 'said anew' }), ids[0])
})

t.test('CVEs stand beside the indicators, or without any', async (t) => {
  const elements = parse(reportOf(['cve', 'domain']))
  t.same(valuesOf(elements), [sampleValues.domain, sampleValues.cve])
  const alone = parse(reportOf(['cve']))
  t.same(valuesOf(alone), [sampleValues.cve])
  t.same(named(alone, 'stix:Indicators'), [])
})

t.test('every indicator carries what it would carry alone', async (t) => {
  const bare = (xml: string) =>
    /<stix:Indicator .*<\/stix:Indicator>/s.exec(xml)?.[0].replace(/:indicator-[-0-9a-f]+/, '')
  for (const type of publishableTypes('full').filter((type) => type !== 'cve')) {
    const view = viewOf(type, { sightings: 2, role: 'delivery' })
    t.equal(bare(textOf(reportOf([view]))), bare(renderPackage(view, { ...full, timestamp })), type)
  }
})

t.test('long words are cut, and references are many', async (t) => {
  const references = Array.from({ length: 80 }, (_, n) => `https://www.example.org/${n}`)
  const elements = parse(reportOf(['cve'], { description: 'x'.repeat(20_000), references }))
  t.equal(textsOf(elements, 'stix:Description')[0]?.length, 10_000)
  t.equal(textsOf(elements, 'stixCommon:Reference').length, 51, 'and one of the CVE’s')
})

t.test('a package declares the namespaces that it uses and no other', async (t) => {
  for (const type of publishableTypes('full')) {
    t.same(unusedPrefixes(textOf(reportOf([type]))), [], type)
    t.same(unusedPrefixes(textOf(reportOf([type], { adversary: 'A', attackIds: ['T1'] }))), [])
  }
})

t.test('the digest leaves out the timestamps alone', async (t) => {
  const view = reportOf(['domain', 'cve'], { adversary: 'A', attackIds: ['T1566'] })
  const rendered = renderReport(view, full)
  t.equal(rendered.digest.length, 16)
  const [first, second] = [timestamp, timestamp + 1].map((at) => rendered.withTimestamp(at).tail)
  t.equal(first?.replaceAll(formatMicros(timestamp), formatMicros(timestamp + 1)), second)
  t.not(first, second)
  t.ok(rendered.digest.equals(renderReport({ ...view, tags: [] }, full).digest))
})

t.test('what the shape leaves out is refused', async (t) => {
  t.throws(() => renderReport(reportOf(['email']), { ...full, profile: 'esa' }), /profile esa/)
})
