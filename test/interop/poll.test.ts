import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { ObservableType } from '../../src/model/observable.ts'
import { findLeftOut } from '../../src/stix/profiles.ts'
import { readCollections } from '../../src/store/collections.ts'
import { readPermittedIndicators } from '../../src/store/lint.ts'
import type { DeviceName } from '../../src/taxii/client/device.ts'
import { runCabby } from '../helpers/python.ts'
import { makeFolder, runTaxiway } from '../helpers/taxiway.ts'
import { countLive, startSeeded } from './seeded.ts'

interface Told {
  readonly kind: string
  readonly [name: string]: unknown
}

interface ToldBlock extends Told {
  readonly outcome: string
  readonly ingested: readonly { readonly type: string; readonly value: string }[]
  readonly dropped: readonly { readonly type: string; readonly value: string }[]
}

const { url, login, db } = await startSeeded(t)
const folder = await makeFolder(t)
const passwordFile = join(folder, 'password')
await writeFile(passwordFile, `${login.password}\n`)
const collections = await readCollections(db)
const addresses = {
  esa: '/taxii/poll',
  cabby: '/taxii/poll',
  tid: '/taxii/discovery',
  minemeld: '/taxii/discovery',
} as const satisfies Record<DeviceName, string>

async function pollAs(t: Test, device: DeviceName, collection: string, ...args: string[]) {
  const { code, stdout, stderr } = await runTaxiway(
    t,
    [
      ...['poll', url + addresses[device], '--as', device, '--collection', collection, '--json'],
      ...['--username', login.name, '--password-file', passwordFile, ...args],
    ],
    {},
  )
  const lines = stdout.trimEnd().split('\n')
  const told = lines.map((line) => JSON.parse(line) as Told)
  t.equal(stderr, '')
  t.equal(code, 0)
  const blocks = told.filter(({ kind }) => kind === 'block') as ToldBlock[]
  const summary = told.at(-1) as Told
  t.match(summary, { kind: 'summary', polledWhole: true, blocks: blocks.length, fault: null })
  return { blocks, summary, requests: told.filter(({ kind }) => kind === 'request') }
}

const named = (all: readonly { type: string; value: string }[]) =>
  all.map(({ type, value }) => `${type} ${value}`).toSorted()

// A rule and a vulnerability are no observables: a device does not even see what it leaves.
const isObservable = ({ type }: { type: ObservableType }) => type !== 'cve' && type !== 'yara'

/** What `everything` has and another profile leaves out of the same rule, by the store alone. */
async function readLeftOut(profile: 'esa' | 'tid') {
  const everything = collections.find(({ name }) => name === 'everything')
  if (!everything) throw new Error('no collection "everything"')
  const leftOut = []
  for await (const { permitted } of readPermittedIndicators(db, everything, new Date())) {
    for (const { type, value } of permitted) {
      if (findLeftOut(everything, type, value)) continue
      if (findLeftOut({ profile, cidr: 'omit' }, type, value)) leftOut.push({ type, value })
    }
  }
  return leftOut
}

for (const device of ['esa', 'tid'] as const) {
  t.test(`${device}: what its profile leaves out is exactly what it would drop`, async (t) => {
    const all = await pollAs(t, device, 'everything')
    const own = await pollAs(t, device, `everything-${device}`)
    const leftOut = await readLeftOut(device)
    t.ok(leftOut.length > 20)
    t.equal(all.blocks.length, await countLive(db, 'everything', 'urn:stix.mitre.org:xml:1.2'))
    t.equal(all.blocks.length, own.blocks.length + leftOut.length)

    const dropped = all.blocks.flatMap((block) => block.dropped)
    t.same(named(dropped), named(leftOut.filter(isObservable)))
    const unseen = all.blocks.filter((block) => block.ingested.length + block.dropped.length === 0)
    t.equal(unseen.length, leftOut.filter((one) => !isObservable(one)).length)
    t.ok(unseen.length > 0)

    const taken = own.blocks.flatMap((block) => block.ingested)
    t.same(named(taken), named(all.blocks.flatMap((block) => block.ingested)))
    t.equal(taken.length, own.blocks.length)
    t.ok(own.blocks.every(({ outcome }) => outcome === 'ingested'))
    t.match(own.summary, { fruitlessBlocks: 0, dropped: [], ignored: [], choked: [] })
    t.same(own.summary.warnings, [])
  })
}

t.test('esa: packages of reports are taken in too, each value as often as it stands', async (t) => {
  const { blocks, summary } = await pollAs(t, 'esa', 'reports-esa')
  t.match(summary, { fruitlessBlocks: 0, dropped: [], choked: [], warnings: [] })
  const alone = await pollAs(t, 'esa', 'everything-esa')
  const distinct = (all: readonly ToldBlock[]) =>
    named(all.flatMap((block) => block.ingested)).filter((one, n, rest) => one !== rest[n - 1])
  t.same(distinct(blocks), distinct(alone.blocks))
})

t.test('cabby: as many blocks as cabby itself gets, and it holds all of them', async (t) => {
  const { blocks, summary } = await pollAs(t, 'cabby', 'everything')
  const { stderr } = await runCabby('taxii-poll', [
    ...['--path', `${url}/taxii/poll`, '--collection', 'everything'],
    ...['--username', login.name, '--password', login.password],
  ])
  t.notMatch(stderr, /ERROR/)
  t.match(stderr, `${blocks.length} blocks polled`)
  t.match(summary, { held: blocks.length, dropped: [], ignored: [], choked: [], warnings: [] })
})

t.test('minemeld: finds the way by itself, and reads what has STIX 1.1.1 first', async (t) => {
  const { blocks, summary, requests } = await pollAs(t, 'minemeld', 'esa-network')
  t.equal(blocks.length, await countLive(db, 'esa-network', 'urn:stix.mitre.org:xml:1.1.1'))
  t.match(summary, { windowsPolled: 30, fruitlessBlocks: 0, dropped: [], choked: [], warnings: [] })
  t.ok(requests.length >= 32, 'discovery, collections, and a request a day')
  const other = await pollAs(t, 'minemeld', 'everything')
  t.ok(other.blocks.every(({ outcome }) => outcome === 'choked'))
  t.match(other.summary, { choked: [{ rule: 'binding', count: other.blocks.length }] })
})
