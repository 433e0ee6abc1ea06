import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { readLiveValues } from '../helpers/sound-feed.ts'
import { makeFolder } from '../helpers/stores.ts'
import { runTaxiway } from '../helpers/taxiway.ts'
import { aCollection, anAssertion, reportOn } from '../intake/reports.ts'
import { createCommandRunner } from './command-runner.ts'
import { openCommandStore } from './command-store.ts'

const host = (name: string) => `${name}.taxiway-demo.com`

t.test('warninglists by the command line', async (t) => {
  const { db, folder, intake, run } = await openCommandStore(t, 'warninglist')
  const today = new Date()
  intake.now = today
  const fresh = (value: string, type: 'domain' | 'url' | 'ipv4' = 'domain') =>
    anAssertion(value, { type, validFrom: today })
  await intake.settle(aCollection())
  await intake.take([
    reportOn([
      fresh(host('a')),
      fresh(host('b')),
      fresh(`http://${host('a')}/x`, 'url'),
      fresh('185.220.101.9', 'ipv4'),
    ]),
  ])
  const live = () => readLiveValues(db, 'all')
  const all = [host('a'), host('b'), `http://${host('a')}/x`, '185.220.101.9'].sort()
  const lines = (text: string) =>
    text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
  const writeList = (name: string, content: object) => {
    mkdirSync(join(folder, 'lists', name), { recursive: true })
    writeFileSync(join(folder, 'lists', name, 'list.json'), JSON.stringify(content))
  }
  writeList('ours', {
    name: 'Ours\u001b[31m',
    type: 'string',
    matching_attributes: ['hostname', 'telephone'],
    list: [host('A'), 'no name'],
  })
  writeList('range', { name: 'A range', type: 'cidr', list: ['185.220.101.0/24'] })
  const path = join(folder, 'lists')
  const sorted = async () => [...(await live())].sort()

  await t.test('a dry run tells what would be kept out, and changes nothing', async (t) => {
    const { code, stdout } = await run('add', path, '--dry-run')
    t.equal(code, 0)
    t.match(stdout, new RegExp(`^domain +${host('a')} +ours +${host('a')}$`, 'm'))
    t.match(
      stdout,
      /1 of 4 indicators are served now and would be kept out; 1 would be served with/,
    )
    t.match(stdout, /left out one entry:\n +list\[1\]: "no name" is nothing of the types/)
    t.same(await sorted(), all)
    t.same((await run('list', '--json')).stdout, '')
    const [kept, counts] = lines((await run('add', path, '--dry-run', '--json')).stdout)
    t.match(kept, { type: 'domain', value: host('a'), list: 'ours' })
    t.match(counts, { indicators: 4, keptOut: 1, lowered: 1 })
  })

  await t.test('adding judges anew at once', async (t) => {
    const { code, stdout } = await run('add', path)
    t.equal(code, 0)
    t.match(stdout, /^ours +new +block +string +1 +1 +Ours \[31m$/m)
    t.match(stdout, /^range +new +lower +cidr +1 +0 +A range$/m)
    t.match(stdout, /^3 assertions are judged otherwise now: 1 blocks published, 1 withdrawn\.$/m)
    t.same(
      await sorted(),
      all.filter((value) => value !== host('a')),
    )
    const again = await run('add', path)
    t.match(again.stdout, /^ours +unchanged/m)
    t.match(again.stdout, /^0 assertions/m)
  })

  await t.test('one that is broken is named, the others are added', async (t) => {
    writeList('broken', { name: 'Broken', type: 'wildcard', list: [] })
    const { code, stdout, stderr } = await run('add', path)
    t.equal(code, 2)
    t.match(
      stderr,
      /broken\/list\.json: type must be one of string, substring, hostname, cidr, regex/,
    )
    t.match(stdout, /^ours +unchanged/m)
    const nothing = await run('add', join(folder, 'nowhere'))
    t.equal(nothing.code, 2)
    t.match(nothing.stderr, /nowhere cannot be read \(ENOENT\)/)
  })

  await t.test('list and show', async (t) => {
    const { stdout } = await run('list')
    t.match(stdout, /^ours +block +string +1 +added/m)
    t.match(lines((await run('list', '--json')).stdout), [{ name: 'ours' }, { name: 'range' }])
    const shown = await run('show', 'ours')
    t.match(shown.stdout, /^keeps out +1 assertions$/m)
    t.match(shown.stdout, /^speaks of +domain$/m)
    t.notMatch(shown.stdout, '\u001b')
    t.equal((await run('show', 'nothing')).code, 3)
    t.match((await run('show', 'nothing')).stderr, /there is no warninglist "nothing"/)
  })

  await t.test('test tells which lists know a value', async (t) => {
    const values = [host('A'), `https://${host('a')}/y`, '185[.]220[.]101[.]1', 'x.org']
    const { stdout } = await run('test', ...values)
    t.match(stdout, new RegExp(`^domain +${host('a')} +ours +${host('a')} +kept out$`, 'm'))
    t.match(stdout, /^url .* ours .* only noted: the entry is not about the value itself$/m)
    t.match(stdout, /^ipv4 .* range +185\.220\.101\.0\/24 +less confidence$/m)
    t.match(stdout, /^domain +x\.org .* nothing: no list knows it$/m)
    const [first] = lines((await run('test', host('a'), '--json')).stdout)
    t.match(first, { type: 'domain', matches: [{ list: 'ours', whole: true, effect: 'block' }] })
    t.equal((await run('test', 'no value at all')).code, 2)
  })

  await t.test('effect, disable, enable and remove judge anew', async (t) => {
    const kept = all.filter((value) => value !== host('a'))
    const effect = await run('effect', 'ours', 'inform')
    t.match(effect.stdout, /"ours" has the effect inform now\.\n.*: 1 blocks published/)
    t.same(await sorted(), all)
    await run('add', join(path, 'ours'))
    t.same(await sorted(), all, 'the file does not undo what was decided')
    await run('add', join(path, 'ours'), '--effect', 'block')
    t.same(await sorted(), kept)
    t.match((await run('disable', 'ours')).stdout, /"ours" is disabled now/)
    t.same(await sorted(), all)
    t.match((await run('disable', 'ours')).stdout, /"ours" was disabled already\.\n0 assertions/)
    await run('enable', 'ours')
    t.same(await sorted(), kept)
    const removed = await run('remove', 'ours', '--json')
    t.match(lines(removed.stdout), [{ list: null, rejudged: { published: 1 } }])
    t.same(await sorted(), all)
    t.equal((await run('remove', 'ours')).code, 3)
    t.equal((await run('effect', 'range', 'shout')).code, 2)
  })
})

t.test('a new store has the starter set, of which what is removed stays out', async (t) => {
  const settings = { TAXIWAY_DATA_DIR: join(makeFolder(t), 'data') }
  const runCommand = createCommandRunner(t, settings)
  const run = (...args: string[]) => runCommand(['warninglist', ...args])
  const first = await runTaxiway(t, ['warninglist', 'test', 'gmail.com'], settings)
  t.match(first.stdout, /^domain +gmail\.com +mail-providers +gmail\.com +kept out$/m)
  t.equal(first.stderr, '')
  t.match((await run('remove', 'mail-providers')).stdout, /comes with Taxiway: .* disabled/)
  t.match((await run('test', 'gmail.com')).stdout, /no list knows it/)
  t.match((await run('list')).stdout, /^mail-providers +disabled +string +\d+ +starter/m)
})
