import { readdir } from 'node:fs/promises'
import { createServer } from 'node:net'
import t from 'tap'
import { installDebianPackages } from '../../scripts/services/install.ts'
import { findProgram } from '../../scripts/services/process.ts'
import { countBlocks, isWhole, poll } from '../helpers/poll.ts'
import { runCabby, validateTaxii } from '../helpers/python.ts'
import { makeFolder, runTaxiway } from '../helpers/taxiway.ts'
import { readEveryBlock } from './blocks.ts'
import { startDemo, type } from './demo.ts'

// The demo as a newcomer meets it, its commands typed as they stand.
if (!findProgram('curl')) await installDebianPackages('curl', ['curl'])
const folder = await makeFolder(t)
const demo = await startDemo(t, ['--revise-after', '3600'], folder)
const { url, login, printedBlocks } = demo
const bindings = ['urn:stix.mitre.org:xml:1.2', 'urn:stix.mitre.org:xml:1.1.1']

const cabby = (command: string, path: string, ...args: string[]) =>
  runCabby(command, [
    ...['--path', `${url}${path}`, '--username', login.name, '--password', login.password],
    ...args,
  ])
const taxiiPoll = (collection: string, ...args: string[]) =>
  cabby('taxii-poll', '/taxii/poll', '--collection', collection, ...args)
const packageIdsOf = (text: string) => text.match(/:Package-[0-9a-f-]{36}/g) ?? []
const packagesOf = (text: string) => text.match(/<stix:STIX_Package[\s\S]*?<\/stix:STIX_Package>/g)

t.test('it tells the commands of cabby and of curl', async (t) => {
  t.match(demo.commands, [/^taxii-discovery /, /^taxii-collections /, /^taxii-poll /, /^curl /])
  t.equal(demo.commands.length, 4)
  t.ok(printedBlocks.size >= 5)
})

t.test('each command does as it stands', async (t) => {
  const [discovery = '', collections = '', taxiiPoll = '', curl = ''] = demo.commands
  const discovered = await type(discovery)
  t.match(discovered.stderr, '4 services discovered')
  t.notMatch(discovered.stderr, /ERROR/)
  t.match(discovered.stdout, `${url}/taxii/poll`)

  const listed = await type(collections)
  t.notMatch(listed.stderr, /ERROR/)
  const names = [...listed.stdout.matchAll(/Collection Name: (\S+)/g)].map((match) => match[1])
  t.strictSame(names.toSorted(), [...printedBlocks.keys()].toSorted())

  const polled = await type(taxiiPoll)
  t.match(polled.stderr, `${printedBlocks.get('esa-network')} blocks polled`)
  t.notMatch(polled.stderr, /ERROR/)

  const fetched = await type(curl)
  t.ok(isWhole(fetched.stdout))
  t.equal(countBlocks(fetched.stdout), printedBlocks.get('esa-hashes'))
  t.strictSame(await validateTaxii([fetched.stdout]), [[]])
})

t.test('cabby polls every collection, and gets as many blocks as the demo told', async (t) => {
  for (const [name, blocks] of printedBlocks) {
    const { stdout, stderr } = await taxiiPoll(name)
    t.match(stderr, `${blocks} blocks polled`, name)
    t.notMatch(stderr, /ERROR/, name)
    t.equal(packagesOf(stdout)?.length ?? 0, blocks, name)
  }
  t.equal(printedBlocks.get('nothing-yet'), 0)
})

t.test('every block of every collection and binding is valid STIX', async (t) => {
  const { stdout } = await cabby('taxii-collections', '/taxii/collections')
  const streams = stdout
    .split('Collection Name: ')
    .slice(1)
    .flatMap((section) => {
      const name = /^\S+/.exec(section)?.[0] ?? ''
      return bindings
        .filter((binding) => section.includes(binding))
        .map((binding) => [name, binding] as const)
    })
  t.strictSame(new Set(streams.map(([name]) => name)), new Set(printedBlocks.keys()))
  t.strictSame(new Set(streams.map(([, binding]) => binding)), new Set(bindings))
  const found = await readEveryBlock(demo, streams, { counted: false })
  t.strictSame(found.errors, [])
  for (const [index, [name, binding]] of streams.entries()) {
    const { blocks = 0 } = found.streams[index] ?? {}
    t.equal(blocks, printedBlocks.get(name), `${name}, ${binding}`)
  }
  t.ok(found.distinct > 2_000, `${found.distinct} different blocks`)
})

t.test('the empty collection answers whole and without a block', async (t) => {
  const { status, text } = await poll(url, login, 'nothing-yet')
  t.equal(status, 200)
  t.ok(isWhole(text))
  t.match(text, '<taxii_11:Record_Count>0</taxii_11:Record_Count>')
})

t.test('windows part a feed without a gap and without a repetition', async (t) => {
  const { text } = await poll(url, login, 'esa-network')
  const labels = [...text.matchAll(/<taxii_11:Timestamp_Label>(.*?)</g)].map((match) =>
    String(match[1]),
  )
  const [, end = ''] = /<taxii_11:Inclusive_End_Timestamp>(.*?)</.exec(text) ?? []
  t.equal(labels.length, printedBlocks.get('esa-network'))
  const cuts = [labels[99], labels[500]].map(String)
  const windows = [
    ['--end', String(cuts[0])],
    ['--begin', String(cuts[0]), '--end', String(cuts[1])],
    ['--begin', String(cuts[1]), '--end', end],
    ['--begin', end],
  ]
  const found: string[] = []
  for (const [index, window] of windows.entries()) {
    const { stdout, stderr } = await taxiiPoll('esa-network', ...window)
    t.match(stderr, `${[100, 401, labels.length - 501, 0][index]} blocks polled`)
    found.push(...packageIdsOf(stdout))
  }
  t.strictSame(found, packageIdsOf(text))
})

t.test('cabby counts without polling', async (t) => {
  const { stdout, stderr } = await taxiiPoll('everything', '--count-only')
  t.match(stderr, `Content blocks count: ${printedBlocks.get('everything')}, is partial: False`)
  t.equal(stdout, '')
})

t.test('cabby is told what is wrong', async (t) => {
  t.match((await taxiiPoll('absent')).stderr, /NOT_FOUND: ITEM=absent/)
  const binding = await taxiiPoll('tid', '--binding', 'urn:stix.mitre.org:xml:1.1.1')
  t.match(binding.stderr, /UNSUPPORTED_CONTENT: SUPPORTED_CONTENT=urn:stix.mitre.org:xml:1.2/)
  const { stderr } = await taxiiPoll('tid', '--password', 'wrong')
  t.match(stderr, 'HTTP Error: status code 401')
})

t.test('libtaxii’s own client polls too', async (t) => {
  const destination = await makeFolder(t)
  const { stdout, stderr } = await runCabby('poll_client', [
    ...['-u', `${url}/taxii/poll`, '--username', login.name, '--pass', login.password],
    ...['--collection', 'esa-hashes', '--dest-dir', destination],
  ])
  t.notMatch(stdout + stderr, /Traceback|Status_Message/)
  t.equal((await readdir(destination)).length, printedBlocks.get('esa-hashes'))
})

t.test('a port that is taken is told, and nothing stays behind', async (t) => {
  const taken = createServer()
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve))
  t.teardown(() => new Promise((resolve) => taken.close(resolve)))
  const { port } = taken.address() as { port: number }
  const own = await makeFolder(t)
  const { code, stderr } = await runTaxiway(
    t,
    ['demo'],
    { TAXIWAY_PORT: String(port) },
    { env: { TMPDIR: own } },
  )
  t.equal(code, 1)
  t.match(stderr, `taxiway: cannot listen on 127.0.0.1:${port}: something listens there already`)
  t.strictSame(await readdir(own), [])
})

t.test('Ctrl-C ends the demo and removes all that it made', async (t) => {
  t.match(await readdir(folder), [/^taxiway-demo-/])
  demo.process.kill('SIGINT')
  const { code, stdout, stderr } = await demo.ended
  t.equal(code, 0)
  t.match(stdout, /\nStopping …\n$/)
  t.equal(stderr, '')
  t.strictSame(await readdir(folder), [])
})
