import { setImmediate } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { collection, memoryFeed, second, start } from './memory-feed.ts'
import { connectRaw, type RawClient, rawPoll } from './raw-client.ts'
import { countOnly, labelsOf, pollRequest, startServer, type TestServer } from './server.ts'

const stix12 = 'urn:stix.mitre.org:xml:1.2'

function feedOf(count: number, bytes: number) {
  const feed = memoryFeed({ padding: 'x'.repeat(bytes), batchSize: 5 })
  feed.now = start + 10 * count * second
  feed.collections.push(collection())
  feed.publish(1, stix12, ...Array.from({ length: count }, (_, index) => start + index * second))
  return feed
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await setImmediate()
}

function connectMany(t: Test, server: TestServer, count: number, from: string) {
  const clients = Array.from({ length: count }, () => connectRaw(t, server.port, { from }))
  return Promise.all(clients)
}

const isOpen = ({ socket }: RawClient) => !socket.closed

t.test('a thousand idle connections keep nobody from his answer', async (t) => {
  const server = await startServer(t, {
    feed: feedOf(10, 10),
    limits: { maxConnectionsPerAddress: 1_000 },
  })
  const idle = await connectMany(t, server, 1_000, '127.0.0.2')
  await until(() => server.connections.count().open === 1_000)
  t.equal(labelsOf(await server.post(pollRequest())).length, 10)
  t.equal(idle.filter(isOpen).length, 1_000, 'they may stay')
  t.strictSame(server.ended, [])
  t.strictSame(server.connections.count(), { open: 1_001, answering: 0 })
})

t.test('of a client that has too many the one that was quiet for longest makes room', async (t) => {
  const server = await startServer(t, {
    feed: feedOf(10, 10),
    limits: { maxConnectionsPerAddress: 3 },
  })
  const other = await connectRaw(t, server.port)
  const [first, second, third] = await connectMany(t, server, 3, '127.0.0.2')
  if (!first || !second || !third) throw new Error('no connections')
  await until(() => server.connections.count().open === 4)
  first.socket.write(rawPoll(server))
  await first.came(/<\/taxii_11:Poll_Response>/)
  await until(() => server.connections.count().answering === 0)
  const fourth = await connectRaw(t, server.port, { from: '127.0.0.2' })
  await second.ended
  t.ok([first, third, fourth, other].every(isOpen))
  t.strictSame(server.ended, [{ ending: 'made room', address: '127.0.0.2' }])
})

t.test('where there are too many, one of the client makes room that has most', async (t) => {
  const server = await startServer(t, { feed: feedOf(10, 10), limits: { maxConnections: 4 } })
  const modest = await connectRaw(t, server.port, { from: '127.0.0.3' })
  await until(() => server.connections.count().open === 1)
  const [eldest, ...others] = await connectMany(t, server, 3, '127.0.0.2')
  await until(() => server.connections.count().open === 4)
  t.equal(labelsOf(await server.post(pollRequest())).length, 10)
  await eldest?.ended
  t.ok([modest, ...others].every(isOpen))
  t.strictSame(server.ended, [{ ending: 'made room', address: '127.0.0.2' }])
})

t.test('where all are busy, a further one is not taken', async (t) => {
  const feed = feedOf(10, 10)
  const held = Promise.withResolvers<void>()
  feed.beforeBatch = () => held.promise
  const limits = { maxConnections: 3, maxConnectionsPerAddress: 2 }
  const server = await startServer(t, { feed, limits })
  const greedy = await connectMany(t, server, 2, '127.0.0.2')
  for (const { socket } of greedy) socket.write(rawPoll(server))
  await until(() => feed.readersOpen === 2)
  t.equal(await (await connectRaw(t, server.port, { from: '127.0.0.2' })).ended, '')
  t.strictSame(server.ended, [{ ending: 'too many of address', address: '127.0.0.2' }])

  const modest = await connectRaw(t, server.port, { from: '127.0.0.3' })
  modest.socket.write(rawPoll(server))
  await until(() => feed.readersOpen === 3)
  t.equal(await (await connectRaw(t, server.port, { from: '127.0.0.4' })).ended, '')
  t.strictSame(server.ended.slice(1), [{ ending: 'too many', address: '127.0.0.4' }])

  held.resolve()
  for (const client of [...greedy, modest]) await client.came(/<\/taxii_11:Poll_Response>/)
  await until(() => server.connections.count().answering === 0)
  const later = await connectRaw(t, server.port, { from: '127.0.0.4' })
  later.socket.write(rawPoll(server))
  await later.came(/<\/taxii_11:Poll_Response>/)
  t.match(server.ended.slice(2), [{ ending: 'made room' }], 'as soon as one is idle, it is')
})

t.test('a proxy that is trusted may have as many as there are', async (t) => {
  const server = await startServer(t, {
    limits: { maxConnections: 20, maxConnectionsPerAddress: 2 },
    trustedProxies: ['192.0.2.0/24', '127.0.0.8/31'],
  })
  const clients = await connectMany(t, server, 18, '127.0.0.9')
  await until(() => server.connections.count().open === 18)
  t.ok(clients.every(isOpen))
  t.strictSame(server.ended, [])
})

t.test('requests sent ahead are answered one after the other, in their order', async (t) => {
  const feed = feedOf(10, 10)
  let most = 0
  feed.beforeBatch = async () => {
    most = Math.max(most, feed.readersOpen)
    await setImmediate()
  }
  const server = await startServer(t, { feed })
  const client = await connectRaw(t, server.port)
  const ids = Array.from({ length: 50 }, (_, index) => `m-${index}`)
  const bodies = ids.map((id) => pollRequest().replace('"m-1"', `"${id}"`))
  client.socket.write(bodies.map((body) => rawPoll(server, { body })).join(''))
  await client.came(/in_response_to="m-49"[\s\S]*<\/taxii_11:Poll_Response>/)
  const answered = [...client.text().matchAll(/in_response_to="(m-\d+)"/g)].map(([, id]) => id)
  t.strictSame(answered, ids)
  t.equal(most, 1, 'no poll was begun before the one ahead of it was sent')
  t.strictSame(server.ended, [])
})

t.test('who sends ever so many ahead is cut off, and nothing is done for him', async (t) => {
  const feed = feedOf(1, 10)
  feed.beforeBatch = () => new Promise(() => {})
  const server = await startServer(t, { feed, limits: { maxPipelinedRequests: 10 } })
  let arrived = 0
  server.server.on('request', () => {
    arrived += 1
  })
  const client = await connectRaw(t, server.port)
  // Twelve in one piece are read at once, and the end of the connection comes before another is.
  client.socket.write(rawPoll(server).repeat(12))
  t.notMatch(await client.ended, '</taxii_11:Poll_Response>')
  t.strictSame(server.ended, [{ ending: 'pipelined', address: '127.0.0.1' }])
  t.equal(feed.polls, 1, 'but for the first')

  const flood = await connectRaw(t, server.port)
  const many = rawPoll(server).repeat(1_000)
  // 12 MB, far more than one read takes.
  for (let n = 0; n < 20; n += 1) flood.socket.write(many)
  await flood.ended
  t.ok(arrived < 1_000, `${arrived} requests were read`)
  t.equal(feed.polls, 2)
})

t.test('polls that are broken off leave nothing behind', async (t) => {
  const feed = feedOf(1_000, 20_000)
  const server = await startServer(t, { feed })
  for (let round = 0; round < 3; round += 1) {
    const clients = await connectMany(t, server, 20, `127.0.0.${round + 2}`)
    for (const { socket } of clients) socket.write(rawPoll(server))
    const begun = clients.map(async (client) => {
      await client.came(/<taxii_11:Content_Block>/)
      client.socket.pause()
    })
    await Promise.all(begun)
    for (const { socket } of clients) socket.resetAndDestroy()
  }
  await until(() => feed.completed.length === 60)
  t.ok(feed.completed.every(({ status }) => status === 'broken off'))
  t.equal(feed.readersOpen, 0)
  await until(() => server.connections.count().open === 0)
  t.strictSame(server.ended, [], 'that is nothing to report')
  t.strictSame(server.logged, [])
  t.match((await server.post(pollRequest(countOnly))).body, '>1000<')
})
