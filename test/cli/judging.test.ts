import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { sql } from 'kysely'
import t from 'tap'
import { readJudgingState, writePolicy } from '../../src/store/judging.ts'
import { readLiveBlocks, readLiveValues } from '../helpers/sound-feed.ts'
import { aCollection, anAssertion, aWarninglist, reportOn } from '../intake/reports.ts'
import { openCommandStore } from './command-store.ts'

const dayMs = 86_400_000
const daysAgo = (days: number) => new Date(Date.now() - days * dayMs)
const on = (value: string, days: number, type = 'domain') =>
  anAssertion(value, { type, validFrom: daysAgo(days) })
const host = (name: string) => `${name}.taxiway-demo.com`

t.test('the judging policy by the command line', async (t) => {
  const { db, folder, intake, run } = await openCommandStore(t, 'judging')
  intake.now = new Date()
  await intake.settle(aCollection())
  await intake.take([
    reportOn([on(host('a'), 1), on(host('b'), 40), on(host('old'), 100)], { author: 'Known' }),
    reportOn([on('93.184.216.34', 10, 'ipv4')], { externalId: 'r2' }),
  ])
  const live = () => readLiveValues(db, 'all')
  const done = async (...args: string[]) => {
    const { code, stdout, stderr } = await run(...args)
    t.same([code, stderr], [0, ''], args.join(' '))
    return stdout
  }
  const file = join(folder, 'policy.yaml')
  const policy = [
    `ownDomains: [${host('a')}]`,
    'ageDays: { domain: 30, ipv4: 40 }',
    'sources: { otx: { authors: { Known: 70, "Kn\\u001bown": 1 } } }',
  ].join('\n')

  await t.test('show marks what is default', async (t) => {
    const shown = await done('show')
    t.match(shown, /^ownDomains +none +default$/m)
    t.match(shown, /^ageDays\.domain +90 +default$/m)
    t.match(shown, /^broadestCidr\.ipv6 +48 +default$/m)
    t.match(shown, /^Version \d+\. Not all verdicts follow it yet: the next sweep/m)
    t.match(JSON.parse(await done('show', '--json')), {
      followed: false,
      policy: { ageDays: { domain: 90 }, listedConfidencePercent: 50 },
      applied: {},
    })
  })

  await t.test('a dry run tells what would come and go, and changes nothing', async (t) => {
    await writeFile(file, policy)
    const before = [await readLiveBlocks(db), await readJudgingState(db)]
    const told = await done('apply', file, '--dry-run')
    t.match(told, `~ ownDomains: +${host('a')}`)
    t.match(told, '~ ageDays.domain: 90 → 30')
    t.match(told, '+ sources.otx.authors.Known: none → 70')
    t.match(told, 'Note: no report of otx in the store is by "Kn\\u{1b}own".')
    t.match(told, /^Of 4 indicators:$/m)
    t.match(told, /^ {2}2 that are served now would be kept out$/m)
    t.match(told, /^ {2}0 that are kept out now would come back/m)
    t.match(told, /^ {2}1 that are served would be so with another end/m)
    t.match(told, /^aged +1 {2}The source gave no end/m)
    t.match(told, /^own-network +1 {2}It is one of our own/m)
    t.match(told, 'Nothing was changed: this was a dry run.')
    t.same([await readLiveBlocks(db), await readJudgingState(db)], before)
    await writeFile(join(folder, 'longer.yaml'), 'ageDays: { domain: 0 }')
    const longer = await done('apply', join(folder, 'longer.yaml'), '--dry-run')
    t.match(longer, /^ {2}0 that are served now/m)
    t.match(longer, /^ {2}1 that are kept out now would come back/m)
  })

  await t.test('apply judges anew at once, and the same again changes nothing', async (t) => {
    const told = await done('apply', file)
    t.match(told, '~ ageDays.domain: 90 → 30')
    // a and b are kept out now, old has another end, and of the last the age is another.
    t.match(told, /^4 verdicts changed: 1 blocks published, 2 withdrawn\.$/m)
    t.same(await live(), ['93.184.216.34'])
    const again = await done('apply', file)
    t.match(again, 'The policy is the one in force already.')
    t.match(again, /^0 verdicts changed: 0 blocks published, 0 withdrawn\.$/m)
    const shown = await done('show')
    t.match(shown, /^ownDomains +a\.taxiway-demo\.com$/m)
    t.match(shown, /^ageDays\.md5 +365 +default$/m)
    t.match(shown, /^sources\.otx\.authors\.Kn\\u\{1b\}own +1$/m)
    t.match(shown, /All verdicts follow it\.$/m)
    await writeFile(file, '{}')
    t.match(await done('apply', file), /3 verdicts changed|4 verdicts changed/)
    t.same(await live(), ['93.184.216.34', host('a'), host('b')])
  })

  await t.test('a wrong file changes nothing: exit code 2 and its line', async (t) => {
    await writeFile(file, 'ageDays:\n  domains: 3\n')
    const { code, stdout, stderr } = await run('apply', file)
    t.same([code, stdout], [2, ''])
    t.match(stderr, `taxiway: ${file}, line 2: ageDays has "domains", which is not one of ipv4, `)
  })

  await t.test('check tells what would be decided of what nobody has asserted', async (t) => {
    await aWarninglist(db, { name: 'mail', entries: ['gmail.com'] })
    const told = await done('check', 'gmail[.]com', 'hxxp://evil[.]com/a', '10.0.0.1')
    t.match(
      told,
      /^domain gmail\.com: would be kept out\n {2}warninglist: it is on "The list mail"/,
    )
    t.match(told, 'lift it by: taxiway indicator override gmail.com --reason warninglist')
    t.match(told, /^url http:\/\/evil\.com\/a: would be published\n {2}it would count until 20/m)
    t.match(told, /^ipv4 10\.0\.0\.1: would be kept out\n {2}private-address: 10\.0\.0\.1 lies in/m)
    t.match(await done('check', 'evil.com', '--created', '100d'), /would be kept out\n {2}aged: /)
    t.match(await done('check', 'anything', '--type', 'mutex'), /^mutex anything: would be pub/)
    t.match(await done('check', 'no address', '--type', 'ipv4'), /would be kept out\n {2}syntax: /)
    t.match(JSON.parse(await done('check', 'evil.com', '--json')), {
      type: 'domain',
      value: 'evil.com',
      published: true,
      confidence: 25,
      suppressions: [],
    })
    t.match(await run('check', 'C:\\a.exe'), { code: 2, stderr: /name its --type \(ipv4, / })
    t.match(await run('check', 'evil.com', '--created', '2999-01-01'), { code: 2 })
  })

  await t.test('a policy that cannot be read is told, and replaced', async (t) => {
    await writePolicy(db, { fromTheFuture: 1 })
    const told = /"fromTheFuture", which this version does not know; .*judging apply FILE/
    t.match(await run('show'), { code: 1, stdout: '', stderr: told })
    t.match(await run('check', 'evil.com'), { code: 1, stderr: told })
    await writeFile(file, '{}')
    t.match(await done('apply', file), 'could not be read; this one takes its place.')
    await sql`update judging set rules_version = 999`.execute(db)
    t.match(await run('apply', file), { code: 1, stderr: /run that version/ })
  })
})
