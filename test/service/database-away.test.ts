import { connect } from 'node:net'
import t from 'tap'
import {
  countBlocks,
  hasBlock,
  isWhole,
  openPoll,
  poll,
  pollRequest,
  readBody,
  readUntil,
  taxiiHeaders,
} from '../helpers/poll.ts'
import { type Settings, startService } from '../helpers/taxiway.ts'
import { startTcpProxy } from '../helpers/tcp-proxy.ts'
import { administrator, blocks, makeBigFeed } from './big-feed.ts'

const databaseUrl = await makeBigFeed(t)

interface Teardown {
  teardown(work: () => Promise<void>): void
}

async function startBehindProxy(t: Teardown, settings: Settings = {}) {
  const url = new URL(databaseUrl)
  const proxy = await startTcpProxy(t, Number(url.port))
  url.port = String(proxy.port)
  return { proxy, service: await startService(t, { TAXIWAY_DATABASE_URL: url.href, ...settings }) }
}

const countOnly = { responseType: 'COUNT_ONLY' } as const

t.test('while the database is away the service says so, and recovers by itself', async (t) => {
  const { proxy, service } = await startBehindProxy(t)
  t.match((await poll(service.url, administrator, 'hashes', countOnly)).text, `>${blocks}<`)
  await proxy.cut()

  const ready = await fetch(`${service.url}/readyz`)
  t.equal(ready.status, 503)
  t.match(ready.headers.get('content-type'), /^application\/problem\+json\b/)
  t.same(await ready.json(), {
    type: 'about:blank',
    code: 'STORE_UNAVAILABLE',
    title: 'Not ready',
    status: 503,
    detail: 'The database does not answer. The log says more.',
  })
  t.equal((await fetch(`${service.url}/livez`)).status, 200, 'a restart would not help')
  t.equal((await fetch(`${service.url}/metrics`)).status, 200)

  for (const options of [countOnly, {}]) {
    const { status, headers, text } = await poll(service.url, administrator, 'hashes', options)
    t.equal(status, 503)
    t.equal(headers['content-type'], 'application/xml')
    t.equal(headers['x-taxii-content-type'], 'urn:taxii.mitre.org:message:xml:1.1')
    t.equal(headers['x-taxii-services'], 'urn:taxii.mitre.org:services:1.1')
    t.equal(headers['x-taxii-protocol'], 'urn:taxii.mitre.org:protocol:http:1.0')
    t.match(text, 'status_type="FAILURE"')
    t.match(text, 'the store is not available for the moment')
    t.notMatch(text, /postgres|127\.0\.0\.1|ECONN/)
  }
  await service.saw(/"level":50.*ECONNREFUSED/)

  await proxy.restore()
  t.equal((await fetch(`${service.url}/readyz`)).status, 200)
  const whole = await poll(service.url, administrator, 'hashes')
  t.equal(whole.status, 200)
  t.equal(countBlocks(whole.text), blocks)
  service.process.kill('SIGTERM')
  t.equal((await service.ended).code, 0)
})

t.test('a poll whose database goes away in the middle is visibly broken', async (t) => {
  const { proxy, service } = await startBehindProxy(t)
  const response = await openPoll(service.url, administrator, pollRequest('hashes'))
  t.equal(response.statusCode, 200)
  const first = await readUntil(response, hasBlock)
  await proxy.cut()
  const { text: rest, error } = await readBody(response)
  const text = first + rest
  t.ok(error, 'the connection breaks before the last chunk')
  t.ok(countBlocks(text) > 0)
  t.ok(countBlocks(text) < blocks)
  t.notOk(isWhole(text))
  await service.saw(/a Poll_Response was broken off/)

  await proxy.restore()
  t.ok(isWhole((await poll(service.url, administrator, 'hashes')).text))
})

t.test(
  'it is broken for a client of HTTP/1.0 too, to whom the end of the connection is the end',
  async (t) => {
    const { proxy, service } = await startBehindProxy(t)
    const body = pollRequest('hashes')
    const socket = connect(Number(new URL(service.url).port), '127.0.0.1')
    const headers = { ...taxiiHeaders(administrator), 'Content-Length': Buffer.byteLength(body) }
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
    socket.write(`POST /taxii/poll HTTP/1.0\r\n${lines.join('')}\r\n${body}`)
    let text = await readUntil(socket, hasBlock)
    await proxy.cut()
    const ended = new Promise((resolve) => socket.once('close', resolve))
    socket.on('error', () => {
      // A reset is as good a sign as the end.
    })
    socket.setEncoding('utf8').on('data', (data) => {
      text += data
    })
    await ended
    t.match(text, /^HTTP\/1\.[01] 200 /)
    t.notMatch(text, /transfer-encoding/i)
    t.ok(countBlocks(text) > 0)
    t.notOk(isWhole(text))
  },
)

t.test('a database that neither answers nor breaks the connection', async (t) => {
  const { proxy, service } = await startBehindProxy(t)
  proxy.freeze()
  const answers = await Promise.all(
    Array.from({ length: 30 }, () => fetch(`${service.url}/readyz`)),
  )
  t.same(new Set(answers.map(({ status }) => status)), new Set([503]), 'asked in time')
  t.equal((await fetch(`${service.url}/livez`)).status, 200)

  await t.test('and is back', async (t) => {
    await proxy.restore()
    t.equal((await fetch(`${service.url}/readyz`)).status, 200)
    t.match((await poll(service.url, administrator, 'hashes', countOnly)).text, `>${blocks}<`)
  })

  await t.test('does not keep the service from its end', async (t) => {
    proxy.freeze()
    t.equal((await fetch(`${service.url}/readyz`)).status, 503)
    const began = Date.now()
    service.process.kill('SIGTERM')
    const { code, stderr } = await service.ended
    t.equal(code, 0)
    t.match(stderr, /"msg":"stopped"/)
    t.ok(Date.now() - began < 60_000)
  })
})
