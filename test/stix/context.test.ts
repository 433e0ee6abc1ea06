import t from 'tap'
import type { PermittedAssertion } from '../../src/model/indicator.ts'
import { type RenderOptions, renderPackage } from '../../src/stix/package.ts'
import { renderReport } from '../../src/stix/report-package.ts'
import { type Parsed, parseStrictly, textsOf } from './parse.ts'
import { producer, reportOf, viewOf } from './views.ts'

const full: RenderOptions = {
  binding: 'urn:stix.mitre.org:xml:1.2',
  profile: 'full',
  cidr: 'omit',
  producer,
}
const background = {
  adversary: 'APT & Co',
  malwareFamilies: ['Emotet', 'Trojan:Win32/X'],
  attackIds: ['T1566.001', 'CAPEC-98'],
}

function parseIndicator(...assertions: readonly Partial<PermittedAssertion>[]): readonly Parsed[] {
  return parseStrictly(
    renderPackage(viewOf('domain', ...assertions), { ...full, timestamp: 1_760_000_000_123_456 }),
  )
}

function parseReport(change: Parameters<typeof reportOf>[1], options = full): readonly Parsed[] {
  const rendered = renderReport(reportOf(['domain', 'ipv4', 'cve'], change), options)
  const { head, tail } = rendered.withTimestamp(1_760_000_000_123_456)
  return parseStrictly(head + tail)
}

const named = (elements: readonly Parsed[], name: string) =>
  elements.filter((element) => element.name === name).map(({ attributes }) => attributes)

/** Attack patterns within have a title too. */
function ttpTitles(elements: readonly Parsed[]): readonly string[] {
  return elements
    .filter(({ name }, at) => name === 'ttp:Title' && elements[at - 1]?.name.endsWith(':TTP'))
    .map(({ text }) => text)
}

t.test('malware families and attack ids are TTPs within their indicator', async (t) => {
  const elements = parseIndicator(background)
  t.same(ttpTitles(elements), ['Emotet', 'Trojan:Win32/X', 'T1566.001', 'CAPEC-98'])
  t.same(textsOf(elements, 'ttp:Name'), background.malwareFamilies)
  t.same(
    named(elements, 'ttp:Attack_Pattern').map(({ capec_id }) => capec_id),
    [undefined, 'CAPEC-98'],
  )
  t.equal(named(elements, 'indicator:Indicated_TTP').length, 4)
  t.same(named(elements, 'stix:TTPs'), [])
})

t.test('in a package of a report, TTPs stand once and are referred to', async (t) => {
  const elements = parseReport(background)
  const ids = named(elements, 'stix:TTP').map(({ id }) => id)
  t.equal(ids.length, 4)
  const references = named(elements, 'stixCommon:TTP').map(({ idref }) => idref)
  t.same(references, [...ids, ...ids, ...ids], 'of two indicators and the threat actor')
  t.equal(named(elements, 'ttp:Handling').length, 4, 'each is marked')
})

t.test('references name the version that is in the package', async (t) => {
  for (const elements of [parseIndicator(background), parseReport(background)]) {
    const versions = elements.flatMap(({ attributes: { id, timestamp } }) =>
      timestamp ? [`${id} ${timestamp}`] : [],
    )
    const references = elements.flatMap(({ attributes: { idref, timestamp } }) =>
      idref ? [`${idref} ${timestamp}`] : [],
    )
    t.ok(references.length >= 4)
    for (const reference of references) t.ok(versions.includes(reference), reference)
  }
})

t.test('a TTP has the same id wherever it is named', async (t) => {
  const idOf = (elements: readonly Parsed[], name: string) => named(elements, name)[0]?.id
  const id = idOf(parseIndicator({ malwareFamilies: ['Emotet'] }), 'stixCommon:TTP')
  t.match(id, /^taxiway:ttp-[-0-9a-f]{36}$/)
  t.equal(idOf(parseReport({ malwareFamilies: ['emotet '] }), 'stix:TTP'), id)
  t.not(idOf(parseReport({ attackIds: ['Emotet'] }), 'stix:TTP'), id)
})

t.test('a name is one TTP however it is written, in the letters of the first', async (t) => {
  const elements = parseIndicator(
    { malwareFamilies: ['Emotet', ' emotet'] },
    { malwareFamilies: ['EMOTET', '', ' \n'] },
  )
  t.same(ttpTitles(elements), ['Emotet'])
})

t.test('a package names at most 10 TTPs and 5 threat actors, the first', async (t) => {
  const claims = Array.from({ length: 8 }, (_, n) => ({
    adversary: `Actor ${n}`,
    malwareFamilies: [`Family ${n}`],
    attackIds: [`T100${n}`],
  }))
  const elements = parseIndicator(...claims)
  const titles = ttpTitles(elements)
  t.same(titles.slice(0, 3), ['Family 0', 'T1000', 'Family 1'])
  t.equal(titles.length, 10)
  t.same(
    textsOf(elements, 'ta:Title'),
    [0, 1, 2, 3, 4].map((n) => `Actor ${n}`),
  )
})

t.test('a threat actor is seen with the TTPs of the reports that name it', async (t) => {
  const elements = parseIndicator(
    { adversary: 'First', malwareFamilies: ['Emotet'] },
    { adversary: 'Second' },
    { malwareFamilies: ['Qakbot'] },
  )
  t.same(textsOf(elements, 'ta:Title'), ['First', 'Second'])
  t.same(textsOf(elements, 'stixCommon:Name').slice(1), ['First', 'Second'])
  const [emotet] = named(elements, 'stixCommon:TTP').map(({ id }) => id)
  t.same(
    named(elements, 'stixCommon:TTP').flatMap(({ idref }) => idref ?? []),
    [emotet],
  )
  t.match(named(elements, 'stix:Threat_Actor')[0]?.id, /^taxiway:threatactor-[-0-9a-f]{36}$/)
})

t.test('TTPs and threat actors are marked like the package they are in', async (t) => {
  const colors = (elements: readonly Parsed[]) => [
    ...new Set(named(elements, 'marking:Marking_Structure').map(({ color }) => color)),
  ]
  t.same(colors(parseIndicator(background, { tlp: 'amber' })), ['AMBER'])
})

t.test('a CVE alone names neither TTPs nor threat actors', async (t) => {
  const xml = renderPackage(viewOf('cve', background), { ...full, timestamp: 0 })
  t.notMatch(xml, /Emotet|APT/)
})

t.test('the profiles esa and tid tell nothing of all that', async (t) => {
  for (const profile of ['esa', 'tid'] as const) {
    const options = { ...full, profile }
    const view = viewOf('domain', { ...background, role: 'command_and_control' })
    const { head, tail } = renderReport(reportOf([view], background), options).withTimestamp(0)
    for (const xml of [head + tail, renderPackage(view, { ...options, timestamp: 0 })])
      t.notMatch(xml, /<ttp:|<ta:|Kill_Chain/, profile)
  }
})

t.test('a role is a phase of the kill chain where it is named like one', async (t) => {
  const phasesOf = (...roles: string[]) =>
    named(parseIndicator(...roles.map((role) => ({ role }))), 'stixCommon:Kill_Chain_Phase').map(
      ({ ordinality, name }) => `${ordinality} ${name}`,
    )
  t.same(phasesOf('command_and_control'), ['6 Command and Control'])
  t.same(phasesOf('C2'), ['6 Command and Control'])
  t.same(phasesOf('Command-and-Control', 'c&c', 'delivery'), [
    '3 Delivery',
    '6 Command and Control',
  ])
  t.same(phasesOf('phishing', 'malware_hosting', 'scanning_host', ''), [], 'no guesses')
  t.same(named(parseIndicator({ role: 'Actions on objectives' }), 'stixCommon:Kill_Chain_Phase'), [
    {
      kill_chain_id: 'stix:TTP-af3e707f-2fb9-49e5-8c37-14026ca0a5ff',
      kill_chain_name: 'LM Cyber Kill Chain',
      phase_id: 'stix:TTP-786ca8f9-2d9a-4213-b38e-399af4a2e5d6',
      name: 'Actions on Objectives',
      ordinality: '7',
    },
  ])
})
