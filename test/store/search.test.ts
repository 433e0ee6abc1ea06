import { sql } from 'kysely'
import t from 'tap'
import { recall, settleRecalls } from '../../src/intake/recall.ts'
import { parseNetwork } from '../../src/model/address.ts'
import { parseSearchText, textsWithin } from '../../src/model/search.ts'
import type { Db } from '../../src/store/db.ts'
import { type SearchRequest, searchIndicators } from '../../src/store/search.ts'
import { forEachStore, openTestStore } from '../helpers/stores.ts'
import {
  aCollection,
  anAssertion,
  createTestIntake,
  dayAfterStart,
  reportOn,
} from '../intake/reports.ts'

const host = (name: string) => `${name}.taxiway-demo.com`
const yesterday = dayAfterStart(-1)

async function search(db: Db, text: string, filters: Partial<SearchRequest> = {}) {
  const request = { text: parseSearchText(text), limit: 100, timeoutMs: 60_000, ...filters }
  return searchIndicators(db, request)
}

async function valuesOf(db: Db, text: string, filters: Partial<SearchRequest> = {}) {
  return (await search(db, text, filters)).found.map(({ value }) => value)
}

t.test('a text is a part, a whole with asterisks, or a network', async (t) => {
  const like = (text: string) => {
    const found = parseSearchText(text)
    return found.kind === 'like' ? found.patterns : found.kind
  }
  t.same(like('evil'), ['%evil%', '%EVIL%'])
  t.same(like('evil[.]com'), ['%evil.com%', '%EVIL.COM%'])
  t.same(like('hxxp://evil[.]com/A'), [
    '%http://evil.com/A%',
    '%http://evil.com/a%',
    '%HTTP://EVIL.COM/A%',
  ])
  t.same(like('evil*'), ['evil%', 'EVIL%'])
  t.same(like('*.evil.com'), ['%.evil.com', '%.EVIL.COM'])
  t.same(like('a*b**c'), ['a%b%c', 'A%B%C'])
  t.same(like('100%_\\'), ['%100\\%\\_\\\\%'])
  t.same(like(' '), 'any')
  t.same(like('**'), 'any')
  t.same(like('10.0.0.0/8'), 'within')
  t.same(like('2001:db8::/32'), 'within')
  t.same(like('10.0.0.0/99'), ['%10.0.0.0/99%'])
})

t.test('what lies in a network is told by its text, and no less', async (t) => {
  const cases = [
    [
      '10.0.0.0/8',
      ['10.0.0.0', '10.255.255.255', '10.1.0.0/16'],
      ['11.0.0.0', '1.0.0.0', '110.0.0.1'],
    ],
    ['11.22.32.0/20', ['11.22.32.1', '11.22.47.255', '11.22.40.0/24'], ['11.22.48.0', '11.22.3.1']],
    ['11.22.33.0/24', ['11.22.33.0', '11.22.33.128/25'], ['11.22.34.0', '11.22.3.30']],
    ['11.22.33.4/30', ['11.22.33.4', '11.22.33.7', '11.22.33.4/31'], ['11.22.33.8', '11.22.33.40']],
    ['11.22.33.4/32', ['11.22.33.4'], ['11.22.33.5', '11.22.33.44']],
    ['0.0.0.0/0', ['1.2.3.4', '255.255.255.255'], []],
    ['128.0.0.0/1', ['128.0.0.0', '255.1.1.1'], ['127.1.1.1']],
    ['2001:db8::/32', ['2001:db8::1', '2001:db8:1::', '2001:db8:ffff::/48'], ['2001:db9::1']],
    ['2001:db8:0:1::/64', ['2001:db8:0:1::5'], ['2002::1']],
  ] as const
  for (const [cidr, inside, outside] of cases) {
    const network = parseNetwork(cidr)
    const pattern = new RegExp((network && textsWithin(network)) ?? '')
    for (const value of inside) t.match(value, pattern, `${value} in ${cidr}`)
    for (const value of outside) t.notMatch(value, pattern, `${value} not in ${cidr}`)
  }
})

t.test('a search finds by value and by what is said of it', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const intake = createTestIntake(t, db)
    await intake.settle(
      aCollection({ name: 'all' }),
      aCollection({ name: 'addresses', rule: { type: ['ipv4', 'ipv6'] } }),
      aCollection({ name: 'lab', rule: { source: 'lab' } }),
    )
    const ip = (value: string) =>
      anAssertion(value, { type: value.includes('/') ? 'cidr' : 'ipv4', validFrom: yesterday })
    const name = (value: string, change = {}) =>
      anAssertion(value, { validFrom: yesterday, ...change })
    await intake.take([
      reportOn([name(host('a')), name(host('evil-b')), name(host('off'), { active: false })], {
        tags: ['Botnet'],
      }),
      reportOn(
        [
          ip('11.22.33.4'),
          ip('11.22.33.99'),
          ip('11.22.34.1'),
          ip('11.22.33.128/25'),
          ip('10.0.0.1'),
        ],
        {
          externalId: 'r2',
          name: 'Addresses',
          author: 'Other',
          modified: new Date('2026-05-09T00:00:00Z'),
        },
      ),
      reportOn([anAssertion('2001:db9:0:1::5', { type: 'ipv6', validFrom: yesterday })], {
        externalId: 'r3',
      }),
      reportOn(
        [
          anAssertion('https://taxiway-demo.com/Path_1?x=100%25', {
            type: 'url',
            validFrom: yesterday,
          }),
        ],
        { externalId: 'r4' },
      ),
      reportOn([name(host('green'), { tlp: 'green' })], { externalId: 'r5', author: 'Other' }),
    ])
    await intake.take(
      [
        reportOn([name(host('a'))], {
          externalId: 'l1',
          modified: new Date('2026-05-20T00:00:00Z'),
          name: 'Lab',
        }),
      ],
      { source: 'lab' },
    )

    t.same(await valuesOf(db, 'EVIL'), [host('evil-b')])
    t.same(await valuesOf(db, 'a*'), [host('a')])
    t.same(
      await valuesOf(db, '*.taxiway-demo.com', { type: 'domain' }),
      ['a', 'evil-b', 'off', 'green'].map(host),
    )
    t.same(await valuesOf(db, 'Path_1'), ['https://taxiway-demo.com/Path_1?x=100%25'])
    t.same(await valuesOf(db, 'Path%1'), [], 'a percent sign is one')
    t.same(await valuesOf(db, '11.22.33.0/24'), ['11.22.33.4', '11.22.33.99', '11.22.33.128/25'])
    t.same(await valuesOf(db, '11.22.33.0/25'), ['11.22.33.4', '11.22.33.99'])
    await intake.take([reportOn([ip('11.22.32.0/19')], { externalId: 'wide' })])
    t.same(
      await valuesOf(db, '11.22.32.0/20', { type: 'cidr' }),
      ['11.22.33.128/25'],
      'what is wider does not lie in it',
    )
    t.same(await valuesOf(db, '2001:db9::/32'), ['2001:db9:0:1::5'])
    t.same(await valuesOf(db, '2001:db9:0:2::/64'), [])

    t.same(await valuesOf(db, '', { source: 'lab' }), [host('a')])
    t.same(await valuesOf(db, '', { author: 'Other', type: 'domain' }), [host('green')])
    t.same(await valuesOf(db, '', { author: 'Other', report: 'r5' }), [host('green')])
    t.same(await valuesOf(db, '', { source: 'lab', author: 'Other' }), [], 'of one assertion')
    t.same(await valuesOf(db, 'demo', { tag: 'BOTNET' }), ['a', 'evil-b', 'off'].map(host))
    t.same(await valuesOf(db, '', { collection: 'lab' }), [host('a')])
    t.same(await valuesOf(db, '', { suppressed: true }), [host('off'), '10.0.0.1', '11.22.32.0/19'])
    t.same(await valuesOf(db, '', { reason: 'inactive' }), [host('off')])
    t.same(await valuesOf(db, '', { reason: 'inactive', type: 'ipv4' }), [])

    const indicators = [{ type: 'domain' as const, value: host('evil-b') }]
    await recall(intake, { subject: { indicators }, reason: 'x', by: 'ana' })
    await settleRecalls(intake)
    const { found } = await search(db, '')
    const states = Object.fromEntries(
      found.map((one) => [one.value, `${one.state} ${one.collections}`]),
    )
    t.match(states, {
      [host('a')]: 'served all,lab',
      [host('evil-b')]: 'withdrawn ',
      [host('off')]: 'suppressed ',
      [host('green')]: 'unselected ',
      '11.22.33.4': 'served addresses,all',
    })
    t.match(found[0], {
      type: 'domain',
      value: host('a'),
      assertions: 2,
      newestReport: { name: 'Lab', modified: new Date('2026-05-20T00:00:00Z') },
    })
  })
})

t.test('pages follow each other without a gap or a repetition', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const intake = createTestIntake(t, db)
    const names = Array.from({ length: 23 }, (_, n) => host(`n${n}`))
    const addresses = Array.from({ length: 23 }, (_, n) =>
      anAssertion(`11.22.33.${n * 11}`, { type: 'ipv4' }),
    )
    await intake.take([reportOn(names), reportOn(addresses, { externalId: 'r2' })])
    for (const [text, all] of [
      ['n*', names],
      ['11.22.33.0/25', addresses.slice(0, 12).map(({ value }) => value)],
    ] as const) {
      for (const limit of [1, 4, all.length, all.length + 1]) {
        const seen: string[] = []
        let after: number | undefined
        do {
          const page = await search(db, text, { limit, ...(after !== undefined && { after }) })
          t.ok(page.found.length <= limit)
          seen.push(...page.found.map(({ value }) => value))
          after = page.next
        } while (after !== undefined)
        t.same(seen, all, `${text}, ${limit} a page`)
      }
    }
  })
})

t.test('a search that takes too long says how to narrow it', async (t) => {
  const { db } = await openTestStore(t, 'postgresql')
  const intake = createTestIntake(t, db)
  await intake.take([reportOn([host('a')])])
  await db.transaction().execute(async (trx) => {
    await sql`lock table indicators in access exclusive mode`.execute(trx)
    await t.rejects(search(db, 'a', { timeoutMs: 50 }), {
      code: 'SEARCH_TOO_BROAD',
      message: /took longer than 0.05 s: narrow it \(a longer text, --type, --report\)/,
    })
    await t.rejects(search(db, '', { timeoutMs: 50, type: 'ipv4', report: 'r1' }), {
      message: /narrow it \(a text\)/,
    })
  })
  t.same(await valuesOf(db, 'a*'), [host('a')])
})
