import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { type ProgramCall, type ProgramResult, runPythonPrograms } from '../helpers/python.ts'
import { makeFolder } from '../helpers/taxiway.ts'
import { blockCount, startWorld, stix12, stix111 } from '../taxii/conformance/world.ts'

// The exit code is 0 on failure: only the words say what happened.
const world = await startWorld(t)
const folder = await makeFolder(t)
const password = world.passwordOf('sensor')

const cabby = (command: string, ...args: readonly string[]): ProgramCall => ({
  program: command,
  args: ['--username', 'sensor', '--password', password, ...args],
})
const at = (path: string) => ['--path', `${world.url}/taxii/${path}`]
const discovering = [
  ...['--host', '127.0.0.1', '--port', new URL(world.url).port],
  ...['--discovery', '/taxii-discovery-service/'],
]
const poll = (collection: string, ...more: readonly string[]) =>
  cabby('taxii-poll', ...at('poll'), '-c', collection, ...more)
const manage = (action: string, ...more: readonly string[]) =>
  cabby('taxii-subscription', ...at('subscriptions'), '-c', 'indicators', '-a', action, ...more)

const domain = 'pushed.harbour-loaders.com'
// What is old is not published.
const now = new Date().toISOString()
const stix = `<?xml version="1.0"?>
<stix:STIX_Package xmlns:stix="http://stix.mitre.org/stix-1" xmlns:indicator="http://stix.mitre.org/Indicator-2"
  xmlns:cybox="http://cybox.mitre.org/cybox-2" xmlns:DomainNameObj="http://cybox.mitre.org/objects#DomainNameObject-1"
  xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:example="http://example.org/"
  id="example:Package-6d0ae2b0-70b8-4d14-8ac6-3a4e6ed4b78c" timestamp="${now}" version="1.1.1">
  <stix:Indicators>
    <stix:Indicator id="example:Indicator-1" timestamp="${now}" xsi:type="indicator:IndicatorType">
      <indicator:Title>Seen at the gate</indicator:Title>
      <indicator:Observable id="example:Observable-1">
        <cybox:Object id="example:Object-1">
          <cybox:Properties xsi:type="DomainNameObj:DomainNameObjectType" type="FQDN">
            <DomainNameObj:Value condition="Equals">${domain}</DomainNameObj:Value>
          </cybox:Properties>
        </cybox:Object>
      </indicator:Observable>
    </stix:Indicator>
  </stix:Indicators>
</stix:STIX_Package>
`
const [good, bad] = [join(folder, 'good.xml'), join(folder, 'bad.xml')]
await writeFile(good, stix)
await writeFile(bad, '<note xmlns="urn:example">not STIX</note>')
const polledInto = await makeFolder(t)
const push = (file: string, ...more: readonly string[]) =>
  cabby('taxii-push', ...at('inbox'), '-f', file, ...more)

const proxyEnd = (end: 'poll' | 'inbox', collection: string) => [
  ...[`--${end}-username`, 'sensor', `--${end}-password`, password],
  ...[`--${end}-path`, `${world.url}/taxii/${end}`, `--${end}-collection`, collection],
]

/** The six commands that pip installs with cabby 0.1.23, in this order. */
const calls = {
  discovery: cabby('taxii-discovery', ...at('discovery')),
  collections: cabby('taxii-collections', ...discovering),
  feed: cabby('taxii-poll', ...discovering, '-c', 'indicators', '-b', stix111),
  parts: poll('paged', '--dest-dir', polledInto),
  set: poll('paged-set'),
  count: poll('set', '--count-only'),
  pushed: cabby('taxii-push', ...discovering, '-f', good, '--dest', 'inbox'),
  pushedAgain: push(good, '--dest', 'inbox'),
  notStix: push(bad, '--dest', 'inbox'),
  absent: push(good, '--dest', 'absent'),
  forbidden: push(good, '--dest', 'others-inbox'),
  nowhere: push(good),
  inbox: poll('inbox'),
  proxied: {
    program: 'taxii-proxy',
    args: [
      ...[...proxyEnd('poll', 'paged'), '--limit', '12', '--binding', stix12],
      ...proxyEnd('inbox', 'second-inbox'),
    ],
  },
  secondInbox: poll('second-inbox'),
  subscribed: manage('subscribe'),
} satisfies Record<string, ProgramCall>

const outputs = await runPythonPrograms(Object.values(calls))
const outputOf = (name: keyof typeof calls): ProgramResult =>
  outputs[Object.keys(calls).indexOf(name)] ?? { stdout: '', stderr: '', code: 1 }

t.test('taxii-discovery and taxii-collections list what there is', async (t) => {
  const { stderr: said, stdout: printed } = outputOf('discovery')
  t.match(said, '4 services discovered')
  t.match(printed, 'Service Type: INBOX')
  const listed = outputOf('collections')
  t.notMatch(said + listed.stderr, 'ERROR')
  for (const name of ['indicators', 'set', 'inbox', 'drop-box']) {
    t.match(listed.stdout, `Collection Name: ${name}\n`)
  }
})

t.test('taxii-poll gets a feed, parts, a data set, a count, and writes files', async (t) => {
  for (const name of ['feed', 'parts', 'set'] as const) {
    t.match(outputOf(name).stderr, `${blockCount} blocks polled`, name)
    t.notMatch(outputOf(name).stderr, 'ERROR', name)
  }
  t.equal((await readdir(polledInto)).length, blockCount)
  t.equal(outputOf('set').stdout.split('<stix:STIX_Package').length, blockCount + 1)
  t.match(outputOf('count').stderr, `Content blocks count: ${blockCount}, is partial: False`)
})

t.test('taxii-push sends a file to an inbox, whose pollers get it once', async (t) => {
  for (const name of ['pushed', 'pushedAgain'] as const) {
    t.match(outputOf(name).stderr, 'Content block successfully pushed', name)
  }
  t.equal(outputOf('inbox').stdout.split(`>${domain}<`).length, 2)
})

t.test('taxii-push says why it was refused', async (t) => {
  const reasons = {
    notStix: 'BAD_MESSAGE',
    absent: 'NOT_FOUND',
    forbidden: 'UNAUTHORIZED',
    nowhere: 'DESTINATION_COLLECTION_ERROR',
  } as const
  for (const [name, reason] of Object.entries(reasons)) {
    const { stderr: said } = outputOf(name as keyof typeof reasons)
    t.match(said, new RegExp(`ERROR.*${reason}`), name)
    t.notMatch(said, 'successfully', name)
  }
})

t.test('taxii-proxy carries blocks from one collection to another', async (t) => {
  const { stderr: said } = outputOf('proxied')
  t.notMatch(said, 'ERROR')
  t.match(said, 'Content block successfully pushed')
  t.match(outputOf('secondInbox').stderr, '12 blocks polled')
})

t.test('taxii-subscription goes through all five actions', async (t) => {
  const made = outputOf('subscribed')
  t.notMatch(made.stderr, 'ERROR')
  const id = /Subscription ID: (\S+)/.exec(made.stdout)?.[1] ?? ''
  t.ok(id)
  const polled = poll('indicators', '-s', id)
  const [byId, paused, whilePaused, resumed, ended, told, afterwards, unknown] =
    await runPythonPrograms([
      polled,
      manage('pause', '-s', id),
      polled,
      manage('resume', '-s', id),
      manage('unsubscribe', '-s', id),
      manage('status', '-s', id),
      polled,
      manage('pause', '-s', 'no-such-subscription'),
    ])
  const statusOf = (output?: ProgramResult) => /Status: (\w+)/.exec(output?.stdout ?? '')?.[1]
  t.strictSame([made, paused, resumed, ended, told].map(statusOf), [
    ...['ACTIVE', 'PAUSED', 'ACTIVE', 'UNSUBSCRIBED', 'UNSUBSCRIBED'],
  ])
  for (const output of [byId, whilePaused]) t.match(output?.stderr, `${blockCount} blocks polled`)
  t.match(afterwards?.stderr, `NOT_FOUND: ITEM=${id}`)
  t.match(unknown?.stderr, 'NOT_FOUND: ITEM=no-such-subscription')
})
