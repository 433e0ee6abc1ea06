import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { completePolicy, defaultPolicy } from '../src/curation/policy.ts'
import { findPolicyFault, longestAgeDays, policyKeys } from '../src/curation/stored-policy.ts'
import { parseJudgingPolicy, readJudgingFile } from '../src/judging-file.ts'
import { ConfigError } from '../src/model/errors.ts'
import { observableTypes } from '../src/model/observable.ts'

const seeds = fileURLToPath(new URL('../seeds/judging.yaml', import.meta.url))
const schema = JSON.parse(
  readFileSync(new URL('../schemas/judging.schema.json', import.meta.url), 'utf8'),
)

function faultsOf(text: string): string[] {
  try {
    parseJudgingPolicy(text, 'my.yaml')
    return []
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return error.message.split('\n')
  }
}

t.test('the example has every key, and otherwise the defaults', async (t) => {
  const { ownDomains, ownRanges, sources, ...others } = readJudgingFile(seeds)
  t.same([ownDomains, ownRanges], [['corp.taxiway-demo.com'], ['22.99.0.0/24']])
  t.same(Object.keys(sources?.otx ?? {}), ['confidence', 'authors', 'ageDays'])
  // In their order too: `judging apply` would tell of a change otherwise.
  t.same(completePolicy(others), defaultPolicy)
  t.same(Object.keys(readJudgingFile(seeds)).sort(), [...policyKeys].sort())
})

t.test('what is written in another way is the same policy', async (t) => {
  const one = parseJudgingPolicy(
    'ownDomains: [b.example, EXAMPLE.com., example.com]\nownRanges: [10.1.2.3/8, "::FFFF:192.0.2.1", 2001:DB8::/32]\nheldBackTypes: [yara, cve]\n',
    'my.yaml',
  )
  t.same(one, {
    ownDomains: ['b.example', 'example.com'],
    ownRanges: ['10.0.0.0/8', '192.0.2.1', '2001:db8::/32'],
    heldBackTypes: ['cve', 'yara'],
  })
  t.same(parseJudgingPolicy('{}', 'my.yaml'), {})
})

t.test('each place that is wrong is named with its line and the way out', async (t) => {
  const text = [
    'ownDomains:',
    '  - example.com',
    '  - "*.example.com"',
    'ownRanges: [0.0.0.0/0,',
    '  10.0.0.0/33]',
  ].join('\n')
  const domain = 'it must be a domain such as example.com, which stands for all below it too'
  const range = 'it must be an address or a network such as 192.0.2.0/24, and not all there are'
  t.same(faultsOf(text), [
    `my.yaml, line 3: ownDomains.1 is "*.example.com"; ${domain}`,
    `my.yaml, line 4: ownRanges.0 is "0.0.0.0/0"; ${range}`,
    `my.yaml, line 5: ownRanges.1 is "10.0.0.0/33"; ${range}`,
  ])
  const rows: readonly (readonly [string, RegExp])[] = [
    ['', /line 1: the file must be object/],
    ['- a', /line 1: the file must be object/],
    ['ownDomain: [a.com]', /line 1: the file has "ownDomain", which is not one of ownDomains, /],
    ['ageDays:\n  ip: 3', /line 2: ageDays has "ip", which is not one of ipv4, ipv6, cidr, /],
    ['ageDays:\n  ipv4: -1', /line 2: ageDays.ipv4 must be >= 0/],
    ['ageDays:\n  ipv4: 36501', /line 2: ageDays.ipv4 must be <= 36500/],
    ['ageDays: { ipv4: 1.5 }', /ageDays.ipv4 must be integer/],
    ['ageDays: { ipv4: "30" }', /ageDays.ipv4 must be integer/],
    ['broadestCidr: { ipv4: 33 }', /broadestCidr.ipv4 must be <= 32/],
    ['heldBackTypes: [domains]', /heldBackTypes.0 must be one of ipv4, /],
    ['heldBackTypes: [cve, cve]', /must NOT have duplicate items/],
    ['listedConfidencePercent: 101', /must be <= 100/],
    ['sources:\n  otx:\n    trust: 3', /line 3: sources.otx has "trust", which is not one of conf/],
    ['sources:\n  otx:\n    authors:\n      A: x', /line 4: sources.otx.authors.A must be integer/],
    ['ageDays: {', /not well-formed YAML/],
    ['ageDays: { ipv4: 1, ipv4: 2 }', /not well-formed YAML: Map keys must be unique/],
  ]
  for (const [text, expected] of rows) {
    const [fault = 'none'] = faultsOf(text)
    t.match(fault, expected, text)
    t.match(fault, /^my\.yaml, line \d+: /, text)
  }
  t.throws(() => readJudgingFile(join(seeds, 'absent')), { message: /cannot be read \(ENOTDIR\)/ })
})

t.test('the schema, the store and the code know the same keys and types', async (t) => {
  t.same(Object.keys(schema.properties).sort(), [...policyKeys].sort())
  t.same(Object.keys(schema.definitions.ageDays.properties), observableTypes)
  t.same(schema.properties.heldBackTypes.items.enum, observableTypes)
  t.equal(schema.definitions.ageDays.properties.ipv4.maximum, longestAgeDays)
  t.equal(findPolicyFault(readJudgingFile(seeds)), undefined)
  t.equal(findPolicyFault(defaultPolicy), undefined)
  t.equal(findPolicyFault({}), undefined)
  for (const [key, wrong] of Object.entries({
    ownDomains: ['UPPER.com'],
    ownRanges: ['10.0.0.0/33'],
    broadestCidr: { ipv5: 3 },
    heldBackTypes: ['domains'],
    ageDays: { ipv4: longestAgeDays + 1 },
    listedConfidencePercent: '50',
    sources: { otx: { authors: { A: 101 } } },
  })) {
    t.equal(findPolicyFault({ [key]: wrong }), `its "${key}" cannot be read`)
  }
  t.equal(
    findPolicyFault({ constructor: 1 }),
    'it has "constructor", which this version does not know',
  )
})
