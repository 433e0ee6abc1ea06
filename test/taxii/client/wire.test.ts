import t from 'tap'
import { parseMicros } from '../../../src/model/micros.ts'
import { basicAuthorization } from '../../../src/taxii/client/credentials.ts'
import { isoformat } from '../../../src/taxii/client/requests.ts'
import type { XmlElement } from '../../../src/xml/read.ts'
import { runCabby, runPython, validateTaxii } from '../../helpers/python.ts'
import { noon, pollOnce } from './polling.ts'
import {
  contentBlock,
  domainPackage,
  type Met,
  pollResponse,
  send,
  startRogueServer,
} from './rogue-server.ts'

const credentials = { username: 'esä', password: 'pä:ss wörd' }

/** A message without what differs each time and without white space between elements. */
function essence({ name, namespace, attributes, children, text }: XmlElement): unknown {
  const kept = attributes.filter((one) => one.name !== 'message_id')
  return [namespace, name, kept, text.trim(), children.map(essence)]
}

const ofConnection = new Set(['host', 'connection', 'content-length'])
const headersOf = ({ rawHeaders }: Met) =>
  rawHeaders
    .flatMap((name, at) => (at % 2 === 0 ? [`${name}: ${rawHeaders[at + 1]}`] : []))
    .filter((line) => !ofConnection.has(String(line.split(':')[0]).toLowerCase()))
    .toSorted()

t.test('what goes over the wire is what cabby sends', async (t) => {
  const { url, met } = await startRogueServer(t, (one) => {
    const isFirst = one.root.name === 'Poll_Request'
    const blocks = isFirst ? contentBlock(domainPackage('a.example'), noon) : ''
    const attributes = isFirst ? 'more="true" result_id="r&lt;1"' : 'result_part_number="2"'
    send(one, pollResponse(one, { attributes, blocks }))
  })
  const [begin, end] = ['2026-11-21T11:00:00+00:00', '2026-11-21T12:00:00.000005+00:00']
  const bindings = ['urn:stix.mitre.org:xml:1.2', 'urn:x:a&b']
  const { stderr } = await runCabby('taxii-poll', [
    ...['--path', url.href, '-c', 'c & "d"', '--begin', begin, '--end', end],
    ...['--username', credentials.username, '--password', credentials.password],
    ...['--bindings', bindings.join(',')],
  ])
  t.match(stderr, '1 blocks polled')
  await pollOnce(url, {
    as: 'cabby',
    authorization: basicAuthorization(credentials).header,
    collection: 'c & "d"',
    begin: parseMicros(begin),
    end: parseMicros(end),
    bindings,
  })
  t.equal(met.length, 4)
  for (const index of [0, 1]) {
    const [theirs, ours] = [met[index] as Met, met[index + 2] as Met]
    t.strictSame(headersOf(ours), headersOf(theirs))
    t.strictSame(essence(ours.root), essence(theirs.root))
    t.equal(ours.path, theirs.path)
  }
})

t.test('every request is valid TAXII 1.1', async (t) => {
  const { url, met } = await startRogueServer(t, (one) => one.response.writeHead(404).end())
  await pollOnce(url, { subscriptionId: 'a<b' })
  await pollOnce(url, { begin: undefined, end: undefined })
  await pollOnce(url, { as: 'tid' })
  t.strictSame(
    met.map(({ root }) => root.name),
    ['Poll_Request', 'Poll_Request', 'Discovery_Request'],
  )
  t.strictSame(await validateTaxii(met.map(({ body }) => body)), [[], [], []])
})

t.test('moments are written as Python writes them', async (t) => {
  const moments = [0, 1, 999_999, 1_000_000, noon, noon + 120]
  const script =
    'import datetime,sys\n' +
    'for m in sys.argv[1:]: print((datetime.datetime(1970,1,1,tzinfo=datetime.timezone.utc)+datetime.timedelta(microseconds=int(m))).isoformat())'
  const { stdout } = await runPython(['-c', script, ...moments.map(String)])
  t.strictSame(moments.map(isoformat), stdout.trim().split('\n'))
})

t.test('name and password are Latin-1 where that holds them, and UTF-8 elsewhere', async (t) => {
  const decode = (header: string) => Buffer.from(header.replace('Basic ', ''), 'base64')
  const latin = basicAuthorization({ username: 'a', password: 'ÿ' })
  t.equal(latin.encoding, 'latin1')
  t.strictSame(decode(latin.header), Buffer.from('a:ÿ', 'latin1'))
  const utf8 = basicAuthorization({ username: 'a', password: '€' })
  t.equal(utf8.encoding, 'utf8')
  t.strictSame(decode(utf8.header), Buffer.from('a:€', 'utf8'))
})
