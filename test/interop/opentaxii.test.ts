import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { renderPackage } from '../../src/stix/package.ts'
import type { DeviceName } from '../../src/taxii/client/device.ts'
import { startOpenTaxii } from '../helpers/opentaxii.ts'
import { createTestDatabase } from '../helpers/postgres.ts'
import { getTestPython, runCabby } from '../helpers/python.ts'
import { makeFolder, runTaxiway } from '../helpers/taxiway.ts'
import {
  address,
  composition,
  domain,
  indicator,
  indicators,
  object,
  objectPackage,
  observable,
  observableRef,
  observables,
  packageOf,
  plainObservable,
} from '../stix/read-samples.ts'
import { producer, viewOf } from '../stix/views.ts'

const stix12 = 'urn:stix.mitre.org:xml:1.2'
const ours = Array.from({ length: 40 }, (_, n) =>
  renderPackage(
    { ...viewOf('domain'), value: `host-${n}.example` },
    { binding: stix12, profile: 'esa', cidr: 'omit', producer, timestamp: 1_760_000_000_000_000 },
  ),
)

const inComposition = (value: string) => plainObservable(object(domain(value)), `ex:${value}`)

/** What others publish; two hold two values each. */
const others = {
  email: objectPackage(address('joe@evil.example', 'e-mail')),
  list: objectPackage(domain('one.example##comma##two.example')),
  cidr: objectPackage(address('198.51.100.0/24')),
  composition: packageOf(
    indicators(
      indicator(
        observable(composition('AND', inComposition('a.example'), inComposition('b.example'))),
      ),
    ),
  ),
  idref: packageOf(
    observables(plainObservable(object(domain('far.example')), 'ex:far')) +
      indicators(indicator(observableRef('ex:far'))),
  ),
}

/** The rules by which an appliance drops them, and the values. */
const esaDrops = { type: 1, list: 2, cidr: 1, composition: 2, idref: 1 }

// Three parts, all of them full: whether there are more after the last is a question of counting.
const blocks = [...ours, ...Object.values(others)]
const blocksPerPart = blocks.length / 3

const { url: databaseUrl } = await createTestDatabase(t)
const peer = await startOpenTaxii({
  databaseUrl,
  python: getTestPython(),
  blocks,
  // Within the age of every device.
  firstLabelMs: Date.now() - 3_600_000,
  blocksPerPart,
  workers: 1,
})
t.teardown(() => peer.stop())

const passwordFile = join(await makeFolder(t), 'password')
await writeFile(passwordFile, `${peer.password}\n`)

interface Reason {
  readonly rule: string
  readonly count: number
}

interface Summary {
  readonly [name: string]: unknown
  readonly dropped: readonly Reason[]
  readonly warnings: readonly Reason[]
}

async function pollAs(t: Test, device: DeviceName, ...args: string[]) {
  const discovers = device === 'tid' || device === 'minemeld'
  const { code, stdout, stderr } = await runTaxiway(
    t,
    [
      ...['poll', discovers ? peer.discoveryUrl : peer.url, '--as', device, '--json'],
      ...['--collection', peer.collection, '--username', peer.username],
      ...['--password-file', passwordFile, ...args],
    ],
    {},
  )
  const summary: Summary = JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '')
  return { code, stderr, summary }
}

const byRule = (reasons: readonly Reason[]) =>
  Object.fromEntries(reasons.map(({ rule, count }) => [rule, count]))

t.test('esa: takes in ours in segments, and would drop what others publish', async (t) => {
  const { code, stderr, summary } = await pollAs(t, 'esa')
  t.equal(stderr, '')
  t.equal(code, 0)
  t.match(summary, { polledWhole: true, blocks: blocks.length, windowsPolled: 6, deltasPolled: 1 })
  t.match(summary, { held: ours.length, fruitlessBlocks: Object.keys(others).length, choked: [] })
  t.same(byRule(summary.dropped), esaDrops)
  // The last part is full, and says that there is another.
  t.same(byRule(summary.warnings), { 'empty-part': 1 })
})

t.test('esa: --strict says by its exit code that something would be dropped', async (t) => {
  const { code, summary } = await pollAs(t, 'esa', '--strict')
  t.equal(code, 3)
  t.match(summary, { polledWhole: true, exitCode: 3 })
})

t.test('cabby: gets what cabby itself gets, and is told what OpenTAXII owes it', async (t) => {
  const { code, summary } = await pollAs(t, 'cabby')
  t.equal(code, 0)
  t.same(summary.dropped, [])
  // It asks for everything up to now, and is not told up to when that was.
  t.same(byRule(summary.warnings), { 'empty-part': 1, 'no-end': 1 })
  const { stderr } = await runCabby('taxii-poll', [
    ...['--path', peer.url, '--collection', peer.collection],
    ...['--username', peer.username, '--password', peer.password],
  ])
  t.match(stderr, `${summary.blocks} blocks polled`)
  t.equal(summary.blocks, blocks.length)
})

t.test('tid: finds the way by discovery, and takes compositions too', async (t) => {
  const { code, summary } = await pollAs(t, 'tid')
  t.equal(code, 0)
  t.match(summary, { polledWhole: true, blocks: blocks.length, held: ours.length + 2 })
  const { composition: _, ...drops } = esaDrops
  t.same(byRule(summary.dropped), drops)
  t.same(byRule(summary.warnings), { 'message-binding': 1 })
})

t.test('minemeld: stops at the message binding that OpenTAXII names first', async (t) => {
  const { code, stderr, summary } = await pollAs(t, 'minemeld')
  t.equal(code, 1)
  t.match(stderr, /MineMeld stops here: .*urn:taxii\.mitre\.org:message:xml:1\.0/)
  t.match(summary, { polledWhole: false, blocks: 0, fault: { kind: 'not-advertised' } })
})
