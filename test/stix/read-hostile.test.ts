import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { readContent } from '../../src/stix/read.ts'
import { deviceNames } from '../../src/taxii/client/device.ts'
import { createDevice } from '../../src/taxii/client/devices/devices.ts'
import type { XmlAttribute, XmlElement } from '../../src/xml/read.ts'
import {
  address,
  composition,
  contentOf,
  domain,
  file,
  hash,
  hashes,
  indicator,
  indicators,
  object,
  observable,
  observableRef,
  observables,
  packageOf,
  plainObservable,
  plainObservableRef,
  uri,
} from './read-samples.ts'

const seed = 20_261_121
const binding = 'urn:stix.mitre.org:xml:1.1.1'

/** Reads the package, and lets every device read it. */
function readAll(content: XmlElement): void {
  readContent(content, binding)
  for (const name of deviceNames) createDevice(name).read({ binding, label: undefined, content })
}

interface Mutable extends XmlElement {
  namespace: string
  name: string
  attributes: XmlAttribute[]
  children: Mutable[]
  text: string
}

const everything = packageOf(
  `<stix:STIX_Header><stix:Title>Head</stix:Title><stix:Handling><marking:Marking><marking:Marking_Structure xsi:type="tlpMarking:TLPMarkingStructureType" color="GREEN"/></marking:Marking></stix:Handling></stix:STIX_Header>${observables(
    plainObservable(object(domain('a.example')), 'ex:a'),
    plainObservable(composition('OR', plainObservableRef('ex:a')), 'ex:or'),
  )}${indicators(
    indicator(
      `<indicator:Title>T</indicator:Title><indicator:Valid_Time_Position><indicator:Start_Time>2026-01-01T00:00:00Z</indicator:Start_Time></indicator:Valid_Time_Position>${observableRef('ex:a')}<indicator:Indicated_TTP><stixCommon:TTP id="ex:t"><ttp:Title>M</ttp:Title></stixCommon:TTP></indicator:Indicated_TTP><indicator:Sightings sightings_count="3"/><indicator:Producer><stixCommon:Identity><stixCommon:Name>N</stixCommon:Name></stixCommon:Identity></indicator:Producer>`,
    ),
    indicator(
      observable(
        composition(
          'AND',
          plainObservable(object(address('198.51.100.7##comma##198.51.100.8')), 'ex:b'),
          plainObservable(
            object(file([hash(hashes.md5, 'MD5'), hash(hashes.sha1, undefined)])),
            'ex:f',
          ),
          plainObservable(object(uri('http://evil.example/')), 'ex:u'),
        ),
        'ex:and',
      ),
      'ex:indicator-2',
    ),
    indicator(
      `<indicator:Composite_Indicator_Expression operator="OR"><indicator:Indicator id="ex:c">${observable(object(address('joe@evil.example', 'e-mail')))}</indicator:Indicator></indicator:Composite_Indicator_Expression>`,
      'ex:indicator-3',
    ),
  )}<stix:Exploit_Targets><stixCommon:Exploit_Target id="ex:e"><et:Vulnerability><et:CVE_ID>CVE-2026-1</et:CVE_ID></et:Vulnerability></stixCommon:Exploit_Target></stix:Exploit_Targets>`,
  { version: '1.1.1' },
)

function listElements(root: Mutable): Mutable[] {
  const all = [root]
  for (let i = 0; i < all.length; i++) all.push(...(all[i] as Mutable).children)
  return all
}

interface Mutation {
  readonly kind: 'drop' | 'repeat' | 'move' | 'text' | 'name' | 'namespace' | 'attribute' | 'bare'
  readonly at: number
  readonly to: number
  readonly text: string
}

/** Moving an element under one of its own would make a ring, which no document can be. */
function holds(element: Mutable, other: Mutable): boolean {
  return element === other || element.children.some((child) => holds(child, other))
}

function mutate(root: Mutable, { kind, at, to, text }: Mutation): void {
  const all = listElements(root)
  const one = all[at % all.length] as Mutable
  const other = all[to % all.length] as Mutable
  const copy = structuredClone(other)
  switch (kind) {
    case 'drop':
      one.children.splice(to % (one.children.length + 1), 1)
      break
    case 'repeat':
      one.children.push(copy)
      break
    case 'move':
      if (!holds(one, other)) other.children.unshift(structuredClone(one))
      break
    case 'text':
      one.text = text
      break
    case 'name':
      one.name = other.name
      break
    case 'namespace':
      one.namespace = other.namespace
      break
    case 'attribute':
      one.attributes = one.attributes.map((attribute, i) =>
        i === to % one.attributes.length ? { ...attribute, value: text } : attribute,
      )
      break
    case 'bare':
      one.attributes = []
      break
  }
}

const anyMutation: fc.Arbitrary<Mutation> = fc.record({
  kind: fc.constantFrom('drop', 'repeat', 'move', 'text', 'name', 'namespace', 'attribute', 'bare'),
  at: fc.nat(300),
  to: fc.nat(300),
  text: fc.oneof(
    fc.string({ unit: 'binary', maxLength: 30 }),
    fc.constantFrom(
      'constructor',
      '__proto__',
      'toString',
      'OR',
      'AND',
      'OTHER',
      '##comma##',
      'ex:a',
    ),
    fc.constantFrom('FileObjectType', 'q:EmailMessageObjectType', 'TLPMarkingStructureType', 'RED'),
  ),
})

t.test('whatever becomes of a package, it is read without a throw', async () => {
  const check = fc.property(fc.array(anyMutation, { minLength: 1, maxLength: 12 }), (mutations) => {
    const root = contentOf(everything) as Mutable
    for (const mutation of mutations) {
      mutate(root, mutation)
      // Repeating a large part again and again would make the tree, not its reading, slow.
      if (listElements(root).length > 2000) break
    }
    readAll(root)
  })
  fc.assert(check, { seed, numRuns: 500 })
})

t.test('text in the content is read without a throw', async () => {
  const pieces = everything.match(/<[^>]*>|[^<]+/g) ?? []
  const anyPiece = fc.oneof(
    fc.constantFrom(...pieces),
    fc.string({ unit: 'binary' }),
    fc.constantFrom(
      '<!DOCTYPE a [<!ENTITY b "c">]>',
      '&b;',
      '<![CDATA[',
      ']]>',
      '<?xml version="1.1"?>',
    ),
  )
  const check = fc.property(fc.array(anyPiece, { maxLength: 30 }), (some) => {
    readAll({ namespace: '', name: 'Content', attributes: [], children: [], text: some.join('') })
  })
  fc.assert(check, { seed, numRuns: 500 })
})

const plainElement = (
  name: string,
  namespace: string,
  change: Partial<XmlElement> = {},
): XmlElement => ({
  namespace,
  name,
  attributes: [],
  children: [],
  text: '',
  ...change,
})

const cybox = 'http://cybox.mitre.org/cybox-2'
const stix = 'http://stix.mitre.org/stix-1'
const indicatorNamespace = 'http://stix.mitre.org/Indicator-2'

/** A tree that is as deep as asked, by putting each into the next. */
function nest(depth: number, inner: XmlElement, ...around: ((one: XmlElement) => XmlElement)[]) {
  let element = inner
  for (let i = 0; i < depth; i++) for (const put of around) element = put(element)
  return element
}

function inPackage(list: string, child: XmlElement): XmlElement {
  const holder = plainElement(list, stix, { children: [child] })
  const version = { namespace: '', name: 'version', value: '1.1.1' }
  const root = plainElement('STIX_Package', stix, { attributes: [version], children: [holder] })
  return plainElement('Content', '', { children: [root] })
}

t.test('ten thousand levels of anything are read', async (t) => {
  const depth = 10_000
  const put = (name: string, namespace: string) => (one: XmlElement) =>
    plainElement(name, namespace, { children: [one] })
  const leaf = plainElement('x', '')
  const composed = nest(
    depth,
    plainElement('Observable', cybox),
    put('Observable_Composition', cybox),
    put('Observable', cybox),
  )
  const composite = nest(
    depth,
    plainElement('Indicator', indicatorNamespace),
    put('Composite_Indicator_Expression', indicatorNamespace),
    put('Indicator', indicatorNamespace),
  )
  const related = nest(
    depth,
    plainElement('Related_Object', cybox),
    put('Related_Objects', cybox),
    put('Related_Object', cybox),
  )
  const samples = {
    compositions: inPackage('Observables', composed),
    'composite indicators': inPackage(
      'Indicators',
      plainElement('Indicator', stix, {
        children: [put('Composite_Indicator_Expression', indicatorNamespace)(composite)],
      }),
    ),
    'related objects': inPackage(
      'Observables',
      put('Observable', cybox)(put('Object', cybox)(put('Related_Objects', cybox)(related))),
    ),
    properties: inPackage(
      'Observables',
      put('Observable', cybox)(put('Object', cybox)(nest(depth, leaf, put('Properties', cybox)))),
    ),
    constructs: inPackage('TTPs', nest(depth, leaf, put('TTP', stix))),
    anything: plainElement('Content', '', { children: [nest(depth, leaf, put('y', ''))] }),
  }
  for (const [what, content] of Object.entries(samples)) {
    t.doesNotThrow(() => readAll(content), what)
  }
})

/** Counts how often any part of any element is looked at while all read the content: noise has no part in it. */
function countLooks(content: XmlElement): number {
  let looks = 0
  const watch = (element: XmlElement): XmlElement => {
    const children = element.children.map(watch)
    const look = <T>(value: T): T => {
      looks += 1
      return value
    }
    return {
      get namespace() {
        return look(element.namespace)
      },
      get name() {
        return look(element.name)
      },
      get attributes() {
        return look(element.attributes)
      },
      get children() {
        return look(children)
      },
      get text() {
        return look(element.text)
      },
    }
  }
  readAll(watch(content))
  return looks
}

t.test('the work grows with the size of a package and not with its square', async (t) => {
  const many = (n: number, one: (i: number) => string) =>
    Array.from({ length: n }, (_, i) => one(i)).join('')
  const samples: Readonly<Record<string, (n: number) => string>> = {
    indicators: (n) =>
      indicators(many(n, (i) => indicator(observable(object(domain(`a${i}.example`)))))),
    'references to one list': (n) =>
      observables(
        plainObservable(object(domain(many(n, (i) => `a${i}.example##comma##`))), 'ex:o'),
      ) + indicators(indicator(many(n, () => observableRef('ex:o')))),
    'hashes of one file': (n) =>
      indicators(indicator(observable(object(file([many(n, () => hash(hashes.md5, 'MD5'))]))))),
    'members of one composition': (n) =>
      indicators(
        indicator(
          observable(
            composition(
              'OR',
              many(n, () => plainObservableRef('ex:o')),
            ),
          ),
        ),
      ),
    'markings of one indicator': (n) =>
      indicators(
        indicator(
          `<indicator:Handling><marking:Marking>${many(n, () => '<marking:Marking_Structure xsi:type="tlpMarking:TLPMarkingStructureType" color="RED"/>')}</marking:Marking></indicator:Handling>`,
        ),
      ),
  }
  for (const [what, make] of Object.entries(samples)) {
    const [small, large] = [100, 800].map((n) =>
      countLooks(contentOf(packageOf(make(n), { version: '1.1.1' }))),
    ) as [number, number]
    t.ok(large < 9 * small, `${what}: ${small} and ${large} looks`)
    const content = contentOf(packageOf(make(10_000), { version: '1.1.1' }))
    const before = process.cpuUsage()
    readAll(content)
    const { user } = process.cpuUsage(before)
    t.ok(user < 10_000_000, `${what}: ${user} µs`)
  }
})

t.test('endless texts cost no more than they are long', async (t) => {
  const length = 200_000
  const texts = {
    'white space': `a${' '.repeat(length)}b`,
    'a level of TLP': `AMBER${' '.repeat(length)}`,
    'a level with an end': `TLP:AMBER${'-'.repeat(length)}x`,
    dots: '.'.repeat(length),
    brackets: '[.]'.repeat(length / 3),
    slashes: `http://${'/'.repeat(length)}`,
    digits: '1'.repeat(length),
    'at signs': '@'.repeat(length),
    delimiters: '##comma##'.repeat(length / 9),
  }
  for (const [what, text] of Object.entries(texts)) {
    const places = [
      address(text),
      address(text, 'e-mail'),
      address('a', text),
      domain(text),
      uri(text),
      uri('a', text),
      file([hash(text, undefined), hash(text, 'MD5'), hash('a', text)]),
    ]
    const observed = places.map((one) => observable(object(one))).join('')
    const inner = indicator(
      `<indicator:Title>${text}</indicator:Title>${observed}<indicator:Handling><marking:Marking><marking:Marking_Structure xsi:type="tlpMarking:TLPMarkingStructureType" color="${text}"><simpleMarking:Statement>${text}</simpleMarking:Statement></marking:Marking_Structure><marking:Marking_Structure xsi:type="tlpMarking:TLPMarkingStructureType" color="RED"/></marking:Marking></indicator:Handling><indicator:Sightings sightings_count="${text}"/>`,
    )
    const content = contentOf(packageOf(indicators(inner), { version: text }))
    const start = performance.now()
    readAll(content)
    createDevice('cabby').read({ binding: text, label: text, content })
    const elapsed = performance.now() - start
    t.ok(elapsed < 5000, `${what}: ${elapsed.toFixed(0)} ms`)
  }
})

t.test('a bomb of entities in escaped text is refused', async () => {
  const bomb = '<!DOCTYPE a [<!ENTITY b "cccc"><!ENTITY d "&b;&b;&b;&b;">]><a>&d;</a>'
  const content = plainElement('Content', '', { text: bomb })
  assert.deepEqual(
    readContent(content, binding).findings.map(({ word }) => word),
    ['not-xml'],
  )
})
