import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { inspect } from 'node:util'
import t, { type Test } from 'tap'
import type { OtxClientOptions } from '../../../src/sources/otx/client.ts'
import type { OtxFault } from '../../../src/standins/otx-faults.ts'
import { aClient, apiKey, everyId, failureOf, idsOf, start } from './clients.ts'

/** A client of a server that does what no stand-in does. */
async function against(t: Test, answer: RequestListener, settings: Partial<OtxClientOptions> = {}) {
  const server = createServer(answer)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const theClient = aClient(t, url, { retries: 0, ...settings })
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return { url, ...theClient }
}

const json = { 'content-type': 'application/json' }

t.test('a refused key names its variable, is not tried again and is not repeated', async (t) => {
  const { walk, waits } = await start(t, { apiKey: 'wr0ng-key' })
  const error = await failureOf(walk())
  t.match(error, {
    code: 'OTX_KEY_REFUSED',
    message: 'OTX refused the key (HTTP 403): check TAXIWAY_OTX_API_KEY',
    retryable: false,
  })
  t.strictSame(waits, [])
  t.notMatch(`${error.stack}${error.cause}`, 'wr0ng-key')
})

t.test('other refusals carry the reason that OTX gives, without the key', async (t) => {
  const echoed = `bad request of ${apiKey}\u0007 and ${apiKey.toUpperCase()}`
  const { walk } = await against(t, (_, response) => {
    response.writeHead(400, json).end(`{"detail": "${echoed}"}`)
  })
  t.match(await failureOf(walk()), {
    code: 'OTX_REFUSED',
    message: 'OTX answered HTTP 400: bad request of … and …',
    retryable: false,
  })
})

t.test('whatever the upstream echoes, no error and no retry holds the key', async (t) => {
  const echo = (status: number, body: (key: string) => string): RequestListener => {
    return (request, response) => {
      const key = String(request.headers['x-otx-api-key'])
      response.writeHead(status, { ...json, location: `/${key}` }).end(body(key))
    }
  }
  const envelope = (next: string) => JSON.stringify({ results: [1, 2], count: 9, next })
  const answers = [
    ...[302, 400, 401, 403, 404, 429, 500, 504].map((status) =>
      echo(status, (key) => `{"detail":"${key}"}`),
    ),
    echo(200, (key) => `<html>${key}`),
    echo(200, (key) => `{"results":["${key}`),
    echo(200, (key) => `{"detail":"${key}"}`),
    echo(200, (key) => envelope(`http://elsewhere.test/${key}`)),
    echo(200, (key) => envelope(`http://${key}.test/`)),
    echo(200, (key) => envelope(`http://elsewhere.test/${'x'.repeat(90)}${key}`)),
    echo(200, (key) => envelope(`http://[${key}`)),
    echo(200, (key) => envelope(`?page=${key}`)),
  ]
  for (const answer of answers) {
    const { walk, retries } = await against(t, answer, { retries: 1 })
    const error = await failureOf(walk())
    const told = inspect([error, error.cause, retries], { depth: 9, showHidden: true })
    t.notMatch(told.toLowerCase(), apiKey.slice(0, 12))
  }
})

t.test('the key never goes to another origin', async (t) => {
  const other = await start(t)
  const { walk, standin } = await start(t, { retries: 0 })
  standin.misbehave({ kind: 'foreign-next', origin: other.url })
  t.match(await failureOf(walk()), { code: 'OTX_FOREIGN_NEXT' })
  t.strictSame(other.standin.requests, [])
})

t.test('a redirect is not followed, not even on the same origin', async (t) => {
  const other = await start(t)
  const { walk, standin, client, url, waits } = await start(t)
  for (const location of [`${other.url}/api/v1/pulses/subscribed`, `${url}/api/v1/users/me`]) {
    standin.misbehave({ kind: 'redirect', location })
    t.match(await failureOf(walk()), {
      code: 'OTX_REFUSED',
      message: 'OTX answered HTTP 302',
      retryable: false,
    })
    standin.misbehave({ kind: 'redirect', location })
    t.match(await failureOf(client.findPulse('p1')), { code: 'OTX_REFUSED' })
  }
  t.strictSame(waits, [])
  t.strictSame(other.standin.requests, [])
  t.equal(standin.requests.length, 4)
})

t.test('compressed answers are inflated; what counts as bytes is what was sent', async (t) => {
  const plain = await start(t)
  const { walk, standin } = await start(t, { pageSize: 8 }, { gzip: true })
  const [page] = await walk()
  t.strictSame(idsOf(page ? [page] : []), everyId)
  const [same] = await plain.walk({ pageSize: 8 })
  t.ok(Number(page?.bytes) * 2 < Number(same?.bytes))
  // The stand-in compresses for those alone who ask.
  const response = await standin.app.inject({
    url: '/api/v1/pulses/subscribed',
    headers: { 'x-otx-api-key': apiKey },
  })
  t.equal(response.headers['content-encoding'], undefined)
})

t.test('a compressed answer that cannot be read is asked for again', async (t) => {
  const faults: OtxFault[] = [
    { kind: 'damaged-gzip' },
    { kind: 'encoding', name: 'gzip' },
    { kind: 'encoding', name: 'br' },
    { kind: 'encoding', name: 'gzip, gzip' },
  ]
  for (const fault of faults) {
    const { walk, standin, retries } = await start(t)
    standin.misbehave(fault)
    t.strictSame(idsOf(await walk()), everyId)
    t.strictSame(
      retries.map(({ error }) => error.code),
      ['OTX_BAD_ENCODING'],
    )
  }
  const { walk, standin } = await start(t)
  standin.misbehave({ kind: 'encoding', name: 'Identity' })
  t.strictSame(idsOf(await walk()), everyId)
})

t.test('a small answer that inflates without end is given up at the bound', async (t) => {
  const { client, standin } = await start(t, { maxBodyBytes: 1_000_000 })
  standin.misbehave({ kind: 'gzip-bomb', inflatedBytes: 20_000_000 })
  t.match(await failureOf(client.findPulse('p1')), {
    code: 'OTX_BODY_TOO_LARGE',
    message: 'an answer of OTX is longer than 1000000 bytes',
    retryable: false,
  })
  standin.misbehave({ kind: 'gzip-bomb', inflatedBytes: 900_000 })
  t.match(await client.findPulse('p1'), { id: 'p1' })
})

t.test(
  'an answer that never ends is cut off at the bound, and its connection with it',
  async (t) => {
    let sent = 0
    let closed: Promise<void> | undefined
    const { client } = await against(
      t,
      (_, response) => {
        closed = new Promise((resolve) => response.on('close', resolve))
        response.writeHead(200, json)
        const more = () => {
          while (!response.destroyed) {
            sent += 65_536
            if (!response.write(' '.repeat(65_536))) return
          }
        }
        response.on('drain', more)
        more()
      },
      { maxBodyBytes: 500_000 },
    )
    t.match(await failureOf(client.me()), { code: 'OTX_BODY_TOO_LARGE' })
    await closed
    t.ok(sent < 50_000_000)
  },
)

t.test('an error with a page of its own that never ends is still the error', async (t) => {
  const { walk } = await against(t, (_, response) => {
    response.writeHead(400, json)
    response.write(' '.repeat(100_000))
  })
  t.match(await failureOf(walk()), { code: 'OTX_REFUSED', message: 'OTX answered HTTP 400' })
})

t.test('small JSON that would fill the memory is not parsed', async (t) => {
  const answers = [
    ['['.repeat(65), 'OTX_NOT_JSON'],
    [`{"results":[${'{"a":'.repeat(70)}1${'}'.repeat(70)}]}`, 'OTX_NOT_JSON'],
    [`{"results":[${'0,'.repeat(4_000_001)}0]}`, 'OTX_BODY_TOO_LARGE'],
  ] as const
  for (const [body, code] of answers) {
    const { walk } = await against(t, (_, response) => response.writeHead(200, json).end(body))
    t.match(await failureOf(walk()), { code })
  }
  // Brackets and commas within strings are text.
  const name = `${'[{'.repeat(100)} \\"[ ${','.repeat(100)} \\`
  const { client } = await against(t, (_, response) =>
    response.writeHead(200, json).end(JSON.stringify({ username: name })),
  )
  t.strictSame(await client.me(), { username: name })
})
