import t from 'tap'
import { forEachPermitted } from '../../src/cli/collection-lint.ts'
import { type CollectionSettings, profiles, type Shape } from '../../src/model/collection.ts'
import type { ObservableType } from '../../src/model/observable.ts'
import { indicatorGuid } from '../../src/stix/ids.ts'
import { createAccount, grantRead } from '../../src/store/accounts.ts'
import { findCollection, type StoredCollection } from '../../src/store/collections.ts'
import { readPermittedIndicators } from '../../src/store/lint.ts'
import { aCollection, anAssertion, reportOn, start } from '../intake/reports.ts'
import { startStoredServer } from '../taxii/stored-server.ts'
import { openCommandStore } from './command-store.ts'

const hex = (digits: number, of = 'b1') => of.repeat(64).slice(0, digits)

/** One of each type that judging lets pass, more of some. */
const mixture: readonly (readonly [ObservableType, string])[] = [
  ['ipv4', '22.1.2.3'],
  ['ipv6', '3ffe:1:2::3'],
  ['cidr', '22.1.2.0/24'],
  ['cidr', '22.1.3.0/24'],
  ['cidr', '22.1.4.0/24'],
  ['cidr', '22.1.5.0/24'],
  ['domain', 'a.taxiway-demo.com'],
  ['domain', 'b.taxiway-demo.com'],
  ['url', 'http://a.taxiway-demo.com/x?a=1&b=2'],
  ['url', 'ftp://a.taxiway-demo.com/y'],
  ['uri', '/gate/login.php'],
  ['email', 'a@taxiway-demo.com'],
  ['md5', hex(32)],
  ['sha1', hex(40)],
  ['sha256', hex(64)],
  ['pehash', hex(40, 'c2')],
  ['imphash', hex(32, 'c2')],
  ['file-path', 'C:\\Temp\\a b.exe'],
  ['mutex', 'Global\\Demo'],
  ['cve', 'CVE-2024-990001'],
  ['yara', 'rule demo {\n  condition: true\n}'],
]

interface Value {
  readonly type: ObservableType
  readonly rule: string
  readonly value: string
  readonly text: string
}

t.test('taxiway collection lint', async (t) => {
  const { db, intake, run } = await openCommandStore(t, 'collection')
  const collections: readonly CollectionSettings[] = [
    ...profiles.map((profile) => aCollection({ name: `of-${profile}`, profile })),
    aCollection({ name: 'of-cidr', cidr: 'cidr' }),
    aCollection({ name: 'of-address', cidr: 'address' }),
    aCollection({
      name: 'esa-pages',
      profile: 'esa',
      packaging: 'report',
      pageSize: 2,
      refreshDays: 25,
      bindings: ['urn:stix.mitre.org:xml:1.1.1'],
    }),
    aCollection({ name: 'empty', rule: { tag: 'nothing-has-it' } }),
  ]
  await intake.settle(...collections)
  const outside = (value: string, change = {}) => anAssertion(value, change)
  await intake.take([
    reportOn(mixture.map(([type, value]) => anAssertion(value, { type, validFrom: start }))),
    // None of these is permitted, so none is left out.
    reportOn([outside('amber.taxiway-demo.com', { tlp: 'amber' })], {
      externalId: 'r2',
      tlp: 'amber',
    }),
    reportOn([outside('hidden.taxiway-demo.com')], { externalId: 'r3', public: false }),
    reportOn([outside(hex(32, 'd3'), { type: 'ja3' }), outside('10.0.0.1', { type: 'ipv4' })], {
      externalId: 'r4',
    }),
  ])
  const { addClient } = await startStoredServer(t, db)
  const client = await addClient('reads-all')

  /** What a poll of the collection brings of the mixture: ids end alike in every collection. */
  const polled = async (name: string): Promise<readonly string[]> => {
    const { text } = await client.poll(name)
    return mixture
      .filter(([type, value]) => text.includes(`-${indicatorGuid(type, value)}"`))
      .map(([, value]) => value)
  }
  // Starting a process is what takes time here: nothing is asked twice.
  const told = new Map<string, Promise<string>>()
  const ask = async (args: readonly string[]) => {
    const { code, stdout, stderr } = await run('lint', ...args)
    t.same([code, stderr], [0, ''], args.join(' '))
    return stdout
  }
  const done = (...args: string[]): Promise<string> => {
    const answer = told.get(args.join(' ')) ?? ask(args)
    told.set(args.join(' '), answer)
    return answer
  }
  const json = async (...args: string[]) => JSON.parse(await done(...args, '--json'))
  const values = async (...args: string[]): Promise<readonly Value[]> =>
    (await done(...args, '--values', '--json'))
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line))

  /** What is left out, without a process for it. */
  const leftOutOf = async (name: string, asked: Partial<Shape> = {}): Promise<readonly Value[]> => {
    const collection = (await findCollection(db, name)) as StoredCollection
    const found: Value[] = []
    await forEachPermitted(db, collection, { ...collection, ...asked }, (type, value, omission) => {
      if (omission) found.push({ type, rule: omission.rule, value, text: omission.text })
    })
    return found
  }

  for (const { name } of collections.slice(0, 5)) {
    await t.test(`${name}: what is permitted is either left out or polled`, async (t) => {
      const served = await polled(name)
      t.strictSame(
        (await leftOutOf(name)).map(({ type, value }) => [type, value]),
        mixture.filter(([, value]) => !served.includes(value)),
      )
    })
  }

  await t.test('the command counts what it names', async (t) => {
    const named = await values('of-esa')
    t.strictSame(named, await leftOutOf('of-esa'))
    const { permitted, published, leftOut, groups, ...head } = await json('of-esa')
    t.match(head, { collection: 'of-esa', profile: 'esa', cidr: 'omit', packaging: 'indicator' })
    t.strictSame(
      [permitted, published, leftOut],
      [mixture.length, (await polled('of-esa')).length, named.length],
      'permitted is published and left out',
    )
    t.ok(groups.length > 5)
    for (const { type, rule, count, examples } of groups) {
      const alike = named.filter((one) => one.type === type && one.rule === rule)
      t.equal(count, alike.length, `${type} ${rule}`)
      t.strictSame(
        examples,
        alike.slice(0, 3).map(({ value }) => value),
        `${type} ${rule}`,
      )
    }
  })

  await t.test('another profile leaves out what a collection of that profile does', async (t) => {
    t.strictSame(
      await values('of-tid', '--profile', 'full', '--cidr', 'cidr'),
      await leftOutOf('of-cidr'),
    )
    t.strictSame(await leftOutOf('of-full', { profile: 'esa' }), await leftOutOf('of-esa'))
    const asked = await json('of-cidr', '--profile', 'tid')
    t.match(asked, { profile: 'tid', cidr: 'omit', ownProfile: 'full', ownCidr: 'cidr' })
    t.equal(asked.published, (await polled('of-tid')).length)
    const text = await done('of-full', '--profile', 'esa')
    t.match(text, /^of-full, if it had another shape: its own is profile full, cidr omit$/m)
    t.match(text, new RegExp(`^ {2}would be +${(await polled('of-esa')).length} published$`, 'm'))
  })

  await t.test('for people: numbers, why, and up to three examples', async (t) => {
    const text = await done('of-esa')
    const served = (await polled('of-esa')).length
    t.match(text, /^of-esa\n {2}profile +esa\n {2}cidr +omit\n {2}packaging +indicator\n/)
    t.match(text, /^ {2}bindings +urn:stix\.mitre\.org:xml:1\.2$/m)
    t.match(text, new RegExp(`^ {2}permitted +${mixture.length} by its rule`, 'm'))
    t.match(text, new RegExp(`^ {2}published +${served}$`, 'm'))
    t.match(text, new RegExp(`^ {2}left out +${mixture.length - served}$`, 'm'))
    t.match(
      text,
      /^ {2}4 cidr, by the rule \S+: 22\.1\.2\.0\/24, 22\.1\.3\.0\/24, 22\.1\.4\.0\/24, …\n {4}its .+$/m,
    )
    t.match(text, /^ {2}1 mutex, by the rule \S+: Global\\Demo$/m)
    t.match(text, /rule demo \{\\u\{a\} {2}condition: true\\u\{a\}\}/, 'no value breaks a line')
  })

  await t.test('--values prints a line each, its columns parted by tabs', async (t) => {
    const lines = (await done('of-esa', '--values')).trimEnd().split('\n')
    const named = await values('of-esa')
    t.strictSame(
      lines.map((line) => line.split('\t').slice(0, 2)),
      named.map(({ type, rule }) => [type, rule]),
    )
    t.ok(lines.some((line) => line.endsWith('\tC:\\Temp\\a b.exe')))
  })

  await t.test('what the settings bring is said with its grade, where it applies', async (t) => {
    const { worthKnowing } = await json('esa-pages')
    const grades = (notes: readonly { rule: string; grade: string }[]) =>
      notes.map(({ rule, grade }) => `${rule} ${grade}`)
    t.strictSame(grades(worthKnowing), [
      'packaging guess',
      'page-size believed',
      'refresh believed',
    ])
    t.match(
      worthKnowing.at(-1).text,
      'a client of the usual age drops what it was sent after 30 days',
    )
    const account = await createAccount(db, 'esa1', 'none', 'reader', 2)
    const collection = await findCollection(db, 'esa-pages')
    await grantRead(db, account?.id as number, collection?.id as number)
    const text = await done('esa-pages')
    t.match(text, /^WORTH KNOWING \(documented: .*believed: .*guess: .*\)$/m)
    t.match(text, /^ {2}believed +.*the client of the account esa1 drops .* after 2 days/m)
  })

  await t.test('an empty collection has nothing to leave out', async (t) => {
    t.match(await done('empty'), /^ {2}permitted +0 [\s\S]*Nothing is permitted/m)
  })

  await t.test('what cannot be answered is told', async (t) => {
    t.match(await run('lint', 'nothing'), {
      code: 3,
      stdout: '',
      stderr: 'taxiway: there is no collection "nothing"\n',
    })
    t.match(await run('lint', 'of-esa', '--cidr', 'cidr'), {
      code: 2,
      stderr: /^taxiway: --cidr cidr needs the profile full.*Add --profile full$/m,
    })
    t.match(await run('lint', 'of-esa', '--profile', 'asa'), { code: 2, stderr: /esa, tid, full/ })
  })

  await t.test('however many are read at once, each is read once', async (t) => {
    const collection = await findCollection(db, 'of-full')
    for (const batch of [1, 7, mixture.length, mixture.length + 4, 1000]) {
      const found: string[] = []
      for await (const { permitted } of readPermittedIndicators(
        db,
        collection as StoredCollection,
        start,
        batch,
      )) {
        found.push(...permitted.map(({ value }) => value))
      }
      t.strictSame(
        found,
        mixture.map(([, value]) => value),
        `${batch}`,
      )
    }
  })

  await t.test('packages of reports have what stands in a report', async (t) => {
    const served = await polled('esa-pages')
    const [inNone] = served as [string]
    t.equal((await json('esa-pages')).published, served.length)
    await db
      .updateTable('assertions')
      .set({ report_id: null })
      .where('indicator_id', '=', (eb) =>
        eb.selectFrom('indicators').select('id').where('value', '=', inNone),
      )
      .execute()
    const omitted = (await leftOutOf('esa-pages')).filter(({ rule }) => rule === 'no-report')
    t.strictSame(
      omitted.map(({ value }) => value),
      [inNone],
    )
  })

  await t.test('list tells the packaging', async (t) => {
    const { stdout } = await run('list')
    t.match(stdout, /^COLLECTION +PROFILE +PACKAGING +MAX TLP +BINDING +BLOCKS$/m)
    t.match(stdout, /^esa-pages +esa +report +white +\S+:1\.1\.1 +\d+$/m)
  })
})
