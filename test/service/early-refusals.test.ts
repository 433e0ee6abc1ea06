import Fastify from 'fastify'
import t from 'tap'
import { answerBeforeTheEnd } from '../../src/http/unread-body.ts'
import { headersOf } from '../faults/xml-cases.ts'
import { type HttpAnswer, openWire, type Received, type Wire } from '../faults/xml-exchange.ts'
import { judgeAnswer } from '../faults/xml-judge.ts'
import { namespaces } from '../faults/xml-messages.ts'
import { startFuzzedServer } from '../faults/xml-server.ts'
import { secret } from '../helpers/secrets.ts'

const server = await startFuzzedServer(t)
const patienceMs = 60_000
const wrong = `Basic ${Buffer.from(`fuzzer:${secret('wrong password')}`).toString('base64')}`
const discovery = `<Discovery_Request xmlns="${namespaces['1.1']}" message_id="1"/>`
const megabyte = Buffer.alloc(1_048_576, ' ')

function head(length: number | 'chunked', more: Record<string, string> = {}): Buffer {
  const headers = {
    Host: 'localhost',
    Authorization: server.authorization,
    ...headersOf('1.1'),
    ...(length === 'chunked'
      ? { 'Transfer-Encoding': 'chunked' }
      : { 'Content-Length': String(length) }),
    ...more,
  }
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  return Buffer.from(`POST /taxii/discovery HTTP/1.1\r\n${lines.join('')}\r\n`)
}

function getAnswer(received: Received): HttpAnswer {
  if (received.kind === 'answer') return received.answer
  throw new Error(`no answer: ${received.kind}`)
}

const outcomeOf = (answer: HttpAnswer) => {
  const judged = judgeAnswer(answer)
  return judged.fault ?? judged.outcome
}

async function askAgain(wire: Wire): Promise<string> {
  await wire.send(Buffer.concat([head(discovery.length), Buffer.from(discovery)]), patienceMs)
  return outcomeOf(getAnswer(await wire.receive(patienceMs)))
}

function open(t: { teardown(work: () => void): void }, url = server.url): Wire {
  const wire = openWire(url)
  t.teardown(() => wire.close())
  return wire
}

t.test(
  'who sends more than is taken gets his answer, and then the end of the connection',
  async (t) => {
    const fault = Buffer.concat([Buffer.from('<a></b>'), megabyte])
    const cases: [what: string, head: Buffer, piece: Buffer, outcome: string][] = [
      [
        'a wrong password',
        head(20 * megabyte.length, { Authorization: wrong }),
        megabyte,
        'HTTP 401 UNAUTHORIZED',
      ],
      ['a message beyond its limit', head(20 * megabyte.length), megabyte, 'HTTP 413 BAD_MESSAGE'],
      ['a fault in the first bytes', head(20 * fault.length), fault, 'BAD_MESSAGE'],
      [
        'a type that is not read',
        head(20 * megabyte.length, { 'Content-Type': 'application/json' }),
        megabyte,
        'HTTP 415 UNSUPPORTED_MESSAGE',
      ],
      [
        'a compressed message',
        head(20 * megabyte.length, { 'Content-Encoding': 'gzip' }),
        megabyte,
        'HTTP 415 UNSUPPORTED_MESSAGE',
      ],
    ]
    for (const [what, sent, piece, outcome] of cases) {
      const wire = open(t)
      await wire.send(sent, patienceMs)
      // All of it is sent before the answer is looked at, as simple clients do.
      for (let pieces = 0; pieces < 20; pieces++) {
        t.ok(await wire.send(piece, patienceMs), `${what}: it is taken`)
      }
      const answer = getAnswer(await wire.receive(patienceMs))
      t.equal(outcomeOf(answer), outcome, what)
      t.equal(answer.headers.connection, 'close', what)
      const end = await wire.receive(patienceMs)
      t.match(end, { kind: 'ended', error: undefined }, `${what}: it ended in peace`)
    }
  },
)

t.test('chunks that go on for ever are answered while they are sent', async (t) => {
  const wire = open(t)
  await wire.send(head('chunked'), patienceMs)
  const chunk = Buffer.concat([
    Buffer.from(`${megabyte.length.toString(16)}\r\n`),
    megabyte,
    Buffer.from('\r\n'),
  ])
  for (let sent = 0; sent < 8; sent++) await wire.send(chunk, patienceMs)
  t.equal(outcomeOf(getAnswer(await wire.receive(patienceMs))), 'HTTP 413 BAD_MESSAGE')
})

t.test('what is short is read to its end, and the connection stays', async (t) => {
  const wire = open(t)
  const body = Buffer.from(`<a></b>${' '.repeat(20_000)}`)
  await wire.send(Buffer.concat([head(body.length), body]), patienceMs)
  t.equal(outcomeOf(getAnswer(await wire.receive(patienceMs))), 'BAD_MESSAGE')
  t.equal(await askAgain(wire), 'Discovery_Response')
  await wire.send(Buffer.concat([head(body.length, { Authorization: wrong }), body]), patienceMs)
  t.equal(outcomeOf(getAnswer(await wire.receive(patienceMs))), 'HTTP 401 UNAUTHORIZED')
  t.equal(await askAgain(wire), 'Discovery_Response')
})

t.test('who waits for 100 Continue is told before he sends what is refused anyway', async (t) => {
  const expects = { Expect: '100-continue' }
  const seen = async (more: Record<string, string>) => {
    const wire = open(t)
    let first = ''
    wire.socket.on('data', (bytes: Buffer) => {
      first += bytes.toString('latin1')
    })
    await wire.send(head(discovery.length, { ...expects, ...more }), patienceMs)
    await wire.sawAnything(patienceMs)
    return { wire, first: first.slice(0, 12) }
  }
  t.equal((await seen({ Authorization: wrong })).first, 'HTTP/1.1 401')
  const { wire, first } = await seen({})
  t.equal(first, 'HTTP/1.1 100')
  await wire.send(Buffer.from(discovery), patienceMs)
  t.equal(outcomeOf(getAnswer(await wire.receive(patienceMs))), 'Discovery_Response')
})

t.test('what is not behind its announced length is no message', async (t) => {
  const short = open(t)
  await short.send(Buffer.concat([head(discovery.length - 5), Buffer.from(discovery)]), patienceMs)
  const first = await short.receive(patienceMs)
  if (first.kind === 'answer') t.not(outcomeOf(first.answer), 'Discovery_Response')
  const both = open(t)
  const lies = head(discovery.length, { 'Transfer-Encoding': 'chunked' })
  await both.send(Buffer.concat([lies, Buffer.from(discovery)]), patienceMs)
  t.equal(getAnswer(await both.receive(patienceMs)).status, 400)
  const two = head(5, { 'Content-Length': '5\r\nContent-Length: 6' })
  const twice = open(t)
  await twice.send(two, patienceMs)
  t.equal(getAnswer(await twice.receive(patienceMs)).status, 400)
  t.equal(await askAgain(open(t)), 'Discovery_Response')
})

t.test('who goes on sending is listened to for so long, and who is silent for less', async (t) => {
  const app = Fastify({ forceCloseConnections: true })
  answerBeforeTheEnd(app, { lingerMs: 300, silenceMs: 100 })
  app.addHook('onRequest', async (_request, reply) => reply.code(403).send('no'))
  app.post('/', () => 'yes')
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  t.teardown(() => app.close())
  const request = Buffer.from('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000000\r\n\r\n')
  const silent = open(t, url)
  await silent.send(request, patienceMs)
  t.match(await silent.receive(patienceMs), { answer: { status: 403, body: Buffer.from('no') } })
  t.match(await silent.receive(patienceMs), { kind: 'ended' })

  const talking = open(t, url)
  await talking.send(request, patienceMs)
  t.match(await talking.receive(patienceMs), { answer: { status: 403 } })
  while (talking.socket.writable) await talking.send(megabyte, patienceMs)
  t.match(await talking.receive(patienceMs), { kind: 'ended' })
})

t.test('nothing of it was an error of the server, and it kept nothing', async (t) => {
  t.strictSame(server.faults, [])
  t.ok(server.residentMb() < 400, `${server.residentMb()} MB`)
})
