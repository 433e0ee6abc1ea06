import t from 'tap'
import { createCompileWarninglists } from '../../src/curation/warninglists.ts'
import type { ObservableType } from '../../src/model/observable.ts'
import { aList, look } from './lists.ts'

const hosts: readonly ObservableType[] = ['domain', 'url', 'email', 'ipv4', 'ipv6', 'cidr']

/** What the list says of each value: yes, no, or that it only tells. */
function says(
  list: Parameters<typeof aList>[0],
  values: Readonly<Record<string, 'shields' | 'tells' | 'no'>>,
) {
  const find = look(aList({ types: hosts, ...list }))
  return Object.entries(values).map(([spoken, wanted]) => {
    const [type, value] = spoken.split(' ') as [ObservableType, string]
    const [match] = find(type, value)
    const found = match ? (match.whole ? 'shields' : 'tells') : 'no'
    return { spoken, found, wanted }
  })
}

function check(
  name: string,
  list: Parameters<typeof aList>[0],
  values: Readonly<Record<string, 'shields' | 'tells' | 'no'>>,
): void {
  t.test(name, async (t) => {
    for (const { spoken, found, wanted } of says(list, values)) t.equal(found, wanted, spoken)
  })
}

check(
  'a string is what it names, however it is spelled',
  {
    kind: 'string',
    entries: ['GMAIL[.]com.', 'bücher.de', '2001:DB8:0::1', '::ffff:8.8.8.8', '  joe@Corp.com '],
  },
  {
    'domain gmail.com': 'shields',
    'domain xn--bcher-kva.de': 'shields',
    'ipv6 2001:db8::1': 'shields',
    'ipv4 8.8.8.8': 'shields',
    'email joe@corp.com': 'shields',
    'domain mail.gmail.com': 'no',
    'domain gmail.com.evil.com': 'no',
    'domain notgmail.com': 'no',
    'email joe@gmail.com': 'tells',
    'url http://gmail.com/': 'shields',
    'url https://gmail.com/': 'shields',
    'url https://gmail.com:8443/': 'tells',
    'url https://gmail.com/login': 'tells',
    'url https://gmail.com/?q=1': 'tells',
    'url https://gmail.com/#x': 'tells',
    'url http://8.8.8.8/': 'shields',
    'url http://[2001:db8::1]/x': 'tells',
  },
)

check(
  'a string that is a URL shields that URL alone',
  {
    kind: 'string',
    entries: ['https://GitHub.com/ok', 'gitlab.com/ok'],
  },
  {
    'url https://github.com/ok': 'shields',
    'url http://github.com/ok': 'no',
    'url https://github.com/ok/evil': 'no',
    'url http://gitlab.com/ok': 'shields',
    'url https://gitlab.com/ok': 'shields',
    'domain github.com': 'no',
  },
)

check(
  'a host name speaks of the names under it',
  {
    kind: 'hostname',
    entries: [
      '.google.com',
      '*.bbc.co.uk',
      'https://www.apple.com/',
      'docs.github.com/en',
      '9.9.9.9',
    ],
  },
  {
    'domain google.com': 'shields',
    'domain www.google.com': 'shields',
    'domain a.b.google.com': 'shields',
    'domain google.com.evil.com': 'no',
    'domain notgoogle.com': 'no',
    'domain bbc.co.uk': 'shields',
    'domain co.uk': 'no',
    'domain apple.com': 'no',
    'domain www.apple.com': 'shields',
    'domain docs.github.com': 'no',
    'url http://www.google.com/': 'shields',
    'url http://www.google.com/evil': 'tells',
    'url http://evil.com/www.google.com/': 'no',
    'email joe@mail.google.com': 'tells',
    'ipv4 9.9.9.9': 'shields',
    'url http://9.9.9.9/': 'shields',
  },
)

check(
  'a name under which anybody registers shields none of the names there',
  {
    kind: 'hostname',
    entries: ['com', 'github.io', 'amazonaws.com', 'gov.uk'],
  },
  {
    'domain evil.com': 'tells',
    'domain github.io': 'shields',
    'domain evil.github.io': 'tells',
    'domain mybucket.s3.amazonaws.com': 'tells',
    'domain status.amazonaws.com': 'shields',
    'domain www.parliament.gov.uk': 'shields',
  },
)

check(
  'a network speaks of what lies in it or overlaps it',
  {
    kind: 'cidr',
    entries: ['8.8.8.0/24', '1[.]1[.]1[.]1', '2606:4700::/32', '10.0.0.0/8', '10.1.0.0/16'],
  },
  {
    'ipv4 8.8.8.8': 'shields',
    'ipv4 8.8.9.8': 'no',
    'ipv4 1.1.1.1': 'shields',
    'ipv4 1.1.1.2': 'no',
    'cidr 8.8.8.128/25': 'shields',
    'cidr 8.8.0.0/16': 'shields',
    'cidr 8.9.0.0/16': 'no',
    'cidr 1.1.1.0/24': 'shields',
    'ipv6 2606:4700::1': 'shields',
    'ipv6 2606:4701::1': 'no',
    'url http://8.8.8.8/': 'shields',
    'url http://8.8.8.8/x': 'tells',
    'url http://[2606:4700::1]/x': 'tells',
    'domain 8.8.8.8.com': 'no',
  },
)

check(
  'a substring shields only what an attacker cannot choose',
  {
    kind: 'substring',
    entries: ['google.com', '.Apple.com', '@mailinator.com', '203.0.', 'github.io', 'evil'],
  },
  {
    'domain google.com': 'shields',
    'domain www.google.com': 'shields',
    'domain google.com.evil-site.com': 'tells',
    'domain notgoogle.com': 'tells',
    'domain apple.com': 'no',
    'domain www.apple.com': 'shields',
    'domain someone.github.io': 'tells',
    'email joe@mailinator.com': 'shields',
    'email joe@mailinator.com.evil.com': 'tells',
    'email joe@google.com': 'tells',
    'url https://google.com/': 'shields',
    'url https://google.com/x': 'tells',
    'url https://x.com/?google.com': 'tells',
    'ipv4 203.0.1.2': 'shields',
    'ipv4 1.203.0.2': 'tells',
  },
)

check(
  'a regular expression shields only what it fixes',
  {
    kind: 'regex',
    entries: [
      '/^https?:\\/\\/([^\\/]+\\.)?github\\.com\\/our\\//i',
      '/(^|\\.)google\\.(com|de)$/i',
      'loose\\.com',
      '^https?://.*wild\\.com/',
      '@throwaway\\.(com|net)$',
      '^(abuse|noc)@.*$',
      '^postmaster@corp\\.com$',
      '\\.github\\.io$',
      '^9\\.9\\.9\\.\\d+$',
    ],
  },
  {
    'url https://github.com/our/tool': 'shields',
    'url https://raw.github.com/our/tool': 'shields',
    'url https://github.com/evil/tool': 'no',
    'url https://evil.com/?https://github.com/our/tool': 'no',
    'domain google.com': 'shields',
    'domain www.google.de': 'shields',
    'domain google.com.evil.com': 'no',
    'url http://www.google.de/': 'shields',
    'url http://www.google.de/x': 'tells',
    'domain loose.com': 'tells',
    'domain loose.com.evil.com': 'tells',
    'url http://wild.com/x': 'tells',
    'url http://evil.com/wild.com/': 'tells',
    'email joe@throwaway.net': 'shields',
    'email joe@throwaway.net.evil.com': 'no',
    'email abuse@evil.com': 'tells',
    'email postmaster@corp.com': 'shields',
    'email xpostmaster@corp.com': 'no',
    'domain evil.github.io': 'tells',
    'ipv4 9.9.9.9': 'shields',
    'ipv4 19.9.9.9': 'no',
  },
)

t.test('a list speaks only of its types', async (t) => {
  const find = look(
    aList({ types: ['sha1'], entries: ['google.com', 'A'.repeat(40), 'B'.repeat(32)] }),
  )
  t.same(find('domain', 'google.com'), [])
  t.same(find('url', 'http://google.com/'), [])
  t.same(
    find('sha1', 'a'.repeat(40)).map(({ entry, whole }) => ({ entry, whole })),
    [{ entry: 'a'.repeat(40), whole: true }],
  )
  t.equal(
    find('md5', 'b'.repeat(32)).length,
    1,
    'what its length tells is believed before the list',
  )
  t.same(find('pehash', 'a'.repeat(40)), [])
})

t.test('each list that knows a value says so once, by what says most', async (t) => {
  const find = look(
    aList({ name: 'wide', kind: 'cidr', types: hosts, entries: ['10.0.0.0/8', '10.1.0.0/16'] }),
    aList({ name: 'other', kind: 'cidr', types: hosts, entries: ['11.0.0.0/8'] }),
    aList({ name: 'exact', types: hosts, entries: ['10.1.2.3'], effect: 'inform' }),
  )
  t.same(find('ipv4', '10.1.2.3'), [
    { list: { name: 'wide', title: 'wide', effect: 'block' }, entry: '10.1.0.0/16', whole: true },
    { list: { name: 'exact', title: 'exact', effect: 'inform' }, entry: '10.1.2.3', whole: true },
  ])
})

t.test('a list that was prepared is not prepared again while it is in use', async (t) => {
  const compile = createCompileWarninglists()
  const list = aList({ entries: ['a.com'] })
  // What is prepared goes by the digest: under the same one other entries are not looked at.
  const same = { ...list, effect: 'inform', entries: ['c.com'] } as const
  compile([list])
  const find = compile([same, aList({ name: 'other', entries: ['b.com'] })])
  t.match(find('domain', 'a.com'), [{ list: { effect: 'inform' }, whole: true }])
  t.match(find('domain', 'b.com'), [{ list: { name: 'other' } }])
  t.same(find('domain', 'c.com'), [])
  compile([])
  t.equal(compile([same])('domain', 'c.com').length, 1)
})
