import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { createAccount, grantRead } from '../../src/store/accounts.ts'
import { readCollections } from '../../src/store/collections.ts'
import { readLiveValues } from '../helpers/sound-feed.ts'
import { aCollection, anAssertion, reportOn } from '../intake/reports.ts'
import { openCommandStore } from './command-store.ts'

const host = (name: string) => `${name}.taxiway-demo.com`
const dayMs = 86_400_000

t.test('indicators by the command line', async (t) => {
  const { db, folder, intake, run } = await openCommandStore(t)
  // The commands go by the real clock.
  intake.now = new Date()
  const validFrom = new Date(Date.now() - dayMs)
  const recent = (value: string, change = {}) => anAssertion(value, { validFrom, ...change })
  await intake.settle(
    aCollection({ name: 'esa-network', rule: { type: ['domain', 'ipv4', 'url'] }, profile: 'esa' }),
    aCollection({ name: 'lab-only', rule: { source: 'lab' } }),
  )
  await intake.take([
    reportOn([recent(host('a')), recent(host('b')), recent('10.1.2.3', { type: 'ipv4' })]),
    reportOn([recent(host('amber'), { tlp: 'amber' })], { externalId: 'r2', tlp: 'amber' }),
  ])
  const account = await createAccount(db, 'esa1', 'none', 'reader')
  const [first] = await readCollections(db)
  await grantRead(db, account?.id as number, first?.id as number)
  const live = () => readLiveValues(db, 'esa-network')
  const done = async (...args: string[]) => {
    const { code, stdout, stderr } = await run(...args)
    t.same([code, stderr], [0, ''], args.join(' '))
    return stdout
  }

  await t.test('show tells who blocks it, and what can be done', async (t) => {
    const text = await done('indicator', 'show', 'A[.]taxiway-demo[.]com')
    t.match(text, /^domain a\.taxiway-demo\.com {3}\(asked for: A\[\.\]taxiway-demo\[\.\]com\)$/m)
    t.match(text, /^Blocked by esa1's feed esa-network, served since 20\S+Z\.$/m)
    t.match(text, /^ +1 +otx +Loaders +Harbour Watch +white +50 +20\S+ +20\S+ by its age +counts$/m)
    t.match(text, /^ +esa-network +yes +20\S+Z \(STIX 1\.2\)$/m)
    t.match(text, /^ +lab-only +no +its rule does not select it: the source is otx, not lab$/m)
    t.match(text, /^ +no client, as far as the ledger goes back$/m)
    t.match(text, 'taxiway withdraw indicator a.taxiway-demo.com --reason')
    t.ok(text.split('\n').length < 50, 'it is one screen')
  })

  await t.test('show as JSON has all of it, one line an indicator', async (t) => {
    const story = JSON.parse(await done('indicator', 'show', host('a'), '--json'))
    t.match(story, {
      type: 'domain',
      value: host('a'),
      found: true,
      assertions: [{ source: 'otx', report: { externalId: 'r1' }, suppressed: false }],
      collections: [{ name: 'esa-network', holds: true, accounts: ['esa1'] }, { name: 'lab-only' }],
      holders: [],
      near: [],
    })
  })

  await t.test(
    'what is not in the store has neighbours, and an exit code of its own',
    async (t) => {
      const { code, stdout } = await run('indicator', 'show', 'https://x.a.taxiway-demo.com/')
      t.equal(code, 3)
      t.match(stdout, 'is not in the store: no source has asserted it.')
      t.match(stdout, /^ +domain +a\.taxiway-demo\.com +served +esa-network/m)
      t.match(stdout, 'taxiway judging check https://x.a.taxiway-demo.com/')
      const json = await run('indicator', 'show', 'nowhere.example', '--json')
      t.same(
        [json.code, JSON.parse(json.stdout)],
        [3, { asked: 'nowhere.example', found: false, near: [] }],
      )
    },
  )

  await t.test('an override lets it in until it is ended', async (t) => {
    const asked = ['10.1.2.3', '--reason', 'private-address', '--by', 'ana']
    t.match(
      await done('indicator', 'show', '10.1.2.3'),
      /^Kept out of every feed: private-address \(10\.1\.2\.3 lies/m,
    )
    const refused = [
      [[...asked, '--until', '30d'], 2, /--because/],
      [[...asked, '--because', 'x'], 2, /--until/],
      [[...asked, '--because', 'x', '--until', '2020-01-01'], 2, /in the future/],
      [[...asked, '--because', ' ', '--until', '30d'], 1, /because of what/],
      [[...asked, '--because', 'x', '--until', '400d'], 1, /366 days at most/],
      [
        ['10.1.2.3', '--reason', 'own-network', '--because', 'x', '--until', '30d'],
        1,
        /cannot be lifted: change ownDomains/,
      ],
      [
        ['10.9.9.9', '--reason', 'aged', '--because', 'x', '--until', '30d'],
        3,
        /no indicator in the store: 10\.9\.9\.9; nothing was overridden/,
      ],
    ] as const
    for (const [args, code, stderr] of refused) {
      t.match(await run('indicator', 'override', ...args), { code, stderr }, args.join(' '))
    }
    t.same(await live(), [host('a'), host('b')])
    const told = await done(
      'indicator',
      'override',
      ...asked,
      '--because',
      'case 4711',
      '--until',
      '30d',
    )
    t.match(
      told,
      /^Override 1: private-address keeps ipv4 10\.1\.2\.3 out no more, until 20\S+Z\.$/m,
    )
    t.match(told, /^Blocks published: 1\.$/m)
    t.match(told, 'To end it: taxiway indicator override end 1')
    t.same(await live(), ['10.1.2.3', host('a'), host('b')])
    t.match(
      await done('indicator', 'show', '10.1.2.3'),
      /^It is there by override 1, although private-address, until 20\S+Z \(ana: case 4711\)\.$/m,
    )
    t.match(
      await done('indicator', 'override', 'list'),
      /^ +1 +ipv4 +10\.1\.2\.3 +private-address +any +case 4711 +ana +20\S+Z +lifts 1$/m,
    )
    t.match(
      await done('suppressions', '--rules', '--reason', 'private-address'),
      /^range:10\.0\.0\.0\/8 +private-address +1 +1$/m,
    )
    t.match(
      await done('indicator', 'override', 'end', '1', '--by', 'ben'),
      /^Override 1 is ended\. Blocks withdrawn: 1\./,
    )
    t.same(await live(), [host('a'), host('b')])
    const lines = (await done('indicator', 'override', 'list', '--all', '--json'))
      .trim()
      .split('\n')
    t.match(
      lines.map((line) => JSON.parse(line)),
      [{ id: 1, endedBy: 'ben', because: 'case 4711', lifts: 0 }],
    )
    t.match(await run('indicator', 'override', 'end', '1'), {
      code: 1,
      stderr: /was ended at .* by ben already/,
    })
  })

  await t.test('a list from a file is overridden for what may come', async (t) => {
    const file = join(folder, 'values.txt')
    await writeFile(file, `# seen in a case\n${host('a')}\n${host('b')} # too\n`)
    const why = ['--reason', 'inactive', '--because', 'x', '--until', '2d']
    const told = await done('indicator', 'override', 'add', '--file', file, ...why)
    t.match(told, /Override 2: .* Nothing is kept out for that now; what comes will be let in\./)
    t.match(told, 'Override 3: ')
    t.match(await run('indicator', 'override', ...why), {
      code: 2,
      stderr: /name a value, or a --file/,
    })
  })

  await t.test('search prints a table, pages and JSON', async (t) => {
    t.match(
      await done('indicator', 'search', '*.taxiway-demo.com'),
      /^domain +a\.taxiway-demo\.com +served +esa-network +20\S+ Loaders$/m,
    )
    const page = await done('indicator', 'search', 'taxiway', '--limit', '1')
    const [, cursor = ''] = /^\(the first 1; --after (\d+) shows/m.exec(page) ?? []
    const rest = await done('indicator', 'search', 'taxiway', '--limit', '2', '--after', cursor)
    t.match(rest, host('b'))
    t.notMatch(rest, '--after')
    const [line = ''] = (await done('indicator', 'search', '10.0.0.0/8', '--json')).split('\n')
    t.match(JSON.parse(line), {
      type: 'ipv4',
      value: '10.1.2.3',
      state: 'suppressed',
      cursor: Number,
    })
    t.match(await done('indicator', 'search', 'nothing-like-it'), /^No indicator is like that\.$/m)
    t.match(await run('indicator', 'search'), { code: 2, stderr: /say what to look for/ })
    t.match(await run('indicator', 'search', 'a', '--collection', 'x'), {
      code: 3,
      stderr: /no collection "x"/,
    })
  })

  await t.test('suppressions are counted by reason, by rule and by collection', async (t) => {
    const text = await done('suppressions')
    t.match(text, /^private-address +1 +0 +The address belongs to private networks/m)
    t.match(text, /^range:10\.0\.0\.0\/8 +private-address +1 +0$/m)
    t.match(text, /^esa-network +white +1 +0$/m)
    t.match(
      await done('suppressions', '--collections', '--json'),
      /^\{"collection":"esa-network","maxTlp":"white","aboveTlp":1,"notPublic":0\}$/m,
    )
    const listed = await done('suppressions', '--rule', 'range:10.0.0.0/8', '--json')
    t.match(
      listed
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line)),
      [{ value: '10.1.2.3', rule: 'range:10.0.0.0/8' }],
    )
  })

  await t.test(
    'withdraw is the same as `taxiway withdraw indicator`, and told by show',
    async (t) => {
      const why = ['--reason', 'our own', '--by', 'ana']
      t.match(
        await done('indicator', 'withdraw', host('a'), ...why),
        /^Withdrawal 1: .* served until now: 1\./,
      )
      t.same(await live(), [host('b')])
      const text = await done('indicator', 'show', host('a'))
      t.match(text, /^Taken out of every feed by ana at 20\S+Z: our own \(withdrawal 1\)\.$/m)
      t.match(text, 'taxiway withdraw undo 1')
      const empty = await run('indicator', 'withdraw', '', ...why)
      t.match(empty, {
        code: 3,
        stderr: 'taxiway: no indicator in the store: ""; nothing was withdrawn\n',
      })
    },
  )

  await t.test('what came from outside cannot move the cursor', async (t) => {
    const evil = reportOn([recent(host('c'))], {
      externalId: 'r9',
      name: 'a\u001b[2Jb',
      author: 'x\u202ey',
    })
    await intake.take([evil])
    for (const args of [
      ['show', host('c')],
      ['search', host('c')],
    ]) {
      const text = await done('indicator', ...args)
      t.notOk(['\u001b', '\u202e'].some((one) => text.includes(one)))
      t.match(text, 'a\\u{1b}[2Jb')
    }
  })
})
