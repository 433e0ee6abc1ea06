import { connect, type Socket } from 'node:net'
import t from 'tap'
import {
  askAs,
  countBlocks,
  hasBlock,
  isWhole,
  openPoll,
  poll,
  pollRequest,
  readUntil,
  taxiiHeaders,
} from '../helpers/poll.ts'
import { startService } from '../helpers/taxiway.ts'
import { administrator, blocks, makeBigFeed } from './big-feed.ts'

const databaseUrl = await makeBigFeed(t)
const service = await startService(t, { TAXIWAY_DATABASE_URL: databaseUrl })
const port = Number(new URL(service.url).port)

const head = (login = administrator) =>
  `POST /taxii/poll HTTP/1.1\r\nHost: taxiway\r\n${Object.entries(taxiiHeaders(login))
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join('')}`

/** Sends as it stands, on a connection that stays open until the test ends. */
async function send(t: { teardown(end: () => void): void }, text: string): Promise<Socket> {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => {
    // To be cut off is an answer too.
  })
  t.teardown(() => socket.destroy())
  await new Promise<void>((resolve) => socket.write(text, () => resolve()))
  return socket
}

async function isWell(): Promise<boolean> {
  const { status, text } = await poll(service.url, administrator, 'hashes')
  return status === 200 && isWhole(text) && countBlocks(text) === blocks
}

t.test('requests of which one half is sent hold up nobody, nor the end', async (t) => {
  const own = await startService(t, { TAXIWAY_DATABASE_URL: databaseUrl })
  const sockets = Array.from({ length: 200 }, (_, index) => {
    const socket = connect(Number(new URL(own.url).port), '127.0.0.1')
    socket.on('error', () => {})
    t.teardown(() => {
      socket.destroy()
    })
    const text = index % 2 ? 'POST /taxii/poll HTTP/1.1\r\nHost: x\r\nContent-Le' : ''
    return new Promise<void>((resolve) =>
      socket.once('connect', () => (text ? socket.write(text, () => resolve()) : resolve())),
    )
  })
  await Promise.all(sockets)
  t.equal(
    (await poll(own.url, administrator, 'hashes', { responseType: 'COUNT_ONLY' })).status,
    200,
  )
  own.process.kill('SIGTERM')
  const { code, stderr } = await own.ended
  t.equal(code, 0)
  t.notMatch(stderr, /are cut/)
})

t.test('clients that hang up in the middle leave nothing behind', async (t) => {
  for (let round = 0; round < 3; round += 1) {
    const polls = Array.from({ length: 15 }, async () => {
      const response = await openPoll(service.url, administrator, pollRequest('hashes'))
      await readUntil(response, hasBlock)
      response.destroy()
    })
    await Promise.all(polls)
  }
  // More than the pool has connections: one kept by a poll that is gone would be missed.
  t.ok(await isWell())
  t.notMatch(service.stderr(), /"level":(50|60)/, 'and no alarm')
})

t.test('pipelined requests are answered one for one', async (t) => {
  const body = pollRequest('hashes', { responseType: 'COUNT_ONLY' })
  const one = `${head()}Content-Length: ${body.length}\r\n\r\n${body}`
  const socket = await send(t, one.repeat(30))
  const end = '</taxii_11:Poll_Response>'
  const text = await readUntil(socket, (text) => text.split(end).length > 30)
  t.equal(text.split('HTTP/1.1 200 OK').length - 1, 30)
  t.equal(text.split(`<taxii_11:Record_Count>${blocks}<`).length - 1, 30)
})

const odd: Record<string, [string, RegExp]> = {
  'no HTTP': ['EHLO taxiway\r\n\r\n', /^HTTP\/1\.1 400 /],
  'headers of 100 kB': [`${head()}X: ${'x'.repeat(100_000)}\r\n\r\n`, /^HTTP\/1\.1 431 /],
  'a path of 15 kB': [`POST ${'/a'.repeat(7_500)} HTTP/1.1\r\nHost: x\r\n\r\n`, /^HTTP\/1\.1 404 /],
  'a path that is no text': ['GET /%zz HTTP/1.1\r\nHost: x\r\n\r\n', /^HTTP\/1\.1 400 /],
  'no host': ['GET /livez HTTP/1.1\r\n\r\n', /^HTTP\/1\.1 400 /],
  'two lengths': [
    `${head()}Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n`,
    /^HTTP\/1\.1 400 /,
  ],
  'a length beyond all bounds': [
    `${head()}Content-Length: 99999999999\r\n\r\n`,
    /^HTTP\/1\.1 413 /,
  ],
  'a message that is compressed': [
    `${head()}Content-Encoding: gzip\r\nContent-Length: 4\r\n\r\n\x1f\x0b\x08\x00`,
    /^HTTP\/1\.1 415 [\s\S]*status_type="UNSUPPORTED_MESSAGE"/,
  ],
  'a name that is no text': [
    `POST /taxii/poll HTTP/1.1\r\nHost: x\r\nAuthorization: Basic ${Buffer.from('a\0b:c').toString('base64')}\r\nContent-Length: 0\r\n\r\n`,
    /^HTTP\/1\.1 401 /,
  ],
}
for (const [what, [text, expected]] of Object.entries(odd)) {
  t.test(`${what} is refused`, async (t) => {
    const socket = await send(t, text)
    t.match(await readUntil(socket, (text) => expected.test(text)), expected)
    t.equal((await fetch(`${service.url}/readyz`)).status, 200)
  })
}

t.test(
  'fifty wrong passwords at once are refused, and hold up nobody who was let in before',
  async (t) => {
    t.ok(await isWell())
    let open = 50
    const wrong = Array.from({ length: 50 }, async (_, index) => {
      const status = await askAs(service.url, 'root', `wrong ${index}`, '127.0.0.2')
      open -= 1
      return status
    })
    t.ok(await isWell())
    t.ok(open > 25, `${open} of them were still waiting`)
    const statuses = (await Promise.all(wrong)).toSorted()
    t.same(statuses, [...Array(11).fill(401), ...Array(39).fill(429)], 'ten of them were free')
  },
)

t.test('after all this it is well, and has raised no alarm', async (t) => {
  t.ok(await isWell())
  t.notMatch(service.stderr(), /"level":(50|60)/)
  service.process.kill('SIGTERM')
  t.equal((await service.ended).code, 0)
})
