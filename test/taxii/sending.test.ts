import { once } from 'node:events'
import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http'
import { connect } from 'node:net'
import t from 'tap'
import { StoreUnavailable } from '../../src/model/errors.ts'
import { formatMicros, type Micros } from '../../src/model/micros.ts'
import { collection, memoryFeed, second, start } from './memory-feed.ts'
import {
  basic,
  countOnly,
  fulfillment,
  password,
  pollRequest,
  startServer,
  type TestServer,
  taxiiHeaders,
} from './server.ts'

const stix12 = 'urn:stix.mitre.org:xml:1.2'
const headers = { ...taxiiHeaders, Authorization: basic('esa1', password) }

function feedOf(count: number, bytes: number, pageSize?: number) {
  const feed = memoryFeed({ padding: 'x'.repeat(bytes), batchSize: 5 })
  feed.now = start + 10 * count * second
  feed.collections.push(collection({ pageSize }))
  feed.publish(1, stix12, ...Array.from({ length: count }, (_, index) => labelOf(index + 1)))
  return feed
}

/** Of the n-th block. */
const labelOf = (n: number): Micros => start + n * second

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise(setImmediate)
}

function openPoll(server: TestServer): ClientRequest {
  const sent = httpRequest(`${server.url}/taxii/poll`, { method: 'POST', headers, agent: false })
  sent.end(pollRequest())
  return sent
}

t.test('a whole answer is entered with its blocks, its bytes and its last label', async (t) => {
  const feed = feedOf(300, 5_000)
  const server = await startServer(t, { feed })
  const { body } = await server.post(pollRequest())
  await until(() => feed.completed.length > 0)
  const [{ durationMs = -1, ...outcome } = {}] = feed.completed
  t.strictSame(outcome, {
    pollId: 1,
    status: 'complete',
    blocks: 300,
    bytes: Buffer.byteLength(body),
    sentThrough: labelOf(300),
    leftThrough: labelOf(300),
  })
  t.ok(durationMs > 0)
})

t.test('an answer without blocks is entered as complete', async (t) => {
  const feed = feedOf(3, 10)
  feed.collections.push(collection({ id: 2, name: 'quiet' }))
  const server = await startServer(t, { feed })
  const bodies = [
    (await server.post(pollRequest(countOnly))).body,
    (await server.post(pollRequest(undefined, 'quiet'))).body,
  ]
  await until(() => feed.completed.length === 2)
  for (const [index, body] of bodies.entries()) {
    t.match(feed.completed[index], {
      status: 'complete',
      blocks: 0,
      bytes: Buffer.byteLength(body),
      sentThrough: undefined,
      leftThrough: undefined,
    })
  }
})

t.test('each part is entered by itself, the empty one that cabby asks for too', async (t) => {
  const feed = feedOf(5, 10, 2)
  const server = await startServer(t, { feed })
  await server.post(pollRequest())
  const [id = ''] = feed.sets.keys()
  const cabby = { headers: { 'User-Agent': 'Cabby 0.1.23' } }
  for (const part of [2, 3, 4]) await server.post(fulfillment(id, part), cabby)
  await server.post(fulfillment(id, 5), cabby)
  await until(() => feed.completed.length === 4)
  t.strictSame(
    feed.completed.map(({ pollId, status, blocks, sentThrough }) => [
      pollId,
      status,
      blocks,
      sentThrough,
    ]),
    [
      [1, 'complete', 2, labelOf(2)],
      [2, 'complete', 2, labelOf(4)],
      [3, 'complete', 1, labelOf(5)],
      [4, 'complete', 0, undefined],
    ],
  )
})

t.test('a client that stops reading and goes away was sent what had left', async (t) => {
  const count = 2_000
  const feed = feedOf(count, 20_000)
  const server = await startServer(t, { feed })
  const sent = openPoll(server)
  const [response] = (await once(sent, 'response')) as [IncomingMessage]
  let received = ''
  response.setEncoding('utf8')
  for await (const piece of response) {
    received += piece
    if (received.includes(formatMicros(labelOf(100)))) break
  }
  sent.destroy()
  await until(() => feed.completed.length > 0)
  const [outcome] = feed.completed
  if (!outcome) throw new Error('nothing was entered')
  const { status, blocks, bytes, sentThrough, leftThrough } = outcome
  t.equal(status, 'broken off')
  t.ok(blocks >= 100 && blocks < count, `${blocks} blocks were taken by the operating system`)
  t.equal(sentThrough, labelOf(blocks))
  t.ok(bytes >= Buffer.byteLength(received))
  t.ok(bytes >= blocks * 20_000 && bytes < (blocks + 10) * 21_000)
  t.ok(leftThrough !== undefined && leftThrough >= labelOf(blocks))
  t.ok((leftThrough ?? 0) <= labelOf(blocks + 40), 'and some more had left at most')
})

t.test('an answer whose store fails in the middle was sent what came before', async (t) => {
  const feed = feedOf(100, 5_000)
  const server = await startServer(t, { feed })
  feed.beforeBatch = (batch) => {
    if (batch === 10) throw new StoreUnavailable('the connection was lost')
  }
  const [response] = (await once(openPoll(server), 'response')) as [IncomingMessage]
  await once(response.resume(), 'error')
  await until(() => feed.completed.length > 0)
  const [outcome] = feed.completed
  t.match(outcome, { status: 'broken off' })
  // 13 blocks a chunk, 45 that were read.
  t.equal(outcome?.blocks, 39)
  t.equal(outcome?.leftThrough, labelOf(39))
})

t.test('a poll that is answered by an error was sent nothing', async (t) => {
  const feed = feedOf(10, 10)
  const server = await startServer(t, { feed })
  const { countBlocks } = feed
  feed.countBlocks = async () => {
    throw new StoreUnavailable('the connection was lost')
  }
  t.equal((await server.post(pollRequest())).status, 503)
  await until(() => feed.completed.length > 0)
  t.match(feed.completed, [{ pollId: 1, status: 'broken off', blocks: 0, bytes: 0 }])

  feed.countBlocks = countBlocks
  feed.collections[0] = collection({ pageSize: 3 })
  await server.post(pollRequest())
  const [id = ''] = feed.sets.keys()
  feed.beforeBatch = () => {
    throw new StoreUnavailable('the connection was lost')
  }
  t.equal((await server.post(fulfillment(id, 2))).status, 503)
  await until(() => feed.completed.length === 3)
  t.match(feed.completed[2], { pollId: 3, status: 'broken off', blocks: 0, bytes: 0 })
})

t.test(
  'of two polls on one connection that breaks, the first is entered as broken off, and the second not begun',
  async (t) => {
    const feed = feedOf(10, 10)
    feed.beforeBatch = () => new Promise(() => {})
    const server = await startServer(t, { feed })
    const socket = connect(server.port, '127.0.0.1')
    const body = pollRequest()
    const lines = { ...headers, Host: 'localhost', 'Content-Length': Buffer.byteLength(body) }
    const head = Object.entries(lines).map(([name, value]) => `${name}: ${value}\r\n`)
    const poll = `POST /taxii/poll HTTP/1.1\r\n${head.join('')}\r\n${body}`
    socket.write(poll + poll)
    await until(() => feed.readersOpen === 1)
    socket.destroy()
    await until(() => feed.completed.length === 1)
    t.match(feed.completed, [{ status: 'broken off', blocks: 0, leftThrough: undefined }])
    t.equal((await server.post(pollRequest(countOnly))).status, 200)
    t.equal(feed.polls, 2, 'the two that were begun')
  },
)

t.test('while the ledger cannot be written polls are answered, and entered later', async (t) => {
  const feed = feedOf(3, 10)
  const server = await startServer(t, { feed })
  let tries = 0
  feed.beforeCompletion = () => {
    tries += 1
    throw new StoreUnavailable('the connection was lost')
  }
  for (let n = 1; n <= 3; n += 1) {
    t.equal((await server.post(pollRequest())).status, 200)
    await until(() => tries === n)
  }
  t.strictSame(feed.completed, [])
  t.match(server.logged, [{ message: /the ledger cannot be written/ }])
  t.equal(server.logged.length, 1, 'that is said once')

  feed.beforeCompletion = () => {}
  await server.post(pollRequest())
  await until(() => feed.completed.length === 4)
  t.strictSame(
    feed.completed.map(({ pollId }) => pollId),
    [1, 2, 3, 4],
  )
})

t.test('the end of the server waits for the ledger, and not for one that hangs', async (t) => {
  const feed = feedOf(3, 10)
  let entered = () => {}
  feed.completePolls = () => new Promise((resolve) => (entered = resolve))
  const server = await startServer(t, { feed })
  await server.post(pollRequest())
  let ended = false
  const ending = server.close().then(() => {
    ended = true
  })
  await new Promise(setImmediate)
  t.equal(ended, false)
  entered()
  await ending

  const other = await startServer(t, { feed })
  await other.post(pollRequest())
  await other.close()
  t.pass('it ended')
})
