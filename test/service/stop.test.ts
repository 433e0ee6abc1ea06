import { once } from 'node:events'
import { Agent } from 'node:http'
import { connect } from 'node:net'
import { setImmediate } from 'node:timers/promises'
import t from 'tap'
import { countBlocks, isWhole, openPoll, pollRequest, readBody } from '../helpers/poll.ts'
import { startService } from '../helpers/taxiway.ts'
import { administrator, blocks, makeBigFeed } from './big-feed.ts'

const databaseUrl = await makeBigFeed(t)
const settings = { TAXIWAY_DATABASE_URL: databaseUrl }
const full = pollRequest('hashes')

t.test('a poll under way when SIGTERM comes is finished, and the exit code is 0', async (t) => {
  const service = await startService(t, settings)
  const response = await openPoll(service.url, administrator, full)
  service.process.kill('SIGTERM')
  await service.saw(/SIGTERM: finishing what is under way/)
  const { text, error } = await readBody(response)
  t.equal(error, undefined)
  t.ok(isWhole(text))
  t.equal(countBlocks(text), blocks)
  const { code, stderr } = await service.ended
  t.equal(code, 0)
  t.match(stderr, /"msg":"stopped"/)
})

t.test('a connection that a client keeps open does not hold up the end', async (t) => {
  const agent = new Agent({ keepAlive: true })
  t.teardown(() => agent.destroy())
  const service = await startService(t, settings)
  const response = await openPoll(service.url, administrator, full, agent)
  service.process.kill('SIGTERM')
  await service.saw(/SIGTERM: finishing what is under way/)
  t.ok(isWhole((await readBody(response)).text))
  const { code, stderr } = await service.ended
  t.equal(code, 0)
  t.notMatch(stderr, /are cut/, 'it did not wait the 10 s out')
})

async function connects(url: string): Promise<boolean> {
  const { hostname, port } = new URL(url)
  const socket = connect({ host: hostname, port: Number(port) })
  try {
    await once(socket, 'connect')
    return true
  } catch (error) {
    // Reset: it stood in the queue of the port when that was closed.
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ECONNREFUSED' || code === 'ECONNRESET') return code === 'ECONNRESET'
    throw error
  } finally {
    socket.destroy()
  }
}

t.test('nothing new is taken while the end is waited for', async (t) => {
  const service = await startService(t, settings)
  const response = await openPoll(service.url, administrator, full)
  service.process.kill('SIGTERM')
  await service.saw(/SIGTERM: finishing what is under way/)
  // The line is written just before the port is closed.
  while (await connects(service.url)) await setImmediate()
  t.pass('no connection is taken any more')
  const { text } = await readBody(response)
  t.ok(isWhole(text), 'and the poll under way was not disturbed')
  t.equal((await service.ended).code, 0)
})

t.test('a poll that is slower than 10 s is cut, and the exit code is still 0', async (t) => {
  const service = await startService(t, settings)
  const response = await openPoll(service.url, administrator, full)
  const began = Date.now()
  service.process.kill('SIGTERM')
  const { code, stderr } = await service.ended
  t.equal(code, 0)
  t.match(stderr, /connections were still busy after 10 s and are cut/)
  t.ok(Date.now() - began >= 9_900)
  t.ok(Date.now() - began < 60_000)
  const { text, error } = await readBody(response)
  t.ok(error, 'the client is told by a broken connection')
  t.notOk(isWhole(text))
})

for (const second of ['SIGTERM', 'SIGINT'] as const) {
  t.test(`a ${second} after a SIGTERM ends it at once`, async (t) => {
    const service = await startService(t, settings)
    const response = await openPoll(service.url, administrator, full)
    service.process.kill('SIGTERM')
    await service.saw(/SIGTERM: finishing what is under way/)
    service.process.kill(second)
    const { code, stderr } = await service.ended
    t.equal(code, second === 'SIGINT' ? 130 : 143)
    t.notMatch(stderr, /stopped/)
    t.notOk(isWhole((await readBody(response)).text))
  })
}
