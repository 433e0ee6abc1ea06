import t from 'tap'
import { readCollections } from '../../src/store/collections.ts'
import { type ProgramCall, runPythonPrograms } from '../helpers/python.ts'
import { countLive, startSeeded } from './seeded.ts'

const stix12 = 'urn:stix.mitre.org:xml:1.2'
const stix111 = 'urn:stix.mitre.org:xml:1.1.1'
const { url, login, db } = await startSeeded(t)
const names = (await readCollections(db)).map(({ name }) => name)
const polled = 'everything-esa'
const subscription = [...['--path', `${url}/taxii/subscriptions`], ...['-c', polled]]

const libtaxii = (program: string, path: string, ...args: string[]): ProgramCall => ({
  program,
  args: ['--url', url + path, '--username', login.name, '--pass', login.password, ...args],
})
const cabby = (program: string, ...args: string[]): ProgramCall => ({
  program,
  args: [
    ...['--taxii-version', '1.0', '--username', login.name, '--password', login.password],
    ...args,
  ],
})

const called = {
  discovery: libtaxii('discovery_client_10', '/taxii-discovery-service'),
  feeds: libtaxii('feed_information_client_10', '/taxii-data'),
  poll: libtaxii('poll_client_10', '/taxii-data', '--feed', polled),
  cabbyDiscovery: cabby('taxii-discovery', '--path', `${url}/taxii/discovery`),
  cabbyFeeds: cabby('taxii-collections', '--discovery', `${url}/taxii/discovery`),
  cabbyPoll: cabby('taxii-poll', '--discovery', `${url}/taxii/discovery`, '-c', polled),
  cabbyPollOld: cabby(
    ...(['taxii-poll', '--path', `${url}/taxii/poll`, '-c', polled] as const),
    ...['-b', stix111, '--begin', '2001-01-01T00:00:00'],
  ),
  cabbyAbsent: cabby('taxii-poll', '--path', `${url}/taxii/poll`, '-c', 'absent'),
  cabbySubscribe: cabby('taxii-subscription', ...subscription, '--action', 'subscribe'),
  cabbyStatus: cabby('taxii-subscription', ...subscription, '--action', 'status'),
}
const results = await runPythonPrograms(Object.values(called))
const outputOf = (name: keyof typeof called) => {
  const { stdout = '', stderr = '' } = results[Object.keys(called).indexOf(name)] ?? {}
  return { stdout, stderr }
}
const countIn = (text: string, pattern: RegExp) => [...text.matchAll(pattern)].length

t.test('discovery_client_10 of libtaxii lists the services', async (t) => {
  const { stdout, stderr } = outputOf('discovery')
  t.equal(stderr, '')
  for (const type of ['DISCOVERY', 'FEED_MANAGEMENT', 'POLL', 'INBOX']) {
    t.match(stdout, `Service Type: ${type}`)
  }
  t.equal(countIn(stdout, /Services Version: urn:taxii.mitre.org:services:1.0/g), 4)
})

t.test('feed_information_client_10 of libtaxii lists every collection', async (t) => {
  const { stdout, stderr } = outputOf('feeds')
  t.equal(stderr, '')
  const listed = [...stdout.matchAll(/Feed Name: (\S+)/g)].map((match) => match[1])
  t.strictSame(listed.toSorted(), names.toSorted())
})

t.test('poll_client_10 of libtaxii reads every block', async (t) => {
  const { stdout, stderr } = outputOf('poll')
  t.equal(countIn(stdout, /=== Content Block ===/g), await countLive(db, polled, stix12))
  // Having read an answer with blocks it asks it for a field of TAXII 1.1, and fails with every server.
  t.match(stderr, "'PollResponse' object has no attribute 'collection_name'")
})

t.test('cabby finds the services and the feeds', async (t) => {
  t.match(outputOf('cabbyDiscovery').stderr, '4 services discovered')
  const { stdout, stderr } = outputOf('cabbyFeeds')
  t.notMatch(stderr, 'ERROR')
  const listed = [...stdout.matchAll(/Feed Name: (\S+)/g)].map((match) => match[1])
  t.strictSame(listed.toSorted(), names.toSorted())
})

t.test('cabby polls every block, found by discovery or by binding and begin', async (t) => {
  for (const [name, binding] of [
    ['cabbyPoll', stix12],
    ['cabbyPollOld', stix111],
  ] as const) {
    const { stdout, stderr } = outputOf(name)
    const live = await countLive(db, polled, binding)
    t.ok(live > 100)
    t.notMatch(stderr, 'ERROR')
    t.match(stderr, `${live} blocks polled`)
    t.equal(countIn(stdout, /<stix:STIX_Package /g), live)
  }
})

t.test('cabby is told what is not found', async (t) => {
  const { stdout, stderr } = outputOf('cabbyAbsent')
  t.match(stderr, 'NOT_FOUND')
  t.equal(stdout, '')
})

t.test('cabby subscribes and asks for the subscription', async (t) => {
  const { stdout, stderr } = outputOf('cabbySubscribe')
  t.notMatch(stderr, 'ERROR')
  const id = /Subscription ID: (\S+)/.exec(stdout)?.[1]
  t.ok(id)
  t.match(outputOf('cabbyStatus').stdout, `Subscription ID: ${id}`)
})
