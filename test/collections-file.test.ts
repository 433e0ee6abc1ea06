import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { parseCollections, readCollectionsFile } from '../src/collections-file.ts'
import { ConfigError } from '../src/model/errors.ts'

function faultsOf(text: string): string[] {
  try {
    parseCollections(text, 'my.yaml')
    return []
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return error.message.split('\n')
  }
}

/** Lines 1 to 4, and then those given. */
const withLines = (...lines: string[]) =>
  ['collections:', '  - name: one', '    description: One', '    rule: { all: [] }', ...lines].join(
    '\n',
  )
const withRule = (rule: string) =>
  `collections:\n  - name: one\n    description: One\n    rule: ${rule}\n`

t.test('the seeds are valid', async (t) => {
  const path = fileURLToPath(new URL('../seeds/collections.yaml', import.meta.url))
  const names = readCollectionsFile(path).map(({ name }) => name)
  t.ok(names.includes('esa-network'))
  t.ok(names.includes('nothing-yet'))
  t.equal(new Set(names).size, names.length)
})

t.test('what a collection does not say has a default', async (t) => {
  t.strictSame(parseCollections(withLines(), 'my.yaml'), [
    {
      name: 'one',
      description: 'One',
      type: 'data-feed',
      rule: { all: [] },
      inbox: false,
      maxTlp: 'green',
      nonPublic: false,
      bindings: ['urn:stix.mitre.org:xml:1.2'],
      profile: 'esa',
      packaging: 'indicator',
      cidr: 'omit',
      pageSize: undefined,
      refreshDays: 20,
    },
  ])
})

t.test('every kind of rule is taken', async (t) => {
  const rules = [
    '{ source: otx }',
    '{ author: [a, b] }',
    '{ tag: "a tag" }',
    '{ type: ipv4 }',
    '{ type: [ipv4, url] }',
    '{ tlp: amber+strict }',
    '{ tlp: [white, green] }',
    '{ confidence: { atLeast: 0, atMost: 100 } }',
    '{ age: { atLeastDays: 0.5, atMostDays: 30 } }',
    '{ not: { any: [ { tag: x }, { all: [ { tag: y } ] } ] } }',
  ]
  for (const rule of rules) t.strictSame(faultsOf(withRule(rule)), [], rule)
})

const faults: readonly (readonly [string, string, readonly (string | RegExp)[]])[] = [
  ['no collections', 'colections: []', [/line 1: .*lacks "collections"/, /line 1: .*"colections"/]],
  ['nothing', '', [/line 1: the file must be object/]],
  ['a list', '- name: one', [/line 1: the file must be object/]],
  ['no list', 'collections: {}', [/line 1: collections must be array/]],
  [
    'no rule',
    'collections:\n  - name: one\n    description: x',
    [/line 2: collections\.0 lacks "rule"/],
  ],
  [
    'an unknown key',
    withLines('    maxTpl: green'),
    [
      /line 2: collections\.0 has "maxTpl", which is not one of name, description, rule, type, inbox, maxTlp/,
    ],
  ],
  [
    'a bad name',
    'collections:\n  - description: x\n    rule: { all: [] }\n    name: a b',
    [/line 4: collections\.0\.name must match /],
  ],
  [
    'a number for a name',
    withLines().replace('name: one', 'name: 7'),
    [/line 2: .*name must be string/],
  ],
  [
    'no words',
    withLines().replace('One', "''"),
    [/line 3: .*description must NOT have fewer than 1/],
  ],
  [
    'an unknown TLP',
    withLines('    maxTlp: yellow'),
    [/line 5: collections\.0\.maxTlp must be one of white, green, amber, amber\+strict, red$/],
  ],
  [
    'an unknown binding',
    withLines(
      '    bindings:',
      '      - urn:stix.mitre.org:xml:1.2',
      '      - urn:stix.mitre.org:xml:2.0',
    ),
    [/line 7: collections\.0\.bindings\.1 must be one of urn:stix/],
  ],
  [
    'no binding',
    withLines('    bindings: []'),
    [/line 5: .*bindings must NOT have fewer than 1 items/],
  ],
  [
    'a binding twice',
    withLines('    bindings: [urn:stix.mitre.org:xml:1.2, urn:stix.mitre.org:xml:1.2]'),
    [/line 5: .*bindings must NOT have duplicate items/],
  ],
  [
    'an unknown profile',
    withLines('    profile: asa'),
    [/line 5: .*profile must be one of esa, tid, full/],
  ],
  ['a page of none', withLines('    pageSize: 0'), [/line 5: .*pageSize must be >= 1/]],
  [
    'a refresh before today',
    withLines('    refreshDays: -1'),
    [/line 5: .*refreshDays must be >= 0/],
  ],
  ['half a block', withLines('    pageSize: 1.5'), [/line 5: .*pageSize must be integer/]],
  [
    'a rule of nothing',
    withRule('{}'),
    [/line 4: .*rule must have exactly one key of all, any, not,/],
  ],
  [
    'a rule of two',
    withRule('{ tag: a, source: b }'),
    [/line 4: .*must have exactly one key of all/],
  ],
  [
    'an unknown leaf',
    withRule('{ tags: a }'),
    [/line 4: .*rule has "tags", which is not one of all, any/],
  ],
  [
    'an unknown type',
    withRule('{ type: ipv5 }'),
    [/line 4: .*rule\.type must be a type of observable/],
  ],
  [
    'one unknown type of several',
    withRule('\n      type:\n        - ipv4\n        - ipv5'),
    [/line 7: .*rule\.type\.1 must be one of ipv4, ipv6/],
  ],
  [
    'an empty text',
    withRule("{ tag: '' }"),
    [/line 4: .*rule\.tag must be a text that is not empty/],
  ],
  [
    'confidence beyond 100',
    withRule('{ confidence: { atLeast: 101 } }'),
    [/line 4: .*must be <= 100/],
  ],
  ['an age of none', withRule('{ age: {} }'), [/line 4: .*age must have/]],
  [
    'deep inside',
    withRule(
      '\n      all:\n        - tag: a\n        - not:\n            age: { atMostDays: soon }',
    ),
    [/line 8: .*rule\.all\.1\.not\.age\.atMostDays must be number/],
  ],
  [
    'two of one name',
    withLines(
      '  - name: two',
      '    description: x',
      '    rule: { all: [] }',
      '  - name: one',
      '    description: x',
      '    rule: { all: [] }',
    ),
    [/line 8: collections\.2\.name is "one", as in line 2 already; give it another/],
  ],
  ['a tab', 'collections:\n\t- name: one', [/line 2: not well-formed YAML: /]],
  [
    'a key twice',
    withLines('    name: two'),
    [/line 5: not well-formed YAML: Map keys must be unique/],
  ],
  ['a bracket that is left open', withRule('{ all: ['), [/line \d: not well-formed YAML: /]],
  [
    'two documents',
    `${withLines()}\n---\n${withLines()}`,
    [/not well-formed YAML: .*multiple documents/],
  ],
  ['an unknown alias', withRule('*nowhere'), [/line 4: nothing before it is named "nowhere"/]],
]

for (const [what, text, expected] of faults) {
  t.test(`${what}: its line and what was expected`, async (t) => {
    const found = faultsOf(text)
    t.match(found, expected)
    t.equal(found.length, expected.length, found.join('\n'))
    for (const one of found) t.match(one, /^my\.yaml, line \d+: /)
  })
}

t.test('several faults are told at once, at most twenty', async (t) => {
  const text = withLines('    profile: x', '    maxTlp: x', '    pageSize: x')
  t.equal(faultsOf(text).length, 3)
  const many = Array.from({ length: 50 }, (_, index) => `  - name: n${index}`)
  t.equal(faultsOf(`collections:\n${many.join('\n')}`).length, 20)
})

t.test('an alias is followed, and a bomb of them is not', async (t) => {
  const twice = withRule('{ all: [ &a { tag: x }, *a ] }')
  t.strictSame(parseCollections(twice, 'my.yaml')[0]?.rule, { all: [{ tag: 'x' }, { tag: 'x' }] })
  const levels = Array.from({ length: 30 }, (_, level) => {
    const below =
      level === 0
        ? 'x'
        : Array(10)
            .fill(`*a${level - 1}`)
            .join(', ')
    return `a${level}: &a${level} [ ${below} ]`
  })
  t.match(faultsOf(`${levels.join('\n')}\ncollections: *a29`), [/my\.yaml.*alias/i])
  t.match(faultsOf('collections: &a [ *a ]'), [/^my\.yaml/])
})

t.test('a rule may be nested 20 levels, and no deeper', async (t) => {
  const nested = (depth: number) =>
    `${'{ not: '.repeat(depth - 1)}{ tag: x }${' }'.repeat(depth - 1)}`
  t.strictSame(faultsOf(withRule(nested(20))), [])
  t.strictSame(faultsOf(withRule(nested(21))), [
    'my.yaml, line 4: collections.0.rule is nested deeper than 20 levels; flatten it',
  ])
  for (const depth of [200, 5_000, 100_000]) {
    const found = faultsOf(withRule(nested(depth)))
    t.equal(found.length, 1, String(depth))
    t.match(found[0], /^my\.yaml/)
  }
})

t.test('no key reaches an object’s prototype', async (t) => {
  t.match(faultsOf(withLines('    __proto__: { maxTlp: red }')), [/has "__proto__"/])
  t.match(faultsOf(withRule('{ constructor: x }')), [/has "constructor"/])
})

t.test('a file that cannot be read is told', async (t) => {
  const folder = t.testdir()
  t.throws(() => readCollectionsFile(join(folder, 'absent.yaml')), {
    code: 'CONFIG_INVALID',
    message: `${join(folder, 'absent.yaml')} cannot be read (ENOENT)`,
  })
  t.throws(() => readCollectionsFile(folder), { message: `${folder} cannot be read (EISDIR)` })
  const binary = join(folder, 'binary')
  writeFileSync(binary, Buffer.from([0xff, 0xfe, 0x00, 0x01]))
  t.throws(() => readCollectionsFile(binary), { code: 'CONFIG_INVALID' })
})

t.test('all that is wrong with a file is told at once', async (t) => {
  const text = withLines(
    '    cidr: address',
    '  - name: one',
    '    description: "a\\0b"',
    `    rule: { tag: "\\x07" }`,
  )
  t.strictSame(faultsOf(text), [
    'my.yaml, line 5: collections.0.cidr is "address", which needs "profile: full"; the clients of the profile "esa" read no blocks of addresses',
    'my.yaml, line 6: collections.1.name is "one", as in line 2 already; give it another',
    'my.yaml, line 7: collections.1.description holds control characters, or half of a character: no client could be sent it',
    'my.yaml, line 8: collections.1.rule.tag holds control characters, or half of a character: no client could be sent it',
  ])
})

t.test('a rule has at most 1,000 conditions, and lines in a description are text', async (t) => {
  const anyOf = (parts: number) => `{ any: [${'{ tag: x }, '.repeat(parts)}] }`
  const rule = (lists: number) => withRule(`{ any: [${`${anyOf(100)}, `.repeat(lists)}] }`)
  t.strictSame(faultsOf(rule(10)), [])
  t.match(faultsOf(rule(11)), [/line 4: .*rule has 1100 conditions, more than 1000/])
  t.strictSame(faultsOf(withLines().replace('One', '"One\\n\\ttwo ✈"')), [])
})
