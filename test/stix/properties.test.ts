import fc from 'fast-check'
import t from 'tap'
import { contentBindings } from '../../src/model/collection.ts'
import type { IndicatorView } from '../../src/model/indicator.ts'
import type { ReportView } from '../../src/model/report-view.ts'
import {
  type RenderedPackage,
  type RenderOptions,
  renderIndicator,
} from '../../src/stix/package.ts'
import { renderReport } from '../../src/stix/report-package.ts'
import { describeAll, findTitle, toLine, toParagraphs } from '../../src/stix/text.ts'
import { removeIllegalCharacters } from '../../src/xml/write.ts'
import { anyReport, anyView } from './arbitrary-views.ts'
import { type Parsed, parseStrictly, textsOf, unusedPrefixes, valuesOf } from './parse.ts'
import { producer } from './views.ts'

const full: RenderOptions = {
  binding: 'urn:stix.mitre.org:xml:1.2',
  profile: 'full',
  cidr: 'address',
  producer,
}

function textOf(rendered: RenderedPackage): string {
  const { head, tail } = rendered.withTimestamp(0)
  return head + tail
}

/** Whether the indicators and exploit targets say what their views say, in their order. */
function saysWhat(views: readonly IndicatorView[], elements: readonly Parsed[]): boolean {
  const ordered = [
    ...views.filter(({ type }) => type !== 'cve'),
    ...views.filter(({ type }) => type === 'cve'),
  ]
  const titles = [...textsOf(elements, 'indicator:Title'), ...textsOf(elements, 'et:Title')]
  const descriptions = [
    ...textsOf(elements, 'indicator:Description'),
    ...textsOf(elements, 'et:Description'),
  ]
  const values = valuesOf(elements)
  return (
    values.length === views.length &&
    ordered.every(({ value, assertions }, index) => {
      const [title, description] = [findTitle(assertions), describeAll(assertions)]
      const isPlain = !/^(?:cve|yara|imphash|pehash)$/.test(ordered[index]?.type ?? '')
      return (
        values[index] === removeIllegalCharacters(value) &&
        (!isPlain || title === undefined || titles[index] === title) &&
        (!isPlain || description === '' || descriptions[index] === description)
      )
    })
  )
}

t.test('any view is well-formed XML that says what the view says', async () => {
  fc.assert(
    fc.property(anyView, (view) => {
      const xml = textOf(renderIndicator(view, full))
      return saysWhat([view], parseStrictly(xml)) && unusedPrefixes(xml).length === 0
    }),
    { numRuns: 1000 },
  )
})

t.test('any report is well-formed XML that says what the report says', async () => {
  fc.assert(
    fc.property(anyReport, (view) => {
      const xml = textOf(renderReport(view, full))
      const elements = parseStrictly(xml)
      const [name, description] = [toLine(view.name, 255), toParagraphs(view.description, 10_000)]
      const ttps = new Set(
        [...view.malwareFamilies, ...view.attackIds].map((named) => toLine(named, 255)),
      )
      const actor = toLine(view.adversary, 255)
      return (
        saysWhat(view.indicators, elements) &&
        unusedPrefixes(xml).length === 0 &&
        (name === '' || textsOf(elements, 'stix:Title')[0] === name) &&
        (textsOf(elements, 'stix:Description')[0] ?? '') === description &&
        textsOf(elements, 'ttp:Title').every((title) => ttps.has(title)) &&
        (textsOf(elements, 'ta:Title')[0] ?? '') === actor
      )
    }),
    { numRuns: 300 },
  )
})

t.test('the same view renders to the same bytes', async () => {
  fc.assert(
    fc.property(
      anyView,
      (view) =>
        textOf(renderIndicator(view, full)) ===
        textOf(renderIndicator(structuredClone(view), full)),
    ),
  )
})

const anyOptions: fc.Arbitrary<RenderOptions> = fc.record({
  binding: fc.constantFrom(...contentBindings),
  profile: fc.constant('full' as const),
  cidr: fc.constantFrom('cidr' as const, 'address' as const),
  producer: fc.constantFrom(
    producer,
    { ...producer, name: 'Another' },
    { ...producer, idNamespace: { prefix: 'acme', uri: 'http://acme.example/' } },
  ),
})

type Change = (view: IndicatorView) => IndicatorView
const anyChange = fc.constantFrom<Change>(
  (view) => view,
  (view) => ({ ...view, value: `${view.value}x` }),
  ...(['title', 'description', 'role', 'author', 'source', 'reportName', 'adversary'] as const).map(
    (field): Change =>
      (view) => ({
        ...view,
        assertions: view.assertions.map((some) => ({ ...some, [field]: `${some[field]}x` })),
      }),
  ),
  ...(
    [
      { reportId: '' },
      { confidence: 80 },
      { tlp: 'red' },
      { sightings: 5 },
      { role: 'c2' },
      { malwareFamilies: ['Emotet'] },
      { attackIds: ['T1566'] },
    ] as const
  ).map(
    (fields): Change =>
      (view) => ({
        ...view,
        assertions: view.assertions.map((some) => ({ ...some, ...fields })),
      }),
  ),
  (view) => ({ ...view, assertions: view.assertions.slice(0, 1) }),
  (view) => ({ ...view, assertions: view.assertions.toReversed() }),
)

t.test('digests are equal exactly when the packages are', async () => {
  fc.assert(
    fc.property(anyView, anyChange, anyOptions, anyOptions, (view, change, first, second) => {
      const a = renderIndicator(view, first)
      const b = renderIndicator(change(view), second)
      return a.digest.equals(b.digest) === (textOf(a) === textOf(b))
    }),
    { numRuns: 2000 },
  )
})

t.test('digests of reports are equal exactly when their packages are', async () => {
  const anyReportChange = fc.constantFrom<(view: ReportView) => ReportView>(
    (view) => view,
    (view) => ({ ...view, tags: ['another'] }),
    (view) => ({ ...view, chunk: view.chunk + 1 }),
    (view) => ({ ...view, description: `${view.description}x` }),
    (view) => ({ ...view, references: ['https://www.example.org/'] }),
    (view) => ({ ...view, indicators: view.indicators.toReversed() }),
    (view) => ({ ...view, malwareFamilies: [...view.malwareFamilies, 'Emotet'] }),
  )
  fc.assert(
    fc.property(anyReport, anyReportChange, anyOptions, anyOptions, (view, change, one, other) => {
      const a = renderReport(view, one)
      const b = renderReport(change(view), other)
      return a.digest.equals(b.digest) === (textOf(a) === textOf(b))
    }),
    { numRuns: 500 },
  )
})
