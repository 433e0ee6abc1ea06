import fc from 'fast-check'
import t from 'tap'
import { isFixedTo } from '../../src/curation/name-shield.ts'
import { createNetworkTable } from '../../src/curation/network-table.ts'
import { observe } from '../../src/curation/observed.ts'
import { createTextAutomaton } from '../../src/curation/text-automaton.ts'
import { createTextTable, hashNames, hashText } from '../../src/curation/text-table.ts'
import { warninglistKinds } from '../../src/curation/warninglists.ts'
import { type Network, overlaps, parseNetwork } from '../../src/model/address.ts'
import { normalForm } from '../../src/model/normal-form.ts'
import { type ObservableType, observableTypes } from '../../src/model/observable.ts'
import { aList, look } from './lists.ts'
import { findPlainly } from './plain-warninglist.ts'

const label = fc.constantFrom('a', 'b', 'www', 'google', 'evil-1')
const suffix = fc.constantFrom('com', 'co.uk', 'github.io', 'io', 'de')
const name = fc
  .tuple(fc.array(label, { minLength: 0, maxLength: 3 }), suffix)
  .map(([labels, end]) => [...labels, end].join('.'))
const octet = fc.constantFrom('1', '8', '10')
const ipv4 = fc.tuple(octet, octet, octet, octet).map((octets) => octets.join('.'))
const ipv6 = fc
  .tuple(fc.constantFrom('2001', '2606'), fc.constantFrom('1', 'ff'), fc.constantFrom('1', '2'))
  .map(([a, b, c]) => `${a}:${b}::${c}`)
const cidr4 = fc.tuple(ipv4, fc.integer({ min: 4, max: 32 })).map(([a, bits]) => `${a}/${bits}`)
const cidr6 = fc.tuple(ipv6, fc.integer({ min: 8, max: 128 })).map(([a, bits]) => `${a}/${bits}`)
const host = fc.oneof(
  name,
  ipv4,
  ipv6.map((text) => `[${text}]`),
)
const url = fc
  .tuple(
    fc.constantFrom('http', 'https'),
    host,
    fc.constantFrom('', '', ':8080'),
    fc.constantFrom('/', '/', '/a', '/?q=google.com', '/#/x'),
  )
  .map(([scheme, at, port, path]) => `${scheme}://${at}${port}${path}`)
const email = fc.tuple(label, name).map(([local, at]) => `${local}@${at}`)
const md5 = fc.constantFrom('a', 'b').map((digit) => digit.repeat(32))

/** A value in normal form with its type. */
const observable = fc
  .oneof(name, name, ipv4, ipv6, cidr4, cidr6, url, url, email, md5)
  .map((text) => {
    for (const type of ['domain', 'email', 'md5', 'url'] as const) {
      const form = normalForm(type, text)
      if (form.ok) return { type: form.type, value: form.value }
    }
    return undefined
  })
  .filter((one) => one !== undefined)

const types = fc.oneof(
  fc.uniqueArray(
    fc.constantFrom<ObservableType>('domain', 'url', 'email', 'ipv4', 'ipv6', 'cidr', 'md5'),
    {
      maxLength: 4,
    },
  ),
  fc.constant(observableTypes),
)
const entryOf = {
  string: fc.oneof(
    name,
    ipv4,
    ipv6,
    cidr4,
    url,
    email,
    md5,
    name.map((text) => `${text}/a`),
  ),
  hostname: fc.oneof(
    name,
    name.map((text) => `.${text}`),
    ipv4,
    fc.constantFrom('com', 'uk'),
  ),
  cidr: fc.oneof(ipv4, ipv6, cidr4, cidr6),
  substring: fc.oneof(
    name,
    name.map((text) => `.${text}`),
    name.map((text) => `@${text}`),
    label,
    ipv4,
    fc.constantFrom('8.', '8.8.', '2001:', '.', 'a'),
    email,
    md5,
  ),
  regex: fc.constant('unused'),
}
const list = fc.constantFrom(...warninglistKinds.filter((kind) => kind !== 'regex')).chain((kind) =>
  fc.record({
    kind: fc.constant(kind),
    types,
    entries: fc.array(entryOf[kind], { maxLength: 12 }),
  }),
)

t.test('lists find what a plain reading of each entry finds', async (t) => {
  let shielding = 0
  let telling = 0
  fc.assert(
    fc.property(list, fc.array(observable, { minLength: 1, maxLength: 20 }), (change, values) => {
      const made = aList(change)
      const find = look(made)
      for (const { type, value } of values) {
        const plain = findPlainly(made, type, value)
        const [match, ...more] = find(type, value)
        if (more.length > 0) throw new Error('twice')
        const spoken = JSON.stringify([
          made.kind,
          made.types,
          made.entries,
          type,
          value,
          plain,
          match,
        ])
        if (!match) {
          if (plain.length > 0) throw new Error(`missed: ${spoken}`)
          continue
        }
        const same = plain.filter((one) => one.entry === match.entry && one.whole === match.whole)
        if (same.length === 0) throw new Error(`made up: ${spoken}`)
        if (!match.whole && plain.some((one) => one.whole)) throw new Error(`weaker: ${spoken}`)
        // Of those that say as much, the most exact.
        const rivals = plain.filter((one) => one.whole === match.whole)
        const longer = rivals.some(({ entry }) => entry.length > match.entry.length)
        const prefix = (entry: string) => Number(entry.split('/')[1] ?? 999)
        const narrower = rivals.some(({ entry }) => prefix(entry) > prefix(match.entry))
        if (made.kind === 'hostname' && longer) throw new Error(`not the longest: ${spoken}`)
        if (made.kind === 'cidr' && type !== 'cidr' && narrower) throw new Error(`wider: ${spoken}`)
        if (match.whole) shielding += 1
        else telling += 1
      }
    }),
    { numRuns: 2_000 },
  )
  t.ok(shielding > 100, `${shielding} were shielded`)
  t.ok(telling > 100, `${telling} were told of`)
})

t.test('a table of texts has what was put in, each with its flags, and nothing else', async (t) => {
  const text = fc.string({ unit: fc.constantFrom('a', 'b', '.'), maxLength: 6 })
  fc.assert(
    fc.property(
      fc.array(fc.tuple(text, fc.constantFrom(1, 2, 4))),
      text,
      text,
      (rows, front, asked) => {
        const table = createTextTable(
          rows.map(([one]) => one),
          rows.map(([, flags]) => flags),
        )
        for (const flag of [1, 2, 4, 7]) {
          const wanted = rows.some(([one, flags]) => one === asked && (flags & flag) !== 0)
          const found = table.has(front + asked, front.length, hashText(asked), flag)
          if (found !== wanted) throw new Error(`${asked} ${flag}: ${found}`)
        }
      },
    ),
  )
  t.same(
    hashNames('a.b.c').hashes,
    ['a.b.c', 'b.c', 'c'].map((one) => hashText(one)),
  )
})

t.test('an automaton finds all texts that occur', async (t) => {
  const text = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), minLength: 1, maxLength: 4 })
  const long = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 20 })
  fc.assert(
    fc.property(fc.uniqueArray(text, { maxLength: 8 }), long, (texts, value) => {
      const automaton = createTextAutomaton(texts)
      const found: string[] = []
      automaton.search(value, (index, end) => found.push(`${texts[index]} ${end}`))
      const wanted: string[] = []
      for (let end = 1; end <= value.length; end++) {
        const here = texts.filter((one) => value.slice(0, end).endsWith(one))
        const [longest] = here.sort((a, b) => b.length - a.length)
        if (longest !== undefined) wanted.push(`${longest} ${end}`)
      }
      if (found.join() !== wanted.join()) throw new Error(`${texts} in ${value}: ${found}`)
      const atEnd = automaton.findAtEnd(value).map((index) => texts[index])
      const ending = texts.filter((one) => value.endsWith(one)).sort((a, b) => b.length - a.length)
      if (atEnd.join() !== ending.join()) throw new Error(`${texts} end ${value}: ${atEnd}`)
    }),
    { numRuns: 1_000 },
  )
  t.pass()
})

t.test('a table of networks finds one that overlaps whenever there is one', async (t) => {
  const network = fc.oneof(cidr4, ipv4).map((text) => parseNetwork(text) as Network)
  fc.assert(
    fc.property(fc.array(network, { maxLength: 20 }), network, (networks, asked) => {
      const found = createNetworkTable(networks).find(asked)
      const overlapping = networks.filter((one) => overlaps(one, asked))
      const around = overlapping.filter((one) => one.prefix <= asked.prefix)
      if (found === undefined) {
        if (overlapping.length > 0) throw new Error('missed')
        return
      }
      const prefix = parseNetwork(found)?.prefix as number
      const wanted = around.length > 0 ? Math.max(...around.map((one) => one.prefix)) : undefined
      if (!overlapping.some((one) => one.prefix === prefix)) throw new Error(`${found} does not`)
      if (wanted !== undefined && prefix !== wanted) throw new Error(`${found}, not /${wanted}`)
    }),
    { numRuns: 1_000 },
  )
  t.pass()
})

// What an operator writes for a host, and what an attacker can make of it without owning that host.
t.test('no attacker makes a pattern shield a value by what an attacker may choose', async (t) => {
  const patterns = [
    '/^https?:\\/\\/([^\\/]+\\.)?google\\.com\\//',
    '/(^|\\.)google\\.com$/',
    'google\\.com',
    'google.com/',
    '^.*google\\.com.*$',
    '@google\\.com$',
    '/google\\.com\\/?$/i',
  ]
  const find = look(aList({ kind: 'regex', types: observableTypes, entries: patterns }))
  const substrings = look(
    aList({
      kind: 'substring',
      types: observableTypes,
      entries: ['google.com', '.google.com', '@google.com', 'http://google.com/'],
    }),
  )
  const bait = fc.constantFrom(
    'google.com',
    'www.google.com',
    'google.com.',
    'x',
    '@google.com',
    '',
  )
  fc.assert(
    fc.property(bait, bait, bait, bait, (a, b, c, d) => {
      const evil = fc.constantFrom(
        'evil.com',
        'evilgoogle.com',
        'google.com.evil.com',
        'google.com-x.net',
      )
      for (const at of fc.sample(evil, 4)) {
        const values = [
          ['domain', `${a.replace('@', '')}.${at}`.replace(/\.+/g, '.').replace(/^\./, '')],
          ['url', `http://${at}/${b}/${c}?${d}=https://google.com/#/google.com`],
          ['url', `https://${at}/`],
          ['email', `${b.replace(/[@.]/g, '')}google.com@${at}`],
          ['file-path', `C:\\${b}\\google.com`],
          ['mutex', `${c}google.com${d}-`],
        ] as const
        for (const [type, text] of values) {
          const form = normalForm(type, text)
          if (!form.ok) continue
          for (const match of [
            ...find(form.type, form.value),
            ...substrings(form.type, form.value),
          ]) {
            if (match.whole) throw new Error(`${match.entry} shields ${form.value}`)
          }
        }
      }
    }),
    { numRuns: 300 },
  )
  t.ok(isFixedTo('www.google.com', false, (host) => host.endsWith('.google.com')))
  t.notOk(isFixedTo('www.google.com', false, (host) => host.includes('google.com')))
  t.ok(find('url', 'https://www.google.com/x')[0]?.whole)
  t.ok(find('domain', 'www.google.com')[0]?.whole)
})

t.test('what a value is made of is told from its normal form', async (t) => {
  fc.assert(
    fc.property(url, (text) => {
      const form = normalForm('url', text)
      if (!form.ok) return
      const { hostname, port, pathname, search, hash } = new URL(form.value)
      const { host, bare } = observe('url', form.value)
      if (host?.text !== hostname.replace(/^\[|\]$/g, '')) throw new Error(form.value)
      const root = port === '' && pathname === '/' && search === '' && hash === ''
      if (bare !== root) throw new Error(`${form.value} ${bare}`)
    }),
  )
  t.pass()
})
