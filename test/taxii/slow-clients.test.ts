import { once } from 'node:events'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import t from 'tap'
import { collection, memoryFeed, second, start } from './memory-feed.ts'
import { connectRaw, rawPoll } from './raw-client.ts'
import { basic, labelsOf, password, pollRequest, startServer, taxiiHeaders } from './server.ts'

const stix12 = 'urn:stix.mitre.org:xml:1.2'

/** A feed of `count` blocks of `bytes` each. */
function feedOf(count: number, bytes: number) {
  const feed = memoryFeed({ padding: 'x'.repeat(bytes), batchSize: 5 })
  feed.now = start + 10 * count * second
  feed.collections.push(collection())
  feed.publish(1, stix12, ...Array.from({ length: count }, (_, index) => start + index * second))
  return feed
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise(setImmediate)
}

const byAddress = (ending: string) => [{ ending, address: '127.0.0.1' }]

// What they wait for takes a second or more each.
t.jobs = 16

t.test('who says nothing is let go without a word', async (t) => {
  const server = await startServer(t, { limits: { headSeconds: 1 } })
  const client = await connectRaw(t, server.port)
  t.equal(await client.ended, '')
  t.strictSame(server.ended, [], 'that is nothing to report')
})

t.test('a head that comes byte by byte is refused in time', async (t) => {
  const server = await startServer(t, { limits: { headSeconds: 1 } })
  const client = await connectRaw(t, server.port)
  const drip = setInterval(() => client.socket.write('x'), 20)
  client.socket.once('close', () => clearInterval(drip))
  client.socket.write('POST /taxii/poll HTTP/1.1\r\nHost: x\r\nX-Long: ')
  t.match(await client.ended, /^HTTP\/1\.1 408 [\s\S]*"code":"REQUEST_TIMEOUT"/)
  t.strictSame(server.ended, byAddress('slow head'))
})

t.test('so is the head of a later request on the same connection', async (t) => {
  const server = await startServer(t, { limits: { headSeconds: 1 } })
  const client = await connectRaw(t, server.port)
  client.socket.write(rawPoll(server))
  await client.came(/NOT_FOUND/)
  client.socket.write('POST /taxii/poll HTTP/1.1\r\nHost')
  t.match(await client.ended, /HTTP\/1\.1 200 [\s\S]*HTTP\/1\.1 408 /)
  t.strictSame(server.ended, byAddress('slow head'))
})

t.test('a body that comes byte by byte, or stops, is refused in time', async (t) => {
  const server = await startServer(t, { limits: { requestSeconds: 1 } })
  const [dripping, silent] = [await connectRaw(t, server.port), await connectRaw(t, server.port)]
  const drip = setInterval(() => dripping.socket.write('x'), 20)
  dripping.socket.once('close', () => clearInterval(drip))
  for (const client of [dripping, silent]) {
    client.socket.write(`${rawPoll(server, { length: 100_000 })}<`)
  }
  for (const client of [dripping, silent]) {
    t.match(await client.ended, /^HTTP\/1\.1 408 /)
  }
  t.strictSame(server.ended, [...byAddress('slow body'), ...byAddress('slow body')])
  t.strictSame(server.logged, [], 'and it is no defect of ours')
  t.equal(server.connections.count().open, 0)
})

t.test('a body that its client breaks off is no defect of ours', async (t) => {
  const server = await startServer(t)
  const client = await connectRaw(t, server.port)
  client.socket.write(`${rawPoll(server, { length: 100_000 })}<`)
  await until(() => server.connections.count().answering === 1)
  client.socket.destroy()
  await until(() => server.connections.count().open === 0)
  // Whatever is to be said of it, is said by the time that the next one is answered.
  await server.post(pollRequest())
  t.strictSame(server.logged, [])
})

t.test('who takes nothing of his answer is cut off, and the ledger says so', async (t) => {
  const feed = feedOf(2_000, 20_000)
  const server = await startServer(t, { feed, limits: { sendSeconds: 1 } })
  const client = await connectRaw(t, server.port, { reads: false })
  client.socket.write(rawPoll(server))
  await until(() => feed.completed.length === 1)
  t.match(feed.completed, [{ status: 'broken off' }])
  t.ok((feed.completed[0]?.blocks ?? 2_000) < 2_000)
  t.strictSame(server.ended, byAddress('not reading'))
  t.equal(feed.readersOpen, 0)
  t.equal(server.connections.count().open, 0)
  t.ok(feed.batchesRead < 400, 'the store was read no further than the client took')
})

t.test('who takes his answer slowly gets it whole, however long that is', async (t) => {
  const feed = feedOf(1_000, 20_000)
  const sendSeconds = 3
  const server = await startServer(t, { feed, limits: { sendSeconds, requestSeconds: 1 } })
  const sent = httpRequest(`${server.url}/taxii/poll`, {
    method: 'POST',
    headers: { ...taxiiHeaders, Authorization: basic('esa1', password) },
    agent: false,
  })
  sent.end(pollRequest())
  const [response] = (await once(sent, 'response')) as [IncomingMessage]
  const began = performance.now()
  // First so slowly that the whole would take minutes, then as fast as it goes.
  const isSlow = () => performance.now() - began < (sendSeconds + 1) * 1_000
  let blocks = 0
  for await (const piece of response.setEncoding('latin1') as AsyncIterable<string>) {
    blocks += piece.split('</taxii_11:Content_Block>').length - 1
    if (isSlow()) await new Promise((resolve) => setTimeout(resolve, 100))
  }
  t.ok(performance.now() - began > sendSeconds * 1_000)
  t.equal(response.complete, true)
  t.ok(blocks > 990, 'all but those whose end tag lies in two pieces')
  t.match(feed.completed, [{ status: 'complete', blocks: 1_000 }])
  t.strictSame(server.ended, [])
})

t.test('who waits for us is not cut off', async (t) => {
  const feed = feedOf(10, 10)
  const server = await startServer(t, { feed, limits: { sendSeconds: 1 } })
  const { server: listening } = server
  let timeouts = 0
  listening.prependListener('timeout', () => {
    timeouts += 1
  })
  feed.beforeBatch = () => until(() => timeouts === 2)
  t.equal(labelsOf(await server.post(pollRequest())).length, 10)
  t.equal(timeouts, 2)
  t.strictSame(server.ended, [])
})

t.test('a connection between requests stays as long as the settings say', async (t) => {
  const server = await startServer(t, { limits: { idleSeconds: 1 } })
  const client = await connectRaw(t, server.port)
  client.socket.write(rawPoll(server))
  await client.came(/NOT_FOUND/)
  client.socket.write(rawPoll(server))
  t.equal((await client.ended).split('HTTP/1.1 200').length - 1, 2)
  t.strictSame(server.ended, [], 'that is nothing to report')
})
