import t from 'tap'
import { type DeviceName, deviceNames } from '../../../src/taxii/client/device.ts'
import { createDevice } from '../../../src/taxii/client/devices/devices.ts'
import type { BlockReading, Reason } from '../../../src/taxii/client/reading.ts'
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
  objectPackage,
  observable,
  observableRef,
  observables,
  packageOf,
  plainObservable,
  plainObservableRef,
  uri,
} from '../../stix/read-samples.ts'

const stix12 = 'urn:stix.mitre.org:xml:1.2'
const stix111 = 'urn:stix.mitre.org:xml:1.1.1'
const label = '2026-01-02T03:04:05.678901Z'

/** Packages of 1.1.1, which every device reads. */
const options = { version: '1.1.1' }
const pack = (inner: string) => packageOf(inner, options)
const one = (properties: string) =>
  objectPackage(properties).replace('version="1.2"', 'version="1.1.1"')

interface Block {
  readonly binding?: string
  readonly label?: string | undefined
}

function read(
  name: DeviceName,
  inner: string,
  { binding = stix111, label: written = label }: Block = {},
): BlockReading {
  const block = { binding, label: written === '' ? undefined : written, content: contentOf(inner) }
  return createDevice(name).read(block)
}

/** `in`, or the rule that drops it, for each value; or `choke` and the rule. */
function outcome({ choked, observables }: BlockReading): string {
  if (choked) return `choke ${choked.rule}`
  return observables.map(({ dropped }) => dropped?.rule ?? 'in').join(' ')
}

type Outcomes = Readonly<Record<Exclude<DeviceName, 'cabby'>, string>>

function everywhere(expected: string): Outcomes {
  return { esa: expected, tid: expected, minemeld: expected }
}

interface Row {
  readonly what: string
  readonly inner: string
  readonly block?: Block
  readonly expected: Outcomes
  readonly cabby?: string
}

const sha512 = hashes.sha256 + hashes.sha256
const inline = (value: string, id = 'ex:Observable-1') => observable(object(domain(value)), id)
const plain = (value: string, id: string) => plainObservable(object(domain(value)), id)
const nameOf = (name: string) => `<FileObj:File_Name>${name}</FileObj:File_Name>`

const values: readonly Row[] = [
  { what: 'IPv4', inner: one(address('198.51.100.7')), expected: everywhere('in') },
  { what: 'IPv6', inner: one(address('2001:db8::7', 'ipv6-addr')), expected: everywhere('in') },
  { what: 'a domain', inner: one(domain('evil.example')), expected: everywhere('in') },
  { what: 'a URL', inner: one(uri('https://evil.example/a')), expected: everywhere('in') },
  {
    what: 'SHA-256',
    inner: one(file([hash(hashes.sha256, 'SHA256')])),
    expected: everywhere('in'),
  },
  {
    what: 'SHA-1',
    inner: one(file([hash(hashes.sha1, 'SHA1')])),
    expected: { esa: 'in', tid: 'hash', minemeld: 'in' },
  },
  {
    what: 'MD5',
    inner: one(file([hash(hashes.md5, 'MD5')])),
    expected: { esa: 'in', tid: 'hash', minemeld: 'in' },
  },
  {
    what: 'SHA-512',
    inner: one(file([hash(sha512, 'SHA512')])),
    expected: { esa: 'hash', tid: 'hash', minemeld: 'in' },
  },
  {
    what: 'an import hash',
    inner: one(file([hash(hashes.md5, 'Other')])),
    expected: { esa: 'hash', tid: 'hash', minemeld: 'no-hash' },
  },
  {
    what: 'a hash that does not say its kind',
    inner: one(file([hash(hashes.sha256, undefined)])),
    expected: { esa: 'untyped-hash', tid: 'untyped-hash', minemeld: 'no-hash' },
  },
  {
    what: 'a hash with its kind in another spelling',
    inner: one(file([hash(hashes.sha256, 'SHA-256')])),
    expected: { esa: 'in', tid: 'in', minemeld: 'no-hash' },
  },
  {
    what: 'an e-mail address',
    inner: one(address('joe@evil.example', 'e-mail')),
    expected: { esa: 'type', tid: 'type', minemeld: 'no-address' },
  },
  {
    what: 'a mutex',
    inner: one(
      '<cybox:Properties xsi:type="MutexObj:MutexObjectType"><MutexObj:Name condition="Equals">m</MutexObj:Name></cybox:Properties>',
    ),
    expected: everywhere('type'),
  },
  {
    what: 'a file path',
    inner: one(file([], '<FileObj:File_Path>C:\\a</FileObj:File_Path>')),
    expected: { esa: 'type', tid: 'type', minemeld: 'no-hash' },
  },
  {
    what: 'a file path beside a hash',
    inner: one(
      file([hash(hashes.sha256, 'SHA256')], '<FileObj:File_Path>C:\\a</FileObj:File_Path>'),
    ),
    expected: {
      esa: 'type several-values',
      tid: 'type several-values',
      minemeld: 'file-part in',
    },
    cabby: 'in in',
  },
  {
    what: 'a URI without host',
    inner: one(uri('/a/path')),
    expected: { esa: 'type', tid: 'type', minemeld: 'in' },
  },
  {
    what: 'a URL of ftp',
    inner: one(uri('ftp://evil.example/a')),
    expected: { esa: 'in', tid: 'scheme', minemeld: 'in' },
  },
  {
    what: 'a URL without scheme',
    inner: one(uri('evil.example/a')),
    expected: { esa: 'no-scheme', tid: 'in', minemeld: 'in' },
  },
  {
    what: 'a block of addresses by its category',
    inner: one(address('198.51.100.0/24', 'cidr')),
    expected: { esa: 'cidr', tid: 'cidr', minemeld: 'in' },
  },
  {
    what: 'a block of addresses as if it were one',
    inner: one(address('198.51.100.0/24')),
    expected: { esa: 'cidr', tid: 'cidr', minemeld: 'in' },
  },
  {
    what: 'a list',
    inner: one(address('198.51.100.7##comma##198.51.100.8')),
    expected: { esa: 'list list', tid: 'list list', minemeld: 'in in' },
    cabby: 'in in',
  },
  {
    what: 'a delimiter of its own',
    inner: one(
      uri('http://evil.example/##comma##', 'URL', ' condition="Equals" delimiter="##0##"'),
    ),
    expected: { esa: 'delimiter', tid: 'delimiter', minemeld: 'in' },
  },
  {
    what: 'a File with two hashes',
    inner: one(file([hash(hashes.md5, 'MD5'), hash(hashes.sha256, 'SHA256')])),
    expected: {
      esa: 'several-values several-values',
      tid: 'hash several-values',
      minemeld: 'weaker-hash in',
    },
    cabby: 'in in',
  },
  {
    what: 'a File with a name and a hash',
    inner: one(file([hash(hashes.sha256, 'SHA256')], nameOf('a.exe'))),
    expected: {
      esa: 'type several-values',
      tid: 'type several-values',
      minemeld: 'in file-name',
    },
    cabby: 'in in',
  },
  {
    what: 'another condition',
    inner: one(domain('evil.example', ' condition="Contains"')),
    expected: { esa: 'condition', tid: 'condition', minemeld: 'in' },
  },
  {
    what: 'no condition',
    inner: one(domain('evil.example', '')),
    expected: everywhere('in'),
  },
  {
    what: 'a defanged domain',
    inner: one(domain('evil[.]example')),
    expected: { esa: 'defanged', tid: 'defanged', minemeld: 'in' },
  },
  {
    what: 'a defanged URL',
    inner: one(uri('hxxp://evil.example/')),
    expected: { esa: 'defanged', tid: 'defanged', minemeld: 'in' },
  },
  {
    what: 'a defanged address',
    inner: one(address('198.51.100[.]7')),
    expected: { esa: 'defanged', tid: 'defanged', minemeld: 'no-address' },
  },
  {
    what: 'no address at all',
    inner: one(address('198.51.100.999')),
    expected: { esa: 'malformed', tid: 'malformed', minemeld: 'no-address' },
  },
  {
    what: 'an IPv6 address that is called IPv4',
    inner: one(address('2001:db8::7')),
    expected: { esa: 'mismatch', tid: 'mismatch', minemeld: 'in' },
  },
  {
    what: 'a Link to a URL',
    inner: one(
      '<cybox:Properties xsi:type="LinkObj:LinkObjectType" type="URL"><URIObj:Value>http://evil.example/</URIObj:Value></cybox:Properties>',
    ),
    expected: everywhere('in'),
  },
  {
    what: 'a Link to a domain',
    inner: one(
      '<cybox:Properties xsi:type="LinkObj:LinkObjectType" type="Domain Name"><URIObj:Value>evil.example</URIObj:Value></cybox:Properties>',
    ),
    expected: { esa: 'in', tid: 'in', minemeld: 'link-type' },
  },
  {
    what: 'an e-mail message',
    inner: one(
      '<cybox:Properties xsi:type="EmailMessageObj:EmailMessageObjectType"><EmailMessageObj:Header><EmailMessageObj:To><EmailMessageObj:Recipient category="e-mail"><AddressObj:Address_Value>us@example.com</AddressObj:Address_Value></EmailMessageObj:Recipient></EmailMessageObj:To><EmailMessageObj:From category="e-mail"><AddressObj:Address_Value condition="Equals">joe@evil.example</AddressObj:Address_Value></EmailMessageObj:From></EmailMessageObj:Header></cybox:Properties>',
    ),
    expected: { esa: 'type type', tid: 'type type', minemeld: 'message-part in' },
    cabby: 'in in',
  },
  {
    what: 'a socket address',
    inner: one(
      '<cybox:Properties xsi:type="SocketAddressObj:SocketAddressObjectType"><SocketAddressObj:IP_Address category="ipv4-addr"><AddressObj:Address_Value>198.51.100.7</AddressObj:Address_Value></SocketAddressObj:IP_Address><SocketAddressObj:Port><PortObj:Port_Value>443</PortObj:Port_Value></SocketAddressObj:Port></cybox:Properties>',
    ),
    expected: { esa: 'several-values', tid: 'several-values', minemeld: 'in' },
  },
  {
    what: 'a socket address of a host name',
    inner: one(
      '<cybox:Properties xsi:type="SocketAddressObj:SocketAddressObjectType"><SocketAddressObj:Hostname><HostnameObj:Hostname_Value xmlns:HostnameObj="urn:h">evil.example</HostnameObj:Hostname_Value></SocketAddressObj:Hostname></cybox:Properties>',
    ),
    expected: { esa: 'type', tid: 'type', minemeld: 'field' },
  },
]

const places: readonly Row[] = [
  {
    what: 'an observable among the package’s own',
    inner: pack(observables(plain('evil.example', 'ex:o'))),
    expected: everywhere('top-level'),
  },
  {
    what: 'a reference to one',
    inner: pack(
      observables(plain('evil.example', 'ex:o')) + indicators(indicator(observableRef('ex:o'))),
    ),
    expected: { esa: 'idref', tid: 'idref', minemeld: 'in' },
  },
  {
    what: 'a reference to one in another indicator',
    inner: pack(
      indicators(
        indicator(inline('evil.example', 'ex:o')),
        indicator(observableRef('ex:o'), 'ex:indicator-2'),
      ),
    ),
    expected: { esa: 'in idref', tid: 'in idref', minemeld: 'in idref' },
    cabby: 'in in',
  },
  {
    what: 'a reference to nothing',
    inner: pack(indicators(indicator(observableRef('ex:nobody')))),
    expected: everywhere('idref'),
  },
  {
    what: 'a composition of OR that holds its members',
    inner: pack(
      indicators(
        indicator(
          observable(composition('OR', plain('a.example', 'ex:a'), plain('b.example', 'ex:b'))),
        ),
      ),
    ),
    expected: {
      esa: 'composition composition',
      tid: 'in in',
      minemeld: 'composition-inline composition-inline',
    },
    cabby: 'in in',
  },
  {
    what: 'a composition of OR that refers to its members',
    inner: pack(
      observables(plain('a.example', 'ex:a'), plain('b.example', 'ex:b')) +
        indicators(
          indicator(
            observable(
              composition('OR', plainObservableRef('ex:a'), plainObservableRef('ex:b')),
              'ex:c',
            ),
          ),
        ),
    ),
    expected: { esa: 'idref idref', tid: 'idref idref', minemeld: 'in in' },
    cabby: 'in in',
  },
  {
    what: 'a composition of OR that is referred to itself',
    inner: pack(
      observables(
        plain('a.example', 'ex:a'),
        plainObservable(composition('OR', plainObservableRef('ex:a')), 'ex:c'),
      ) + indicators(indicator(observableRef('ex:c'))),
    ),
    expected: { esa: 'idref', tid: 'idref', minemeld: 'in' },
  },
  {
    what: 'a composition that nobody refers to',
    inner: pack(
      observables(
        plain('a.example', 'ex:a'),
        plainObservable(composition('OR', plainObservableRef('ex:a')), 'ex:c'),
      ),
    ),
    expected: { esa: 'idref', tid: 'idref', minemeld: 'top-level' },
  },
  {
    what: 'a composition of AND',
    inner: pack(
      observables(plain('a.example', 'ex:a')) +
        indicators(indicator(observable(composition('AND', plainObservableRef('ex:a')), 'ex:c'))),
    ),
    expected: { esa: 'idref', tid: 'idref', minemeld: 'composition-operator' },
  },
  {
    what: 'a composition in another',
    inner: pack(
      indicators(
        indicator(
          observable(
            composition(
              'OR',
              plainObservable(composition('OR', plain('a.example', 'ex:a')), 'ex:inner'),
            ),
            'ex:outer',
          ),
        ),
      ),
    ),
    expected: { esa: 'composition', tid: 'in', minemeld: 'composition-nested' },
  },
  {
    what: 'an indicator in a composite expression',
    inner: pack(
      indicators(
        indicator(
          `<indicator:Composite_Indicator_Expression operator="OR"><indicator:Indicator id="ex:inner">${inline('a.example')}</indicator:Indicator></indicator:Composite_Indicator_Expression>`,
        ),
      ),
    ),
    expected: everywhere('composite-indicator'),
  },
  {
    what: 'a related indicator',
    inner: pack(
      indicators(
        indicator(
          `${inline('a.example')}<indicator:Related_Indicators><indicator:Related_Indicator><stixCommon:Indicator xsi:type="indicator:IndicatorType" id="ex:r">${inline('r.example', 'ex:o')}</stixCommon:Indicator></indicator:Related_Indicator></indicator:Related_Indicators>`,
        ),
      ),
    ),
    expected: everywhere('in related-indicator'),
    cabby: 'in in',
  },
  {
    what: 'a related object',
    inner: pack(
      indicators(
        indicator(
          observable(
            `<cybox:Object>${domain('a.example')}<cybox:Related_Objects><cybox:Related_Object>${domain('r.example')}</cybox:Related_Object></cybox:Related_Objects></cybox:Object>`,
          ),
        ),
      ),
    ),
    expected: everywhere('in related-object'),
    cabby: 'in in',
  },
  {
    what: 'an event',
    inner: pack(
      indicators(
        indicator(
          observable(
            `<cybox:Event><cybox:Actions><cybox:Action><cybox:Associated_Objects><cybox:Associated_Object>${domain('a.example')}</cybox:Associated_Object></cybox:Associated_Objects></cybox:Action></cybox:Actions></cybox:Event>`,
          ),
        ),
      ),
    ),
    expected: everywhere('event event'),
    cabby: 'in in',
  },
  {
    what: 'an observable in a TTP',
    inner: pack(
      `<stix:TTPs><stix:TTP id="ex:t"><ttp:Resources><ttp:Infrastructure><ttp:Observable_Characterization>${plain('a.example', 'ex:a')}</ttp:Observable_Characterization></ttp:Infrastructure></ttp:Resources></stix:TTP></stix:TTPs>`,
    ),
    expected: everywhere('elsewhere'),
  },
  {
    what: 'an observable without an object',
    inner: pack(indicators(indicator(observable('<cybox:Title>x</cybox:Title>')))),
    expected: { esa: 'no-value', tid: 'no-value', minemeld: 'no-properties' },
  },
  {
    what: 'two indicators of one id',
    inner: pack(
      indicators(
        indicator(inline('a.example', 'ex:a'), 'ex:same'),
        indicator(inline('b.example', 'ex:b'), 'ex:same'),
      ),
    ),
    expected: { esa: 'in in', tid: 'in in', minemeld: 'same-id in' },
    cabby: 'in in',
  },
]

const good = one(domain('evil.example'))
const good12 = objectPackage(domain('evil.example'))

const blocks: readonly Row[] = [
  { what: 'STIX 1.1.1', inner: good, expected: everywhere('in') },
  {
    what: 'STIX 1.2',
    inner: good12,
    block: { binding: stix12 },
    expected: { esa: 'in', tid: 'in', minemeld: 'choke binding' },
  },
  {
    what: 'STIX 1.0',
    inner: good.replace('version="1.1.1"', 'version="1.0"'),
    block: { binding: 'urn:stix.mitre.org:xml:1.0' },
    expected: { esa: 'choke binding', tid: 'in', minemeld: 'choke binding' },
  },
  {
    what: 'a version that nobody knows',
    inner: good.replace('version="1.1.1"', 'version="1.9"'),
    expected: everywhere('choke version'),
  },
  {
    what: 'no version',
    inner: good.replace(' version="1.1.1"', ''),
    expected: everywhere('choke no-version'),
  },
  {
    what: 'STIX 1.2 that is announced as 1.1.1',
    inner: good12,
    expected: { esa: 'choke binding-version', tid: 'choke binding-version', minemeld: 'in' },
  },
  {
    what: 'another content binding',
    inner: '<a/>',
    block: { binding: 'urn:example:a' },
    expected: everywhere('choke binding'),
    cabby: '',
  },
  {
    what: 'another root element',
    inner: '<a/>',
    expected: everywhere('choke no-package'),
    cabby: '',
  },
  {
    what: 'text that is no XML',
    inner: '{}',
    expected: everywhere('choke no-package'),
    cabby: '',
  },
  {
    what: 'a package as escaped text',
    inner: `<![CDATA[${good}]]>`,
    expected: everywhere('in'),
  },
  { what: 'two packages', inner: good + good, expected: everywhere('in') },
  {
    what: 'something else before the package',
    inner: `<a/>${good}`,
    expected: everywhere('choke roots'),
  },
  {
    what: 'no content binding',
    inner: good,
    block: { binding: '' },
    expected: { esa: 'choke no-binding', tid: 'choke binding', minemeld: 'choke no-binding' },
    cabby: 'choke no-binding',
  },
  {
    what: 'nothing in the content',
    inner: '',
    expected: everywhere('choke no-content'),
    cabby: 'choke no-content',
  },
  {
    what: 'white space in the content',
    inner: ' ',
    expected: everywhere('choke no-package'),
    cabby: '',
  },
  { what: 'no label', inner: good, block: { label: '' }, expected: everywhere('in') },
  {
    what: 'a label in another zone',
    inner: good,
    block: { label: '2026-01-02T03:04:05+02:00' },
    expected: everywhere('in'),
  },
  {
    what: 'a label without zone',
    inner: good,
    block: { label: '2026-01-02T03:04:05' },
    expected: everywhere('choke label-zone'),
    cabby: 'choke label-zone',
  },
  {
    what: 'a label that is no date',
    inner: good,
    block: { label: 'yesterday' },
    expected: everywhere('choke label'),
    cabby: 'choke label',
  },
  {
    what: 'an object that does not say its type',
    inner: good.replace('xsi:type="DomainNameObj:DomainNameObjectType"', ''),
    expected: { esa: 'type', tid: 'type', minemeld: 'choke untyped-properties' },
  },
  {
    what: 'an object of a type that nobody knows',
    inner: good.replace('DomainNameObjectType', 'NameObjectType'),
    expected: { esa: 'type', tid: 'type', minemeld: 'choke unknown-object' },
  },
  {
    what: 'a timestamp that is no date',
    inner: pack(indicators(indicator(inline('a.example')).replace('id=', 'timestamp="now" id='))),
    expected: { esa: 'in', tid: 'in', minemeld: 'choke date' },
  },
  {
    what: 'a time of validity in another zone',
    inner: pack(
      indicators(
        indicator(
          `<indicator:Valid_Time_Position><indicator:Start_Time>2026-01-01T00:00:00.000000+02:00</indicator:Start_Time></indicator:Valid_Time_Position>${inline('a.example')}`,
        ),
      ),
    ),
    expected: everywhere('in'),
  },
]

for (const [title, rows] of Object.entries({ values, places, blocks })) {
  t.test(`what each device makes of ${title}`, async (t) => {
    for (const { what, inner, block, expected, cabby = 'in' } of rows) {
      for (const name of deviceNames) {
        const wanted = name === 'cabby' ? cabby : expected[name]
        t.equal(outcome(read(name, inner, block)), wanted, `${name}: ${what}`)
      }
    }
  })
}

/** The rules that the table sees speak, by device. */
function spoken(name: DeviceName): ReadonlySet<string> {
  const words = [...values, ...places, ...blocks].flatMap(({ inner, block }) =>
    outcome(read(name, inner, block))
      .replace('choke ', '')
      .split(' '),
  )
  return new Set(words.filter((word) => word !== 'in' && word !== ''))
}

t.test('the table has each rule of each device speak', async (t) => {
  const common = ['no-content', 'label', 'label-zone']
  const careful = [
    ...['binding', 'binding-version', 'no-package', 'no-version', 'roots', 'version'],
    ...['cidr', 'composite-indicator', 'condition', 'defanged', 'delimiter', 'elsewhere', 'event'],
    ...['hash', 'idref', 'list', 'malformed', 'mismatch', 'no-value', 'related-indicator'],
    ...['related-object', 'several-values', 'top-level', 'type', 'untyped-hash'],
  ]
  const rules: Readonly<Record<DeviceName, readonly string[]>> = {
    cabby: [...common, 'no-binding'],
    esa: [...common, ...careful, 'no-binding', 'composition', 'no-scheme'],
    tid: [...common, ...careful, 'scheme'],
    minemeld: [
      ...common,
      ...['binding', 'no-binding', 'no-package', 'no-version', 'roots', 'untyped-properties'],
      ...['date', 'unknown-object'],
      ...['version', 'composite-indicator', 'composition-inline', 'composition-nested'],
      ...['composition-operator', 'elsewhere', 'event', 'field', 'file-name', 'file-part', 'idref'],
      ...[
        'link-type',
        'message-part',
        'no-address',
        'no-hash',
        'no-properties',
        'related-indicator',
      ],
      ...['related-object', 'same-id', 'top-level', 'type', 'weaker-hash'],
    ],
  }
  for (const name of deviceNames) t.same([...spoken(name)].sort(), [...rules[name]].sort(), name)
})

t.test('a reason is a sentence without the value, and equal for equal reasons', async (t) => {
  for (const name of deviceNames) {
    const reasons = new Map<string, string>()
    for (const { inner, block, what } of [...values, ...places, ...blocks]) {
      const { choked, observables, ignored } = read(name, inner, block)
      const all = [choked, ...observables.map(({ dropped }) => dropped), ...ignored]
      for (const { rule, text } of all.filter((one): one is Reason => one !== undefined)) {
        t.notMatch(text, /example|198\.51|2001:/, `${name}: ${what}`)
        // Why there is no package has several reasons.
        if (rule !== 'no-package') t.equal(reasons.get(rule) ?? text, text, `${name}: ${rule}`)
        reasons.set(rule, text)
      }
    }
  }
})

t.test('of a block that a device chokes on, nothing is taken in', async (t) => {
  const { choked, observables } = read('minemeld', good12, { binding: stix12 })
  t.equal(observables.length, 1)
  t.equal(observables[0]?.dropped, choked)
})

t.test('what is told of a value is its type and its normal form', async (t) => {
  const told = (inner: string) =>
    read('esa', inner).observables.map(({ type, value }) => `${type} ${value}`)
  t.same(told(one(domain('EVIL.example'))), ['domain evil.example'])
  t.same(told(one(address('198.51.100.999'))), ['ipv4 198.51.100.999'])
  t.same(told(one(file([hash(sha512, 'SHA512')]))), [`SHA512 ${sha512}`])
  t.same(told(one(file([], nameOf('a.exe')))), ['File_Name a.exe'])
  t.same(told(pack(indicators(indicator(observableRef('ex:x'))))), ['reference ex:x'])
  t.same(
    told(
      one(
        '<cybox:Properties xsi:type="PortObj:PortObjectType"><PortObj:Port_Value>25</PortObj:Port_Value></cybox:Properties>',
      ),
    ),
    ['PortObjectType 25'],
  )
})

t.test('what a device leaves beside values is counted', async (t) => {
  const inner = packageOf(
    `${indicators(
      indicator(
        '<indicator:Indicated_TTP><stixCommon:TTP id="ex:t"/></indicator:Indicated_TTP><indicator:Suggested_COAs><indicator:Suggested_COA><stixCommon:Course_Of_Action id="ex:c"/></indicator:Suggested_COA></indicator:Suggested_COAs><indicator:Test_Mechanisms><indicator:Test_Mechanism xsi:type="yaraTM:YaraTestMechanismType"><yaraTM:Rule>r</yaraTM:Rule></indicator:Test_Mechanism></indicator:Test_Mechanisms>',
      ),
      indicator(observable(object(address('joe@evil.example', 'e-mail'))), 'ex:indicator-2'),
    )}<stix:Exploit_Targets><stixCommon:Exploit_Target id="ex:e"/></stix:Exploit_Targets><stix:Threat_Actors><stix:Threat_Actor id="ex:a"/></stix:Threat_Actors>`,
    { version: '1.1.1', timestamp: '' },
  )
  const left = (name: DeviceName) =>
    read(name, inner)
      .ignored.map(({ rule }) => rule)
      .sort()
  t.same(left('cabby'), [])
  const everyone = [
    'course-of-action',
    'exploit-target',
    'no-observable',
    'test-mechanism',
    'threat-actor',
  ]
  t.same(left('esa'), [...everyone, 'ttp'])
  t.same(left('tid'), [...everyone, 'discarded', 'ttp'].sort())
  t.same(left('minemeld'), [...everyone, 'no-timestamp'].sort())
})

t.test('cabby keeps rules and vulnerabilities too', async (t) => {
  const mechanism = (type: string) =>
    `<indicator:Test_Mechanism xsi:type="${type}"><yaraTM:Rule>r</yaraTM:Rule></indicator:Test_Mechanism>`
  const inner = pack(
    `${indicators(
      indicator(
        `<indicator:Test_Mechanisms>${mechanism('yaraTM:YaraTestMechanismType')}${mechanism('x:SnortTestMechanismType')}</indicator:Test_Mechanisms>`,
      ),
    )}<stix:Exploit_Targets><stixCommon:Exploit_Target id="ex:e"><et:Vulnerability><et:CVE_ID>CVE-2026-12345</et:CVE_ID></et:Vulnerability></stixCommon:Exploit_Target></stix:Exploit_Targets>`,
  )
  t.same(read('cabby', inner).observables, [
    { type: 'yara', value: 'r', dropped: undefined },
    { type: 'SnortTestMechanismType', value: 'r', dropped: undefined },
    { type: 'cve', value: 'CVE-2026-12345', dropped: undefined },
  ])
})

t.test('TID keeps an indicator of which one observable is of use', async (t) => {
  const inner = pack(
    indicators(
      indicator(
        observable(composition('OR', plain('a.example', 'ex:a'), plain('not a name', 'ex:b'))),
      ),
    ),
  )
  const reading = read('tid', inner)
  t.equal(outcome(reading), 'in malformed')
  t.same(reading.ignored, [])
})

t.test('many references to many values cost no more than both', async (t) => {
  const many = 2000
  const list = Array.from({ length: many }, (_, i) => `a${i}.example`).join('##comma##')
  const references = Array.from({ length: many }, () => observableRef('ex:o')).join('')
  const inner = pack(
    observables(plainObservable(object(domain(list)), 'ex:o')) + indicators(indicator(references)),
  )
  t.equal(read('minemeld', inner).observables.length, many + many - 1)
})

t.test('devices poll as they are known to', async (t) => {
  const habits = deviceNames.map((name) => {
    const { discovers, binding, windowDays, attempts } = createDevice(name)
    return [name, discovers, binding, windowDays, attempts]
  })
  t.same(habits, [
    ['esa', false, undefined, undefined, 3],
    ['cabby', false, undefined, undefined, 1],
    ['tid', true, undefined, undefined, 1],
    ['minemeld', true, undefined, 1, 2],
  ])
})
