import fc from 'fast-check'
import t from 'tap'
import { normalForm } from '../../src/model/normal-form.ts'
import { type ObservableType, observableTypes } from '../../src/model/observable.ts'

const seed = 20_240_117

/** What lies near the edges of every grammar here, so that random text gets past the first check. */
const piece = fc.constantFrom(
  ...['http', 'https', 'hxxp', 'hXXps', 'h**p', 'ftp', 'mailto:', '://', '[:]//', '[://]', '//'],
  ...['.', '[.]', '(.)', '{.}', '[dot]', '\\.', '。', '@', '[at]', '(at)', '[@]', ':', '::', '[:]'],
  ...['/', '/24', '/32', '/128', '?', '#', '#!', '#/', '%', '%41', '[', ']', '{', '}', '\\', '*'],
  ...[
    '1',
    '0',
    '255',
    '01',
    '0x7f',
    '127.1',
    '10.0.0.1',
    'fe80',
    'ffff',
    '::ffff:',
    'g',
    ' ',
    '\t',
  ],
  ...[
    'evil',
    'com',
    'co.uk',
    'xn--',
    'xn--mnchen-3ya',
    'münchen',
    'ß',
    'K',
    'ſ',
    '\u200b',
    '\u0000',
  ],
  ...['-', '_', 'A', 'é', '😀', '\ud800', '\u00a0', '２', '／', ':80', ':8080', 'user:pass@', '..'],
)
const value = fc.oneof(
  fc.array(piece, { maxLength: 14 }).map((pieces) => pieces.join('')),
  fc.webUrl({ withFragments: true, withQueryParameters: true }),
  fc.domain(),
  fc.emailAddress(),
  fc.ipV4(),
  fc.ipV4Extended(),
  fc.ipV6(),
  fc.string({ unit: 'binary' }),
  fc.string({ unit: 'binary-ascii' }),
)
const type = fc.constantFrom(...observableTypes)

t.test('a normal form is its own normal form, and nothing throws', (t) => {
  let accepted = 0
  fc.assert(
    fc.property(type, value, (type, value) => {
      const once = normalForm(type, value)
      if (!once.ok) return once.problem !== ''
      accepted++
      const twice = normalForm(once.type, once.value)
      return twice.ok && twice.type === once.type && twice.value === once.value
    }),
    { seed, numRuns: 50_000 },
  )
  t.ok(accepted > 5000, `${accepted} of the values were accepted`)
  t.end()
})

const network: readonly ObservableType[] = ['ipv4', 'ipv6', 'cidr', 'domain', 'url', 'uri', 'email']

t.test('normal forms of network types hold no space and no control character', (t) => {
  fc.assert(
    fc.property(fc.constantFrom(...network), value, (type, value) => {
      const form = normalForm(type, value)
      return !form.ok || !/[\s\p{C}]/u.test(form.value)
    }),
    { seed, numRuns: 20_000 },
  )
  t.end()
})

t.test('normal forms of hosts and URLs are plain ASCII in lower-case hosts', (t) => {
  fc.assert(
    fc.property(fc.constantFrom('domain' as const, 'url' as const), value, (type, value) => {
      const form = normalForm(type, value)
      if (!form.ok || form.type === 'uri') return true
      const host = /^(?:[a-z]+:\/\/)?([^/]*)/.exec(form.value)?.[1] ?? ''
      return /^[!-~]+$/.test(form.value) && host === host.toLowerCase() && !host.includes('@')
    }),
    { seed, numRuns: 20_000 },
  )
  t.end()
})

t.test('hostile lengths are refused at once', (t) => {
  const long = [
    '['.repeat(1_000_000),
    '[.]'.repeat(300_000),
    'a.'.repeat(500_000),
    `http://${'a'.repeat(1_000_000)}`,
    `${'@'.repeat(1_000_000)}`,
    ':'.repeat(1_000_000),
    ' '.repeat(1_000_000),
    `${' '.repeat(500_000)}x${' '.repeat(500_000)}`,
    'ü'.repeat(1_000_000),
  ]
  for (const type of observableTypes) for (const text of long) normalForm(type, text)
  // A quadratic one would take hours, and the test's own limit ends it.
  t.pass('all were answered')
  t.end()
})
