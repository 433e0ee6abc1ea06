import fc from 'fast-check'
import t from 'tap'
import { type ContentBinding, contentBindings, profiles } from '../../src/model/collection.ts'
import type { IndicatorView, PermittedAssertion } from '../../src/model/indicator.ts'
import { formatMicros } from '../../src/model/micros.ts'
import { tlpLevels } from '../../src/model/tlp.ts'
import { renderableTypes } from '../../src/stix/cybox.ts'
import { indicatorId } from '../../src/stix/ids.ts'
import {
  type RenderedPackage,
  type RenderOptions,
  renderIndicator,
  renderPackage,
} from '../../src/stix/package.ts'
import { publishableTypes } from '../../src/stix/profiles.ts'
import { describeAll, findTitle } from '../../src/stix/text.ts'
import { removeIllegalCharacters } from '../../src/xml/write.ts'
import { type Parsed, parseStrictly, textsOf } from './parse.ts'
import { plainAssertion, producer, sampleValues, viewOf } from './views.ts'

const binding: ContentBinding = 'urn:stix.mitre.org:xml:1.2'
const full: RenderOptions = { binding, profile: 'full', cidr: 'omit', producer }
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
  const valueElements = {
    ipv4: 'AddressObj:Address_Value',
    ipv6: 'AddressObj:Address_Value',
    domain: 'DomainNameObj:Value',
    url: 'URIObj:Value',
    email: 'AddressObj:Address_Value',
    md5: 'cyboxCommon:Simple_Hash_Value',
    sha1: 'cyboxCommon:Simple_Hash_Value',
    sha256: 'cyboxCommon:Simple_Hash_Value',
    'file-path': 'FileObj:File_Path',
    mutex: 'MutexObj:Name',
  }
  for (const type of renderableTypes) {
    const elements = parse(viewOf(type))
    const name = valueElements[type]
    t.same(textsOf(elements, name), [sampleValues[type]], type)
    t.equal(attributesOf(elements, name)?.condition, 'Equals', `${type}: condition`)
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
  for (const type of renderableTypes) {
    for (const tlp of ['white', 'amber+strict'] as const) {
      const xml = renderPackage(viewOf(type, { tlp }), { ...full, timestamp })
      for (const [, prefix] of xml.matchAll(/ xmlns:(\w+)=/g))
        t.ok(xml.split(`${prefix}:`).length > 1, `${type}: ${prefix} is used`)
    }
  }
})

const anyText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.string({ maxLength: 60 }),
  fc
    .array(fc.oneof(fc.nat(0xffff), fc.integer({ min: 0xd7f0, max: 0xe010 }), fc.nat(0x20)))
    .map((units) => String.fromCharCode(...units)),
)
const anyAssertion: fc.Arbitrary<PermittedAssertion> = fc.record({
  source: anyText,
  author: anyText,
  reportId: anyText,
  reportName: anyText,
  reportReferences: fc.array(fc.oneof(anyText, fc.webUrl()), { maxLength: 4 }),
  title: anyText,
  description: fc.oneof(anyText, fc.string({ minLength: 1000, maxLength: 1100 })),
  role: anyText,
  tlp: fc.constantFrom(...tlpLevels),
  confidence: fc.integer({ min: 0, max: 100 }),
  validFrom: fc.date(),
  validUntil: fc.option(fc.date(), { nil: undefined }),
  sightings: fc.option(fc.nat(), { nil: undefined }),
  adversary: anyText,
  malwareFamilies: fc.array(anyText, { maxLength: 3 }),
  attackIds: fc.array(anyText, { maxLength: 3 }),
})
const anyView: fc.Arbitrary<IndicatorView> = fc.record({
  type: fc.constantFrom(...publishableTypes('full')),
  value: anyText,
  assertions: fc.array(anyAssertion, { minLength: 1, maxLength: 3 }),
})

t.test('any view is well-formed XML that says what the view says', async () => {
  fc.assert(
    fc.property(anyView, (view) => {
      const elements = parse(view)
      const values = elements.filter(({ attributes }) => attributes.condition === 'Equals')
      const [title, description] = [findTitle(view.assertions), describeAll(view.assertions)]
      return (
        values.at(-1)?.text === removeIllegalCharacters(view.value) &&
        (title === undefined || textsOf(elements, 'indicator:Title')[0] === title) &&
        (description === '' || textsOf(elements, 'indicator:Description')[0] === description)
      )
    }),
    { numRuns: 1000 },
  )
})

t.test('the same view renders to the same bytes', async () => {
  fc.assert(
    fc.property(anyView, (view) => {
      const again = structuredClone(view)
      return (
        renderPackage(view, { ...full, timestamp }) === renderPackage(again, { ...full, timestamp })
      )
    }),
  )
})

function textOf(rendered: RenderedPackage): string {
  const { head, tail } = rendered.withTimestamp(0)
  return head + tail
}

t.test('the digest leaves out the timestamp alone', async (t) => {
  const rendered = renderIndicator(viewOf('url'), full)
  t.equal(rendered.digest.length, 16)
  const [first, second] = [rendered.withTimestamp(timestamp), rendered.withTimestamp(timestamp + 1)]
  t.not(first.tail, second.tail)
  t.equal(first.tail.replaceAll(formatMicros(timestamp), formatMicros(timestamp + 1)), second.tail)
})

t.test('digests are equal exactly when the packages are', async () => {
  const change = fc.constantFrom<(view: IndicatorView) => IndicatorView>(
    (view) => view,
    (view) => ({ ...view, value: `${view.value}x` }),
    ...(['title', 'description', 'role', 'author', 'source', 'reportName'] as const).map(
      (field) => (view: IndicatorView) => ({
        ...view,
        assertions: view.assertions.map((some) => ({ ...some, [field]: `${some[field]}x` })),
      }),
    ),
    (view) => ({ ...view, assertions: view.assertions.slice(0, 1) }),
    (view) => ({ ...view, assertions: view.assertions.toReversed() }),
    (view) => ({ ...view, assertions: view.assertions.map((some) => ({ ...some, reportId: '' })) }),
    (view) => ({
      ...view,
      assertions: view.assertions.map((some) => ({ ...some, confidence: 80 })),
    }),
    (view) => ({ ...view, assertions: view.assertions.map((some) => ({ ...some, tlp: 'red' })) }),
  )
  const options: fc.Arbitrary<RenderOptions> = fc.record({
    binding: fc.constantFrom(...contentBindings),
    profile: fc.constant('full' as const),
    cidr: fc.constant('omit' as const),
    producer: fc.constantFrom(
      producer,
      { ...producer, name: 'Another' },
      {
        ...producer,
        idNamespace: { prefix: 'acme', uri: 'http://acme.example/' },
      },
    ),
  })
  fc.assert(
    fc.property(anyView, change, options, options, (view, change, first, second) => {
      const a = renderIndicator(view, first)
      const b = renderIndicator(change(view), second)
      return a.digest.equals(b.digest) === (textOf(a) === textOf(b))
    }),
    { numRuns: 2000 },
  )
})
