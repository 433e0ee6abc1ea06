import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { type ContentBinding, contentBindings, packagings } from '../../src/model/collection.ts'
import type { PublishableType } from '../../src/stix/profiles.ts'
import { runPython, type StixVersion, validateStix } from '../helpers/python.ts'
import { type Cell, matrix } from './matrix.ts'
import { parseStrictly, textsOf } from './parse.ts'

const versionOf = (binding: ContentBinding): StixVersion =>
  binding.endsWith(':1.2') ? ('1.2' as const) : ('1.1.1' as const)

async function askPython<T>(script: string): Promise<readonly T[]> {
  const path = fileURLToPath(new URL(script, import.meta.url))
  const { stdout, stderr, code } = await runPython(
    [path],
    JSON.stringify(matrix.map(({ xml }) => xml)),
  )
  if (code !== 0) throw new Error(`${script} ended with ${code}:\n${stderr}`)
  return JSON.parse(stdout)
}

for (const binding of contentBindings) {
  t.test(`every package in ${binding} is valid STIX`, async (t) => {
    const cells = matrix.filter((cell) => cell.binding === binding)
    const errors = await validateStix(
      cells.map(({ xml }) => xml),
      versionOf(binding),
    )
    t.equal(errors.length, cells.length)
    t.same(
      errors.flatMap((found, index) => found.map((error) => [error, cells[index]?.xml])),
      [],
    )
  })
}

/** What stix-validator warns of, and in which bindings and packagings. docs/stix.md says why. */
const warnings = [
  ['Indicator Suggestions: Indicated_TTP', contentBindings, packagings],
  ['Indicator Suggestions: Valid_Time_Position', contentBindings, packagings],
  ...(
    [
      ['@timestamp is deprecated in STIX Package.', packagings],
      ['Title is deprecated in STIX Header.', ['report']],
      ['Description is deprecated in STIX Header.', ['report']],
      ['Package_Intent is deprecated in STIX Header.', ['report']],
    ] as const
  ).map(
    ([message, packagings]) =>
      [`STIX 1.2 Deprecations: ${message}`, ['urn:stix.mitre.org:xml:1.2'], packagings] as const,
  ),
] as const

t.test('packages depart from best practices only where the documentation says so', async (t) => {
  const found = await askPython<readonly string[]>('best_practices.py')
  t.equal(found.length, matrix.length)
  for (const binding of contentBindings) {
    for (const packaging of packagings) {
      const warned = new Set<string>()
      matrix.forEach((cell, index) => {
        if (cell.binding === binding && cell.packaging === packaging)
          for (const warning of found[index] ?? []) warned.add(warning)
      })
      const expected = warnings.filter(
        ([, bindings, packagings]) =>
          bindings.some((one) => one === binding) && packagings.some((one) => one === packaging),
      )
      t.same(
        [...warned].sort(),
        expected.map(([warning]) => warning).sort(),
        `${binding} ${packaging}`,
      )
    }
  }
  t.same(
    found
      .filter((_, index) => matrix[index]?.xml.includes('<indicator:Indicated_TTP>'))
      .flat()
      .filter((warning) => warning.endsWith('Indicated_TTP')),
    [],
    'who has TTPs is not told to have some',
  )
})

t.test('docs/stix.md explains these warnings and no other', async (t) => {
  const guide = readFileSync(new URL('../../docs/stix.md', import.meta.url), 'utf8')
  const rows = [...guide.matchAll(/^\| `([^`]+: [^`]+)` \| ([^|]+) \| ([^|]+) \| [^|]+ \|$/gm)]
  const said = rows.map(([, warning, binding, packaging]) => [warning, binding, packaging])
  const all = (some: readonly string[]) => (some.length > 1 ? 'both' : some[0])
  t.same(
    said,
    warnings.map(([warning, bindings, packagings]) => [
      warning,
      all(bindings)?.replace(/.*:/, ''),
      all(packagings),
    ]),
  )
})

/** What read_packages.py answers. */
interface ReadIndicator {
  readonly id: string
  readonly title: string
  readonly types: readonly string[]
  readonly colors: readonly string[]
  readonly confidence: string
  readonly sightings: number | null
  readonly observable: string | null
  readonly object: string | null
  readonly values: readonly (readonly [string, unknown])[]
  readonly rules: readonly string[]
  readonly ttps: readonly string[]
  readonly phases: readonly string[]
  readonly producer: string
}
interface ReadPackage {
  readonly id: string
  readonly version: string
  readonly title: string | null
  readonly colors: readonly string[]
  readonly indicators: readonly ReadIndicator[]
  readonly ttps: readonly (readonly [string, string])[]
  readonly targets: readonly (readonly [string, readonly string[]])[]
  readonly actors: readonly (readonly [string, string, readonly string[]])[]
}

const kinds: Readonly<Record<Exclude<PublishableType, 'cve' | 'yara'>, string>> = {
  ...{ ipv4: 'ipv4-addr', ipv6: 'ipv6-addr', cidr: 'cidr', email: 'e-mail' },
  ...{ domain: 'FQDN', url: 'URL', 'file-path': 'File_Path', mutex: 'Mutex' },
  ...{ md5: 'MD5', sha1: 'SHA1', sha256: 'SHA256', pehash: 'Other', imphash: 'Other' },
}

function kindOf(type: string, value: string, { cidr }: Cell): string {
  if (type === 'cidr' && cidr === 'address') return value.includes(':') ? kinds.ipv6 : kinds.ipv4
  return kinds[type as keyof typeof kinds]
}

/** What python-stix has read, in the shape of what was to be read. */
function asRead(read: ReadPackage) {
  const { indicators } = read
  return {
    package: [read.id],
    title: read.title === null ? [] : [read.title],
    indicators: indicators.map(({ id }) => id),
    titles: indicators.map(({ title }) => title),
    types: indicators.flatMap(({ types }) => types),
    observables: indicators.flatMap(({ observable }) => observable ?? []),
    objects: indicators.flatMap(({ object }) => object ?? []),
    values: indicators.flatMap(({ values }) => values),
    rules: indicators.flatMap(({ rules }) => rules),
    indicated: indicators.flatMap(({ ttps }) => ttps),
    phases: indicators.flatMap(({ phases }) => phases),
    confidences: indicators.map(({ confidence }) => confidence),
    sightings: indicators.flatMap(({ sightings }) => sightings ?? []),
    producers: indicators.map(({ producer }) => producer),
    ttps: read.ttps.map(([id]) => id),
    targets: read.targets.map(([id]) => id),
    vulnerabilities: read.targets.flatMap(([, cves]) => cves),
    actors: read.actors.map(([id]) => id),
    actorNames: read.actors.map(([, name]) => name),
    observed: read.actors.flatMap(([, , ttps]) => ttps),
    colors: [...read.colors, ...indicators.flatMap(({ colors }) => colors)],
  }
}

/** What a strict parser and the views say that there is to read. */
function toBeRead(cell: Cell): ReturnType<typeof asRead> {
  const elements = parseStrictly(cell.xml)
  const attributes = (name: string, attribute: string) =>
    elements
      .filter((element) => element.name === name)
      .flatMap((element) => element.attributes[attribute] ?? [])
  const texts = (name: string) => [...textsOf(elements, name)]
  const indicators = cell.views.filter(({ type }) => type !== 'cve')
  const observables = indicators.filter(({ type }) => type !== 'yara')
  const marked = (cell.packaging === 'report' ? 1 : 0) + indicators.length
  return {
    package: attributes('stix:STIX_Package', 'id'),
    title: texts('stix:Title'),
    indicators: attributes('stix:Indicator', 'id'),
    titles: texts('indicator:Title'),
    types: texts('indicator:Type'),
    observables: attributes('indicator:Observable', 'id'),
    objects: attributes('cybox:Object', 'id'),
    values: observables.map(({ type, value }) => [kindOf(type, value, cell), value]),
    rules: indicators.filter(({ type }) => type === 'yara').map(({ value }) => value),
    indicated: ttpsWithin(cell.xml, 'indicator:Indicated_TTP'),
    phases: attributes('stixCommon:Kill_Chain_Phase', 'name'),
    confidences: texts('stixCommon:Value'),
    sightings: attributes('indicator:Sightings', 'sightings_count').map(Number),
    producers: indicators.map(() => 'Example SOC'),
    ttps: attributes('stix:TTP', 'id'),
    targets: attributes('stixCommon:Exploit_Target', 'id'),
    vulnerabilities: cell.views.filter(({ type }) => type === 'cve').map(({ value }) => value),
    actors: attributes('stix:Threat_Actor', 'id'),
    actorNames: texts('ta:Title'),
    observed: ttpsWithin(cell.xml, 'ta:Observed_TTP'),
    // In the order of the document: first the header's, then the indicators', then what comes behind.
    colors: attributes('marking:Marking_Structure', 'color').slice(0, marked),
  }
}

function ttpsWithin(xml: string, element: string): string[] {
  const pattern = new RegExp(
    `<${element}><stixCommon:TTP(?: xsi:type="[^"]+")? id(?:ref)?="([^"]+)"`,
    'g',
  )
  return [...xml.matchAll(pattern)].map(([, id]) => id as string)
}

t.test('python-stix reads in every package what is in it', async (t) => {
  const found = await askPython<ReadPackage>('read_packages.py')
  t.equal(found.length, matrix.length)
  t.same(found.map(asRead), matrix.map(toBeRead))
})
