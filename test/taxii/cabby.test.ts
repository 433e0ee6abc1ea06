import t from 'tap'
import { formatMicros } from '../../src/model/micros.ts'
import { runCabby } from '../helpers/python.ts'
import { collection, second, start } from './memory-feed.ts'
import { password, startServer } from './server.ts'

const stix12 = 'urn:stix.mitre.org:xml:1.2'
const server = await startServer(t)
const { feed } = server
feed.collections.push(
  collection(),
  collection({ id: 2, name: 'paged', pageSize: 10 }),
  collection({ id: 3, name: 'quiet' }),
)
const labels = Array.from({ length: 35 }, (_, index) => start + (index + 1) * second)
feed.publish(1, stix12, ...labels)
feed.publish(2, stix12, ...labels)

/** cabby's exit code is 0 on failure: only its words say what happened. */
async function cabby(command: string, ...args: string[]) {
  const { stdout, stderr } = await runCabby(command, [
    ...['--host', '127.0.0.1', '--port', String(server.port)],
    ...['--username', 'esa1', '--password', password],
    ...args,
  ])
  return { said: stderr, printed: stdout }
}

function poll(name: string, ...args: string[]) {
  return cabby('taxii-poll', '--path', '/taxii/poll', '-c', name, ...args)
}

const ids = (text: string) => [...text.matchAll(/Package-(\d+)/g)].map((match) => Number(match[1]))

t.test('taxii-discovery lists the services', async (t) => {
  const { said, printed } = await cabby('taxii-discovery', '--path', '/taxii/discovery')
  t.match(said, '4 services discovered')
  t.notMatch(said, 'ERROR')
  for (const path of ['discovery', 'collections', 'poll']) {
    t.match(printed, `Service Address: ${server.url}/taxii/${path}`)
  }
})

t.test('taxii-collections lists the collections, found by discovery', async (t) => {
  const { said, printed } = await cabby('taxii-collections', '--discovery', '/taxii/discovery')
  t.notMatch(said, 'ERROR')
  for (const name of ['urls', 'paged', 'quiet']) t.match(printed, `Collection Name: ${name}`)
  t.match(printed, 'URLs <of> "malware" & phishing')
})

t.test('taxii-poll gets every block of one response', async (t) => {
  const { said, printed } = await poll('urls')
  t.match(said, '35 blocks polled')
  t.strictSame(ids(printed), labels)
})

t.test('taxii-poll finds the service by discovery', async (t) => {
  const { said } = await cabby(
    'taxii-poll',
    '--discovery',
    '/taxii-discovery-service',
    '-c',
    'urls',
  )
  t.match(said, '35 blocks polled')
})

t.test('taxii-poll gets every block of every part and reports success', async (t) => {
  const { said, printed } = await poll('paged')
  t.match(said, '35 blocks polled')
  t.notMatch(said, 'ERROR')
  t.strictSame(ids(printed), labels)
})

t.test('taxii-poll keeps to its window', async (t) => {
  const [begin = 0, end = 0] = [labels[9], labels[19]]
  const { said, printed } = await poll(
    'paged',
    '--begin',
    formatMicros(begin),
    '--end',
    formatMicros(end),
  )
  t.match(said, '10 blocks polled')
  t.strictSame(ids(printed), labels.slice(10, 20))
})

t.test('taxii-poll --count-only prints the count', async (t) => {
  t.match((await poll('paged', '--count-only')).said, 'Content blocks count: 35, is partial: False')
})

t.test('taxii-poll of an empty window polls no block, without complaint', async (t) => {
  const { said } = await poll('quiet')
  t.match(said, '0 blocks polled')
  t.notMatch(said, 'ERROR')
})

t.test('taxii-poll says which collection there is not', async (t) => {
  t.match((await poll('absent')).said, /Server Error: NOT_FOUND: ITEM=absent/)
})

t.test('taxii-poll says which bindings there are', async (t) => {
  const { said } = await poll('urls', '-b', 'urn:oasis:cap')
  t.match(said, 'UNSUPPORTED_CONTENT')
  t.match(said, stix12)
})

t.test('taxii-poll with a wrong password says 401', async (t) => {
  t.match((await poll('urls', '--password', 'wrong')).said, 'HTTP Error: status code 401')
})
