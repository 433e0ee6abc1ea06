import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import {
  type ContentBinding,
  cidrForms,
  contentBindings,
  type Profile,
  profiles,
} from '../../src/model/collection.ts'
import type { IndicatorView } from '../../src/model/indicator.ts'
import { formatMicros } from '../../src/model/micros.ts'
import { tlpRank } from '../../src/model/tlp.ts'
import { indicatorId } from '../../src/stix/ids.ts'
import { confidenceLevel, type RenderOptions, renderPackage } from '../../src/stix/package.ts'
import { isPublishable, publishableTypes } from '../../src/stix/profiles.ts'
import { readContent } from '../../src/stix/read.ts'
import type { StixIndicator } from '../../src/stix/read-indicator.ts'
import type { StixPackage } from '../../src/stix/read-package.ts'
import { renderReport } from '../../src/stix/report-package.ts'
import { type Parsed, parseStrictly, textsOf } from './parse.ts'
import { contentOf } from './read-samples.ts'
import { anyView } from './read-views.ts'
import { producer, reportOf } from './views.ts'

const seed = 20_261_121
const timestamp = 1_760_000_000_123_456

function read(xml: string, binding: ContentBinding): StixPackage {
  const { package: stixPackage, findings } = readContent(contentOf(xml), binding)
  assert.deepEqual(findings, [])
  if (!stixPackage) throw new Error('there is no package')
  return stixPackage
}

function mostRestrictive({ assertions }: Pick<IndicatorView, 'assertions'>) {
  return assertions.map(({ tlp }) => tlp).toSorted((a, b) => tlpRank(b) - tlpRank(a))[0]
}

function sumOfSightings({ assertions }: IndicatorView): number | undefined {
  const counts = assertions.flatMap(({ sightings }) => sightings ?? [])
  const sum = counts.reduce((a, b) => a + b, 0)
  return counts.length === 0 ? undefined : Math.min(sum, 2 ** 31 - 1)
}

/** The one text of that name, as another parser has it. */
function textOf(elements: readonly Parsed[], name: string): string | undefined {
  const [first, second] = textsOf(elements, name)
  if (second !== undefined) throw new Error(`there are two of ${name}`)
  return first?.trim() || undefined
}

function checkValue(view: IndicatorView, stixPackage: StixPackage, one: StixIndicator) {
  const { type, value } = view
  const own = stixPackage.observables.filter(
    ({ place }) => place.within === 'indicator' && place.indicator === one,
  )
  if (type === 'yara') {
    assert.deepEqual(one.testMechanisms, [{ type: 'YaraTestMechanismType', rule: value }])
    assert.deepEqual(own, [])
    return
  }
  assert.deepEqual(
    own.map(({ kind, composition, properties }) => [
      kind,
      composition,
      properties?.values.map(({ known, condition }) => [known, condition]),
    ]),
    [['object', undefined, [[[{ type, value }], 'Equals']]]],
  )
}

t.test('what is rendered as one indicator is read back', async () => {
  const shapes = profiles.flatMap((profile) =>
    (profile === 'full' ? cidrForms : ['omit' as const]).map((cidr) => ({ profile, cidr })),
  )
  const anyCase = fc.record({
    binding: fc.constantFrom(...contentBindings),
    shape: fc.constantFrom(...shapes),
    view: anyView(publishableTypes('full')),
  })
  fc.assert(
    fc.property(anyCase, ({ binding, shape, view }) => {
      fc.pre(isPublishable(shape, view.type, view.value))
      const options: RenderOptions = { ...shape, binding, producer }
      const xml = renderPackage(view, { ...options, timestamp })
      const elements = parseStrictly(xml)
      const stixPackage = read(xml, binding)
      assert.equal(stixPackage.id, elements[0]?.attributes.id)
      assert.equal(stixPackage.version, binding.slice(binding.lastIndexOf(':') + 1))
      assert.equal(stixPackage.timestamp, formatMicros(timestamp))
      assert.equal(stixPackage.header, undefined)
      if (view.type === 'cve') {
        const [target] = stixPackage.constructs
        assert.deepEqual(target?.cves, [view.value])
        assert.equal(target?.markings.tlp, mostRestrictive(view))
        assert.deepEqual(stixPackage.indicators, [])
        return
      }
      const [one, another] = stixPackage.indicators
      if (!one || another) throw new Error('there is not one indicator')
      checkValue(view, stixPackage, one)
      assert.deepEqual(
        {
          id: one.id,
          timestamp: one.timestamp,
          title: one.title,
          description: one.description,
          types: one.types,
          validFrom: one.validFrom,
          validUntil: one.validUntil,
          confidence: one.confidence,
          tlp: one.markings.tlp,
          sightings: one.sightings,
          producer: one.producer?.name,
          references: one.producer?.references,
        },
        {
          id: indicatorId(producer.idNamespace, view.type, view.value),
          timestamp: formatMicros(timestamp),
          title: textOf(elements, 'indicator:Title'),
          description: textOf(elements, 'indicator:Description'),
          types: textsOf(elements, 'indicator:Type'),
          validFrom: textOf(elements, 'indicator:Start_Time'),
          validUntil: textOf(elements, 'indicator:End_Time'),
          confidence: confidenceLevel(Math.max(...view.assertions.map((a) => a.confidence))),
          tlp: mostRestrictive(view),
          sightings: sumOfSightings(view),
          producer: producer.name,
          references: textsOf(elements, 'stixCommon:Reference'),
        },
      )
      assert.equal(
        one.indicatedTtps.length,
        elements.filter(({ name, attributes }) => name === 'stixCommon:TTP' && attributes.id)
          .length,
      )
      for (const { title, malware, attackPatterns } of one.indicatedTtps) {
        assert.deepEqual([...malware, ...attackPatterns], [title])
      }
      const actors = stixPackage.constructs.filter(({ name }) => name === 'Threat_Actor')
      assert.deepEqual(
        actors.map(({ title }) => title),
        textsOf(elements, 'ta:Title'),
      )
    }),
    { seed, numRuns: 400 },
  )
})

t.test('what is rendered as a report is read back', async () => {
  const anyCase = fc.record({
    binding: fc.constantFrom(...contentBindings),
    profile: fc.constantFrom<Profile>('esa', 'full'),
    views: fc.array(anyView(publishableTypes('full'), 1), { minLength: 1, maxLength: 8 }),
    families: fc.subarray(['Emotet', 'Qak & Bot', '<>']),
    adversary: fc.constantFrom('', 'APT <1>'),
  })
  fc.assert(
    fc.property(anyCase, ({ binding, profile, views, families, adversary }) => {
      const options: RenderOptions = {
        profile,
        cidr: profile === 'full' ? 'cidr' : 'omit',
        binding,
        producer,
      }
      const published = views.filter(({ type, value }) => isPublishable(options, type, value))
      fc.pre(published.length > 0)
      const report = reportOf(published, { malwareFamilies: families, adversary })
      const { head, tail } = renderReport(report, options).withTimestamp(timestamp)
      const stixPackage = read(head + tail, binding)
      const { header } = stixPackage
      assert.equal(header?.title, report.name)
      assert.equal(header.description, report.description)
      assert.deepEqual(header.intents, ['Indicators'])
      assert.equal(
        header.markings.tlp,
        mostRestrictive({ assertions: published.flatMap(({ assertions }) => assertions) }),
      )
      const shown = published.filter(({ type }) => type !== 'cve')
      assert.equal(stixPackage.indicators.length, shown.length)
      for (const [i, view] of shown.entries()) {
        checkValue(view, stixPackage, stixPackage.indicators[i] as StixIndicator)
        assert.equal(stixPackage.indicators[i]?.markings.tlp, mostRestrictive(view))
      }
      const named = (name: string) => stixPackage.constructs.filter((one) => one.name === name)
      assert.deepEqual(
        named('Exploit_Target').flatMap(({ cves }) => cves),
        published.flatMap(({ type, value }) => (type === 'cve' ? value : [])),
      )
      const says = profile === 'full'
      assert.deepEqual(
        named('TTP').flatMap(({ malware }) => malware),
        says ? families : [],
      )
      assert.deepEqual(
        named('Threat_Actor').map(({ title }) => title),
        says && adversary !== '' ? [adversary] : [],
      )
    }),
    { seed, numRuns: 150 },
  )
})
