import t from 'tap'
import { readContent } from '../../src/stix/read.ts'
import type { CyboxValue } from '../../src/stix/read-cybox.ts'
import type { PackageObservable, StixPackage } from '../../src/stix/read-package.ts'
import {
  address,
  composition,
  contentOf,
  domain,
  equals,
  file,
  hash,
  hashes,
  indicator,
  indicators,
  object,
  objectPackage,
  observable,
  observableRef,
  observables,
  packageOf,
  plainObservable,
  plainObservableRef,
  uri,
} from './read-samples.ts'

const binding = 'urn:stix.mitre.org:xml:1.2'

function read(xml: string): StixPackage {
  const { package: stixPackage } = readContent(contentOf(xml), binding)
  if (!stixPackage) throw new Error('there is no package')
  return stixPackage
}

function valuesOf(properties: string): readonly CyboxValue[] {
  return read(objectPackage(properties)).observables[0]?.properties?.values ?? []
}

/** Each value as `type value`, or as its field and text where it is none of our types. */
function knownOf(properties: string): readonly string[] {
  return valuesOf(properties).flatMap(({ field, items, known }) =>
    items.map((item, i) => (known[i] ? `${known[i].type} ${known[i].value}` : `${field}: ${item}`)),
  )
}

t.test('values are told what they are among our types, in normal form', async (t) => {
  const samples: readonly (readonly [string, string])[] = [
    [address('198.51.100.7'), 'ipv4 198.51.100.7'],
    [address('2001:DB8::0:7', 'ipv6-addr'), 'ipv6 2001:db8::7'],
    [address('2001:db8::7', 'ipv4-addr'), 'ipv6 2001:db8::7'],
    [address('198.51.100.0/24', 'cidr'), 'cidr 198.51.100.0/24'],
    [address('198.51.100.0/24', 'ipv4-addr'), 'cidr 198.51.100.0/24'],
    [address('Joe@Evil.Example', 'e-mail'), 'email Joe@evil.example'],
    [address('00:00:5e:00:53:01', 'mac'), 'Address_Value: 00:00:5e:00:53:01'],
    [address('198.51.100.7-198.51.100.9'), 'Address_Value: 198.51.100.7-198.51.100.9'],
    [domain('Evil.EXAMPLE.'), 'domain evil.example'],
    [domain('.'), 'Value: .'],
    [uri('http://evil.example/a?b=1&amp;c'), 'url http://evil.example/a?b=1&c'],
    [uri('/only/a/path'), 'uri /only/a/path'],
    [uri('evil.example', 'Domain Name'), 'domain evil.example'],
    [uri('urn:isbn:0', 'General URN'), 'Value: urn:isbn:0'],
    [file([hash(hashes.sha256.toUpperCase(), 'SHA256')]), `sha256 ${hashes.sha256}`],
    [file([hash(hashes.md5, 'Other')]), `imphash ${hashes.md5}`],
    [file([hash(hashes.sha1, 'Other')]), `pehash ${hashes.sha1}`],
    [file([hash('3:abc:def', 'SSDEEP')]), 'Simple_Hash_Value: 3:abc:def'],
    [file([], '<FileObj:File_Path>C:\\a.exe</FileObj:File_Path>'), 'file-path C:\\a.exe'],
    [file([], '<FileObj:File_Name>a.exe</FileObj:File_Name>'), 'File_Name: a.exe'],
    [
      '<cybox:Properties xsi:type="LinkObj:LinkObjectType" type="URL"><URIObj:Value>http://evil.example/</URIObj:Value></cybox:Properties>',
      'url http://evil.example/',
    ],
    [
      '<cybox:Properties xsi:type="MutexObj:MutexObjectType" named="true"><MutexObj:Name> a  b </MutexObj:Name></cybox:Properties>',
      'mutex a  b',
    ],
  ]
  for (const [properties, known] of samples) t.same(knownOf(properties), [known])
})

t.test('a hash without Type is guessed by its length, and says so', async (t) => {
  const [value] = valuesOf(file([hash(hashes.sha1, undefined)]))
  t.same(value?.hash, { name: 'SHA1', written: undefined })
  t.same(value?.known, [{ type: 'sha1', value: hashes.sha1 }])
  const [odd] = valuesOf(file([hash('0123', undefined)]))
  t.same([odd?.hash?.name, odd?.known], ['', [undefined]])
})

t.test('a hash of another length than its Type says is of no type', async (t) => {
  const [value] = valuesOf(file([hash(hashes.md5, 'SHA-256')]))
  t.same(value?.hash, { name: 'SHA256', written: 'SHA-256' })
  t.same([value?.expected, value?.known], [['sha256'], [undefined]])
})

t.test('all values of one object are told apart', async (t) => {
  const properties = file(
    [hash(hashes.md5, 'MD5'), hash(hashes.sha256, 'SHA256')],
    '<FileObj:File_Name condition="Contains">a.exe</FileObj:File_Name><FileObj:Size_In_Bytes>12</FileObj:Size_In_Bytes>',
  )
  t.same(knownOf(properties), [
    'File_Name: a.exe',
    'Size_In_Bytes: 12',
    `md5 ${hashes.md5}`,
    `sha256 ${hashes.sha256}`,
  ])
  t.equal(valuesOf(properties)[0]?.condition, 'Contains')
})

t.test('lists are taken apart at the delimiter that is in force', async (t) => {
  const attributes = ' condition="InclusiveBetween" apply_condition="ALL"'
  const [range] = valuesOf(address('198.51.100.7##comma##198.51.100.9', 'ipv4-addr', attributes))
  t.same(range?.items, ['198.51.100.7', '198.51.100.9'])
  t.same(
    [range?.condition, range?.applyCondition, range?.delimiter],
    ['InclusiveBetween', 'ALL', undefined],
  )
  const [named] = valuesOf(domain('a.example;b##comma##', `${equals} delimiter=";"`))
  t.same([named?.items, named?.delimiter], [['a.example', 'b##comma##'], ';'])
})

t.test('the parts of an object of any type are its values', async (t) => {
  const message =
    '<cybox:Properties xsi:type="EmailMessageObj:EmailMessageObjectType"><EmailMessageObj:Header><EmailMessageObj:From category="e-mail"><AddressObj:Address_Value condition="Equals">joe@evil.example</AddressObj:Address_Value></EmailMessageObj:From><EmailMessageObj:Subject>Pay now</EmailMessageObj:Subject></EmailMessageObj:Header></cybox:Properties>'
  t.same(knownOf(message), ['Subject: Pay now', 'email joe@evil.example'])
  t.equal(valuesOf(message)[1]?.within, 'From')
  const connection =
    '<cybox:Properties xsi:type="NetworkConnectionObj:NetworkConnectionObjectType"><NetworkConnectionObj:Destination_Socket_Address><SocketAddressObj:IP_Address category="ipv4-addr"><AddressObj:Address_Value>198.51.100.7</AddressObj:Address_Value></SocketAddressObj:IP_Address><SocketAddressObj:Port><PortObj:Port_Value>443</PortObj:Port_Value></SocketAddressObj:Port></NetworkConnectionObj:Destination_Socket_Address></cybox:Properties>'
  t.equal(
    read(objectPackage(connection)).observables[0]?.properties?.type,
    'NetworkConnectionObjectType',
  )
  t.same(knownOf(connection), ['ipv4 198.51.100.7', 'Port_Value: 443'])
})

const placeOf = ({ kind, id, idref, composition, place }: PackageObservable) => ({
  kind,
  name: id ?? idref,
  within: place.within,
  ...(composition && { operator: composition.operator, depth: composition.depth }),
})

t.test('each observable is told where it stands', async (t) => {
  const related =
    '<cybox:Related_Objects><cybox:Related_Object id="ex:r">' +
    `${domain('r.example')}</cybox:Related_Object></cybox:Related_Objects>`
  const stixPackage = read(
    packageOf(
      observables(
        plainObservable(object(domain('a.example')), 'ex:a'),
        plainObservable(composition('OR', plainObservableRef('ex:a')), 'ex:or'),
      ) +
        indicators(
          indicator(
            observableRef('ex:a') +
              observable(
                composition(
                  'AND',
                  plainObservable(object(domain('b.example')), 'ex:b'),
                  plainObservable(
                    composition('OR', plainObservable(object(domain('c.example')), 'ex:c')),
                    'ex:inner',
                  ),
                ),
                'ex:and',
              ),
          ),
          indicator(
            observable(`<cybox:Object>${domain('d.example')}${related}</cybox:Object>`, 'ex:d'),
            'ex:indicator-2',
          ),
        ),
    ),
  )
  t.same(stixPackage.observables.map(placeOf), [
    { kind: 'reference', name: 'ex:a', within: 'indicator' },
    { kind: 'composition', name: 'ex:and', within: 'indicator' },
    { kind: 'object', name: 'ex:b', within: 'indicator', operator: 'AND', depth: 1 },
    { kind: 'composition', name: 'ex:inner', within: 'indicator', operator: 'AND', depth: 1 },
    { kind: 'object', name: 'ex:c', within: 'indicator', operator: 'OR', depth: 2 },
    { kind: 'object', name: 'ex:d', within: 'indicator' },
    { kind: 'related', name: 'ex:r', within: 'indicator' },
    { kind: 'object', name: 'ex:a', within: 'package' },
    { kind: 'composition', name: 'ex:or', within: 'package' },
    { kind: 'reference', name: 'ex:a', within: 'package', operator: 'OR', depth: 1 },
  ])
  t.equal(stixPackage.observablesById.get('ex:a')?.kind, 'object')
  t.equal(stixPackage.observablesById.get('ex:nobody'), undefined)
})

t.test('references of an Object, events and empty observables are named so', async (t) => {
  const event = `<cybox:Event><cybox:Actions><cybox:Action><cybox:Associated_Objects><cybox:Associated_Object id="ex:e">${domain('e.example')}</cybox:Associated_Object></cybox:Associated_Objects></cybox:Action></cybox:Actions></cybox:Event>`
  const stixPackage = read(
    packageOf(
      indicators(
        indicator(
          observable('<cybox:Object idref="ex:o"/>', 'ex:1') +
            observable(event, 'ex:2') +
            observable('<cybox:Title>nothing</cybox:Title>', 'ex:3'),
        ),
      ),
    ),
  )
  t.same(
    stixPackage.observables.map(({ kind, id, idref }) => [kind, id, idref]),
    [
      ['reference', 'ex:1', 'ex:o'],
      ['event', 'ex:2', undefined],
      ['event', 'ex:e', undefined],
      ['empty', 'ex:3', undefined],
    ],
  )
})

t.test('indicators in composite expressions and related ones are found', async (t) => {
  const inner = (name: string, id: string, value: string) =>
    `<${name} xsi:type="indicator:IndicatorType" id="${id}">${observable(object(domain(value)))}</${name}>`
  const stixPackage = read(
    packageOf(
      indicators(
        indicator(
          `<indicator:Composite_Indicator_Expression operator="AND">${inner('indicator:Indicator', 'ex:c', 'c.example')}</indicator:Composite_Indicator_Expression><indicator:Related_Indicators><indicator:Related_Indicator>${inner('stixCommon:Indicator', 'ex:r', 'r.example')}</indicator:Related_Indicator></indicator:Related_Indicators>`,
        ),
      ),
    ),
  )
  t.same(
    stixPackage.indicators.map(({ id, place, withinOperator, compositeOperator }) => [
      id,
      place,
      withinOperator,
      compositeOperator,
    ]),
    [
      ['ex:indicator-1', 'package', undefined, 'AND'],
      ['ex:c', 'composite', 'AND', undefined],
      ['ex:r', 'related', undefined, undefined],
    ],
  )
  t.equal(stixPackage.observables.length, 2)
})

t.test('an indicator is read with all it says', async (t) => {
  const tlp = (color: string) =>
    `<marking:Marking_Structure xsi:type="tlpMarking:TLPMarkingStructureType" color="${color}"/>`
  const [one] = read(
    packageOf(
      indicators(
        indicator(
          `<indicator:Title> A title </indicator:Title><indicator:Type xsi:type="stixVocabs:IndicatorTypeVocab-1.1">IP Watchlist</indicator:Type><indicator:Type>C2</indicator:Type><indicator:Description>Words</indicator:Description><indicator:Valid_Time_Position><indicator:Start_Time>2026-01-01T00:00:00Z</indicator:Start_Time><indicator:End_Time>2026-02-01T00:00:00Z</indicator:End_Time></indicator:Valid_Time_Position><indicator:Indicated_TTP><stixCommon:TTP idref="ex:ttp-1"/></indicator:Indicated_TTP><indicator:Kill_Chain_Phases><stixCommon:Kill_Chain_Phase name="Delivery" phase_id="ex:p"/><stixCommon:Kill_Chain_Phase phase_id="ex:q"/></indicator:Kill_Chain_Phases><indicator:Test_Mechanisms><indicator:Test_Mechanism xsi:type="yaraTM:YaraTestMechanismType"><yaraTM:Rule><![CDATA[rule a { condition: true }]]></yaraTM:Rule></indicator:Test_Mechanism></indicator:Test_Mechanisms><indicator:Suggested_COAs><indicator:Suggested_COA><stixCommon:Course_Of_Action id="ex:coa-1"><coa:Title>Block</coa:Title></stixCommon:Course_Of_Action></indicator:Suggested_COA></indicator:Suggested_COAs><indicator:Handling><marking:Marking>${tlp('GREEN')}${tlp('AMBER')}<marking:Marking_Structure xsi:type="simpleMarking:SimpleMarkingStructureType"><simpleMarking:Statement>Ours</simpleMarking:Statement></marking:Marking_Structure></marking:Marking></indicator:Handling><indicator:Confidence><stixCommon:Value xsi:type="stixVocabs:HighMediumLowVocab-1.0">High</stixCommon:Value></indicator:Confidence><indicator:Sightings sightings_count="12"/><indicator:Producer><stixCommon:Identity><stixCommon:Name>Us</stixCommon:Name></stixCommon:Identity><stixCommon:References><stixCommon:Reference>http://example.com/</stixCommon:Reference></stixCommon:References></indicator:Producer>`,
        ),
      ),
    ),
  ).indicators
  t.match(one, {
    id: 'ex:indicator-1',
    title: 'A title',
    types: ['IP Watchlist', 'C2'],
    description: 'Words',
    validFrom: '2026-01-01T00:00:00Z',
    validUntil: '2026-02-01T00:00:00Z',
    indicatedTtps: [{ name: 'TTP', idref: 'ex:ttp-1' }],
    suggestedCoas: [{ name: 'Course_Of_Action', id: 'ex:coa-1', title: 'Block' }],
    killChainPhases: ['Delivery', 'ex:q'],
    testMechanisms: [{ type: 'YaraTestMechanismType', rule: 'rule a { condition: true }' }],
    markings: { tlp: 'amber', statements: ['Ours'] },
    confidence: 'High',
    sightings: 12,
    producer: { name: 'Us', references: ['http://example.com/'] },
  })
})

t.test(
  'AMBER+STRICT is read where its statement stands beside RED, and nowhere else',
  async (t) => {
    const red =
      '<marking:Marking_Structure xsi:type="tlpMarking:TLPMarkingStructureType" color="RED"/>'
    const strict =
      '<marking:Marking_Structure xsi:type="simpleMarking:SimpleMarkingStructureType"><simpleMarking:Statement>TLP:AMBER+STRICT</simpleMarking:Statement></marking:Marking_Structure>'
    const levelOf = (...markings: string[]) =>
      read(
        packageOf(
          indicators(
            indicator(
              `<indicator:Handling>${markings.map((one) => `<marking:Marking>${one}</marking:Marking>`).join('')}</indicator:Handling>`,
            ),
          ),
        ),
      ).indicators[0]?.markings.tlp
    t.equal(levelOf(red + strict), 'amber+strict')
    t.equal(levelOf(red, strict), 'red')
    t.equal(levelOf(red + strict, red), 'red')
    t.equal(levelOf(strict), undefined)
  },
)

t.test('sightings without a count are counted', async (t) => {
  const sightings = (inner: string) =>
    read(packageOf(indicators(indicator(inner)))).indicators[0]?.sightings
  t.equal(
    sightings(
      '<indicator:Sightings><indicator:Sighting/><indicator:Sighting/></indicator:Sightings>',
    ),
    2,
  )
  t.equal(sightings('<indicator:Sightings sightings_count="-1"/>'), 0)
  t.equal(sightings(''), undefined)
})

t.test('the header and every other construct are told', async (t) => {
  const stixPackage = read(
    packageOf(
      `<stix:STIX_Header><stix:Title>Head</stix:Title><stix:Package_Intent>Indicators</stix:Package_Intent><stix:Description>Long</stix:Description><stix:Short_Description>Short</stix:Short_Description><stix:Handling><marking:Marking><marking:Marking_Structure xsi:type="tlpMarking:TLPMarkingStructureType" color="GREEN"/></marking:Marking></stix:Handling></stix:STIX_Header><stix:TTPs><stix:TTP xsi:type="ttp:TTPType" id="ex:ttp-1"><ttp:Title>T</ttp:Title><ttp:Behavior><ttp:Attack_Patterns><ttp:Attack_Pattern capec_id="CAPEC-98"/></ttp:Attack_Patterns><ttp:Malware><ttp:Malware_Instance><ttp:Name>Evil</ttp:Name></ttp:Malware_Instance></ttp:Malware></ttp:Behavior><ttp:Resources><ttp:Infrastructure><ttp:Observable_Characterization>${plainObservable(object(domain('t.example')))}</ttp:Observable_Characterization></ttp:Infrastructure></ttp:Resources></stix:TTP></stix:TTPs><stix:Exploit_Targets><stixCommon:Exploit_Target xsi:type="et:ExploitTargetType" id="ex:et-1"><et:Vulnerability><et:CVE_ID>CVE-2026-12345</et:CVE_ID></et:Vulnerability></stixCommon:Exploit_Target></stix:Exploit_Targets><stix:Courses_Of_Action><stix:Course_Of_Action id="ex:coa-1"><coa:Title>Block</coa:Title></stix:Course_Of_Action></stix:Courses_Of_Action><stix:Campaigns><stix:Campaign id="ex:campaign-1"><campaign:Title>C</campaign:Title></stix:Campaign></stix:Campaigns><stix:Threat_Actors><stix:Threat_Actor id="ex:ta-1"><ta:Title>Bear</ta:Title></stix:Threat_Actor></stix:Threat_Actors><stix:Incidents><stix:Incident idref="ex:incident-1"/></stix:Incidents>`,
    ),
  )
  t.match(stixPackage.header, {
    title: 'Head',
    intents: ['Indicators'],
    description: 'Long',
    shortDescription: 'Short',
    markings: { tlp: 'green' },
  })
  t.same(
    stixPackage.constructs.map(({ name, id, idref, title }) => [name, id ?? idref, title]),
    [
      ['TTP', 'ex:ttp-1', 'T'],
      ['Exploit_Target', 'ex:et-1', undefined],
      ['Course_Of_Action', 'ex:coa-1', 'Block'],
      ['Campaign', 'ex:campaign-1', 'C'],
      ['Threat_Actor', 'ex:ta-1', 'Bear'],
      ['Incident', 'ex:incident-1', undefined],
    ],
  )
  t.match(stixPackage.constructs[0], { attackPatterns: ['CAPEC-98'], malware: ['Evil'] })
  t.same(stixPackage.constructs[1]?.cves, ['CVE-2026-12345'])
  t.match(stixPackage.observables, [
    { place: { within: 'construct', construct: { name: 'TTP' } }, kind: 'object' },
  ])
})

t.test('prefixes do not matter, namespaces do', async (t) => {
  const xml = (stix: string) =>
    `<STIX_Package xmlns="${stix}" xmlns:x="http://www.w3.org/2001/XMLSchema-instance" id="e:1" version="1.1.1"><Indicators><Indicator id="e:2"><Observable xmlns="http://stix.mitre.org/Indicator-2" id="e:3"><c:Object xmlns:c="http://cybox.mitre.org/cybox-2"><c:Properties x:type="what:AddressObjectType"><q:Address_Value xmlns:q="http://cybox.mitre.org/objects#AddressObject-2">198.51.100.7</q:Address_Value></c:Properties></c:Object></Observable></Indicator></Indicators></STIX_Package>`
  const stixPackage = read(xml('http://stix.mitre.org/stix-1'))
  t.equal(stixPackage.version, '1.1.1')
  t.same(stixPackage.observables[0]?.properties?.values[0]?.known[0], {
    type: 'ipv4',
    value: '198.51.100.7',
  })
  t.throws(() => read(xml('http://stix.mitre.org/stix-2')))
})

t.test('what is odd about content is told and never thrown', async (t) => {
  const words = (inner: string, announced = binding) =>
    readContent(contentOf(inner), announced).findings.map(({ word }) => word)
  const good = objectPackage(domain('a.example'))
  t.same(words(good), [])
  t.same(words(''), ['empty'])
  t.same(words(' \n'), ['empty'])
  t.same(words('{"type": "bundle"}'), ['not-xml'])
  t.same(words('&lt;a&gt;'), ['not-xml'])
  t.same(words('<a xmlns="http://stix.mitre.org/stix-1"/>'), ['not-stix'])
  t.same(words('<STIX_Package version="1.2"/>'), ['not-stix'])
  t.same(words(good + good), ['roots'])
  t.same(words(`words ${good}`), ['beside'])
  t.same(words(packageOf('', { version: '' })), ['no-version'])
  t.same(words(packageOf('', { version: '2.0' })), ['unknown-version'])
  t.same(words(good, 'urn:stix.mitre.org:xml:1.1.1'), ['binding'])
  t.same(words(`<![CDATA[${good}]]>`), ['escaped'])
})

t.test('a package of STIX 1.2.1 is told by its namespace', async (t) => {
  const xml =
    '<STIX_Package xmlns="http://docs.oasis-open.org/cti/ns/stix/core-1" version="1.2.1"/>'
  t.match(readContent(contentOf(xml), binding).findings, [
    { word: 'not-stix', text: /namespace of STIX 1\.0 to 1\.2/ },
  ])
})

t.test('a package that is escaped text is read like any other', async (t) => {
  const good = `<?xml version="1.0" encoding="UTF-8"?>\n${objectPackage(domain('a.example'))}`
  const escaped = good.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
  t.equal(read(escaped).observables.length, 1)
  t.same(read(escaped), read(`<![CDATA[${good}]]>`))
})

t.test('every version of STIX 1 is known by its binding', async (t) => {
  for (const version of ['1.0', '1.0.1', '1.1', '1.1.1', '1.2']) {
    const content = contentOf(packageOf('', { version }))
    t.same(readContent(content, `urn:stix.mitre.org:xml:${version}`).findings, [])
  }
})
