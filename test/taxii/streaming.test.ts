import { once } from 'node:events'
import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http'
import t from 'tap'
import { StoreUnavailable } from '../../src/model/errors.ts'
import { readXml } from '../../src/xml/read.ts'
import { collection, memoryFeed, second, start } from './memory-feed.ts'
import {
  basic,
  labelsOf,
  password,
  pollRequest,
  startServer,
  type TestServer,
  taxiiHeaders,
} from './server.ts'

const stix12 = 'urn:stix.mitre.org:xml:1.2'

function openPoll(server: TestServer): ClientRequest {
  const sent = httpRequest(`${server.url}/taxii/poll`, {
    method: 'POST',
    headers: { ...taxiiHeaders, Authorization: basic('esa1', password) },
    agent: false,
  })
  sent.end(pollRequest())
  return sent
}

async function responseOf(sent: ClientRequest): Promise<IncomingMessage> {
  const [response] = (await once(sent, 'response')) as [IncomingMessage]
  return response
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise(setImmediate)
}

/** A feed of `count` blocks of `bytes` each. */
function bigFeed(count: number, bytes: number) {
  const feed = memoryFeed({ padding: 'x'.repeat(bytes), batchSize: 5 })
  feed.now = start + 10 * count * second
  feed.collections.push(collection())
  feed.publish(1, stix12, ...Array.from({ length: count }, (_, index) => start + index * second))
  return feed
}

t.test('the first bytes go out before the first block has been read', async (t) => {
  const feed = bigFeed(10, 100)
  let release = () => {}
  feed.beforeBatch = () => new Promise((resolve) => (release = resolve))
  const server = await startServer(t, { feed })
  const response = await responseOf(openPoll(server))
  const [head] = (await once(response, 'data')) as [Buffer]
  t.match(head.toString(), /<taxii_11:Record_Count>10<\/taxii_11:Record_Count>$/)
  feed.beforeBatch = () => {}
  release()
  response.resume()
  await once(response, 'end')
  t.equal(response.complete, true)
})

t.test('a big response arrives whole', async (t) => {
  const server = await startServer(t, { feed: bigFeed(300, 5_000) })
  const answer = await server.post(pollRequest())
  t.equal(labelsOf(answer).length, 300)
})

t.test('when the store fails in the middle, the client sees a broken response', async (t) => {
  const feed = bigFeed(100, 5_000)
  const server = await startServer(t, { feed })
  const error = new StoreUnavailable('the connection was lost')
  feed.beforeBatch = (batch) => {
    if (batch === 10) throw error
  }
  const response = await responseOf(openPoll(server))
  t.equal(response.statusCode, 200)
  let text = ''
  response.setEncoding('utf8').on('data', (piece) => {
    text += piece
  })
  await t.rejects(once(response, 'end'), { code: 'ECONNRESET' })
  t.equal(response.complete, false)
  t.throws(() => readXml(Buffer.from(text)))
  t.equal(server.logged[0]?.err, error)
  t.equal(feed.readersOpen, 0)
  feed.beforeBatch = () => {}
  t.equal(labelsOf(await server.post(pollRequest())).length, 100)
})

t.test('the store is read no faster than the client takes it', async (t) => {
  const feed = bigFeed(2_000, 20_000)
  const server = await startServer(t, { feed })
  const response = await responseOf(openPoll(server))
  response.pause()
  // The sockets' buffers fill up, then nothing moves any more.
  let before = -1
  await until(() => {
    const still = feed.batchesRead === before
    before = feed.batchesRead
    return still && feed.batchesRead > 0
  })
  t.ok(feed.batchesRead < 300, `${feed.batchesRead} of 400 batches are read`)
  response.resume()
  await once(response, 'end')
  t.equal(feed.batchesRead, 400)
})

t.test('a client that goes away ends the reading', async (t) => {
  const feed = bigFeed(2_000, 20_000)
  const server = await startServer(t, { feed })
  const sent = openPoll(server)
  const response = await responseOf(sent)
  await once(response, 'data')
  t.equal(feed.readersOpen, 1)
  sent.destroy()
  await until(() => feed.readersOpen === 0)
  t.ok(feed.batchesRead < 400)
  t.strictSame(server.logged, [], 'that is nothing to report')
})
