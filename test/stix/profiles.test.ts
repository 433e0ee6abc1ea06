import { readFileSync } from 'node:fs'
import t from 'tap'
import { cidrForms, profiles } from '../../src/model/collection.ts'
import { isObservableType, observableTypes } from '../../src/model/observable.ts'
import { findLeftOut, isPublishable, publishableTypes } from '../../src/stix/profiles.ts'
import { sampleValues } from './views.ts'

t.test('each profile publishes what its clients read', async (t) => {
  t.same(publishableTypes('esa'), ['ipv4', 'ipv6', 'domain', 'url', 'md5', 'sha1', 'sha256'])
  t.same(publishableTypes('tid'), ['ipv4', 'ipv6', 'domain', 'url', 'sha256'])
  t.same([...publishableTypes('full')].sort(), Object.keys(sampleValues).sort())
})

t.test('docs/stix.md says of each type which profiles publish it, or why none does', async (t) => {
  const guide = readFileSync(new URL('../../docs/stix.md', import.meta.url), 'utf8')
  const said = new Map<string, readonly string[]>()
  for (const [, types = '', ...cells] of guide.matchAll(
    /^\| ([-a-z0-9, ]+) \|([^|]+)\|([^|]+)\|([^|]+)\|/gm,
  ))
    for (const type of types.split(', '))
      said.set(
        type,
        profiles.filter((_, column) => cells[column]?.trim() !== '–'),
      )
  const never = [...guide.matchAll(/^\| ([-a-z0-9]+)(?: \([^)]+\))? \| [^|]+ \|$/gm)].flatMap(
    ([, type = '']) => (isObservableType(type) ? type : []),
  )
  for (const type of observableTypes) {
    const publishing = profiles.filter((profile) =>
      publishableTypes(profile).some((listed) => listed === type),
    )
    if (publishing.length > 0) t.same(said.get(type), publishing, type)
    else t.ok(never.includes(type), type)
  }
})

t.test('a plain value is publishable exactly when its profile lists the type', async (t) => {
  for (const profile of profiles)
    for (const type of observableTypes)
      t.equal(
        isPublishable({ profile, cidr: 'cidr' }, type, 'http://a.example/?rule {}'),
        publishableTypes(profile).some((listed) => listed === type),
        `${profile}: ${type}`,
      )
})

t.test('what no client of STIX 1 could tell from something else is in no profile', async (t) => {
  for (const type of ['uri', 'ja3', 'osquery', 'ssl-cert-fingerprint', 'bitcoin-address'] as const)
    for (const profile of profiles)
      t.equal(
        findLeftOut({ profile, cidr: 'cidr' }, type, 'x')?.rule,
        'type',
        `${profile}: ${type}`,
      )
})

t.test('the reason for leaving out a type is the end of a sentence', async (t) => {
  const textOf = (profile: 'esa' | 'tid' | 'full', type: (typeof observableTypes)[number]) =>
    findLeftOut({ profile, cidr: 'omit' }, type, 'x')?.text
  t.equal(textOf('esa', 'email'), 'its profile esa has no e-mail addresses: the ESA drops them')
  t.equal(
    textOf('esa', 'mutex'),
    'its profile esa has no mutexes: the ESA takes in file hashes, IP addresses, domains and URLs, and nothing else',
  )
  t.equal(
    textOf('tid', 'md5'),
    'its profile tid has no MD5 hashes: SHA-256 is the one hash that TID is known to take',
  )
  t.equal(
    textOf('full', 'bitcoin-address'),
    'its profile full has no Bitcoin addresses: CybOX has no object for them',
  )
  for (const profile of profiles)
    for (const type of observableTypes)
      t.match(textOf(profile, type) ?? 'its x', /^its [^.]+$/, `${profile}: ${type}`)
})

t.test('a block of addresses is left out by the setting that would let it in', async (t) => {
  const ruleOf = (cidr: (typeof cidrForms)[number]) =>
    findLeftOut({ profile: 'full', cidr }, 'cidr', '198.51.100.0/24')?.rule
  t.same(cidrForms.map(ruleOf), ['cidr', undefined, undefined])
  t.match(findLeftOut({ profile: 'full', cidr: 'omit' }, 'cidr', 'x')?.text, /"cidr" is "omit"/)
  t.equal(findLeftOut({ profile: 'esa', cidr: 'omit' }, 'cidr', 'x')?.rule, 'type')
})

t.test(
  'a value that CybOX would take for a list is for clients that read delimiters',
  async (t) => {
    const value = 'http://a.example/##comma##/'
    const ruleOf = (profile: 'esa' | 'tid' | 'full') =>
      findLeftOut({ profile, cidr: 'omit' }, 'url', value)?.rule
    t.same(profiles.map(ruleOf), ['list-delimiter', 'list-delimiter', undefined])
  },
)

t.test('TID has no URLs but those of the web', async (t) => {
  const ruleOf = (profile: 'esa' | 'tid', value: string) =>
    findLeftOut({ profile, cidr: 'omit' }, 'url', value)?.rule
  t.equal(ruleOf('tid', 'ftp://a.example/'), 'scheme')
  t.equal(ruleOf('tid', 'https://a.example/'), undefined)
  t.equal(ruleOf('esa', 'ftp://a.example/'), undefined)
})

t.test('a YARA rule whose text the source left out is not published', async (t) => {
  const shape = { profile: 'full', cidr: 'omit' } as const
  for (const id of ['1f3d01aa381fa5ce8784e4dfb1a141b366dbfd64', 'a rule of thumb', 'ruler {}']) {
    t.equal(findLeftOut(shape, 'yara', id)?.rule, 'no-rule')
  }
  t.equal(findLeftOut(shape, 'yara', sampleValues.yara), undefined)
})
