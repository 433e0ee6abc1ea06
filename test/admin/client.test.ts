import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { Test } from 'tap'
import t from 'tap'
import { accountCalls } from '../../src/admin/client/accounts.ts'
import { createConnection } from '../../src/admin/client/connection.ts'
import { createHttpTransport, type HttpLimits } from '../../src/admin/client/http.ts'
import { makeCertificate } from '../helpers/certificates.ts'
import { secret } from '../helpers/secrets.ts'
import { makeFolder } from '../helpers/taxiway.ts'

const token = secret('the token of a client')
const json = { 'content-type': 'application/json; charset=utf-8' }

interface Met {
  readonly path: string
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

/** Calls on accounts of a server that answers so, and what it was asked. */
async function serve(
  t: Test,
  answer: (met: Met, response: ServerResponse) => unknown,
  limits?: HttpLimits,
  base = '',
) {
  const asked: Met[] = []
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const piece of request) body += piece
    const met = { path: request.url ?? '', headers: request.headers, body }
    asked.push(met)
    answer(met, response)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  const url = new URL(`http://127.0.0.1:${port}${base}`)
  const connection = createConnection(createHttpTransport({ url, token }, limits), '1.2.3')
  return { calls: accountCalls(connection), asked, url }
}

/** What went wrong, without the token in it. */
async function failureOf(t: Test, work: Promise<unknown>) {
  const error = (await work.then(
    () => undefined,
    (error) => error,
  )) as (Error & { code: string }) | undefined
  t.ok(error, 'it fails')
  t.notMatch(String(error?.stack), token)
  return { code: error?.code, message: error?.message }
}

t.test('the token goes along, and names may hold what paths may not', async (t) => {
  const answer = (_: Met, response: ServerResponse) => response.writeHead(200, json).end('{}')
  const { calls, asked } = await serve(t, answer, undefined, '/behind/a/proxy/')
  await calls.get('a/b c?d#e%2f')
  t.equal(asked[0]?.path, '/behind/a/proxy/api/v1/accounts/a%2Fb%20c%3Fd%23e%252f')
  t.equal(asked[0]?.headers.authorization, `Bearer ${token}`)
  t.equal(asked[0]?.headers['user-agent'], 'taxiway/1.2.3')
  await calls.change('x', { disabled: true })
  t.strictSame(JSON.parse(String(asked[1]?.body)), { disabled: true })
})

t.test('a list is read page by page, and one that goes round is given up', async (t) => {
  const pages: Record<string, object> = {
    first: { accounts: [{ name: 'a' }], next: 'x&y' },
    'x&y': { accounts: [{ name: 'b' }], next: null },
  }
  const { calls, asked } = await serve(t, ({ path }, response) => {
    const cursor = new URL(path, 'http://x').searchParams.get('cursor') ?? 'first'
    response.writeHead(200, json).end(JSON.stringify(pages[cursor]))
  })
  const names: string[] = []
  for await (const page of calls.list()) names.push(...page.map(({ name }) => name))
  t.strictSame(names, ['a', 'b'])
  t.match(asked[0]?.path, 'limit=500')

  pages['x&y'] = { accounts: [], next: 'x&y' }
  const readAll = async () => {
    for await (const page of calls.list()) names.push(...page.map(({ name }) => name))
  }
  const failure = await failureOf(t, readAll())
  t.match(failure, { code: 'ANSWER_UNREADABLE', message: /does not go on/ })
})

t.test('a refusal has its code and its words, as the command’s own errors have them', async (t) => {
  const { calls } = await serve(t, ({ path }, response) => {
    if (path.endsWith('/defect')) {
      response.writeHead(500, { 'content-type': 'application/problem+json' })
      return response.end('{"code":"INTERNAL","detail":"The log has it."}')
    }
    const problem = path.endsWith('/gone')
      ? { status: 404, code: 'ACCOUNT_NOT_FOUND', detail: 'There is no account "gone".' }
      : {
          status: 400,
          code: 'VALIDATION_FAILED',
          detail: 'TAXIWAY speaks. Twice.',
          errors: [{ place: '/role', message: 'is needed' }],
        }
    response
      .writeHead(problem.status, { 'content-type': 'application/problem+json; charset=utf-8' })
      .end(JSON.stringify({ type: 'about:blank', title: 'x', ...problem }))
  })
  t.strictSame(await failureOf(t, calls.get('gone')), {
    code: 'ACCOUNT_NOT_FOUND',
    message: 'there is no account "gone"',
  })
  const error = await calls.get('other').catch((error) => error)
  t.equal(error.message, 'TAXIWAY speaks. Twice.')
  t.match(await failureOf(t, calls.get('defect')), {
    code: 'INTERNAL',
    message: /^http:.* met an error that nobody had thought of: the log has it$/,
  })
  t.strictSame(error.faults, [{ place: '/role', message: 'is needed' }])
})

t.test('what is no answer of Taxiway is told as that', async (t) => {
  const answers: Record<string, [number, Record<string, string>, string, RegExp]> = {
    page: [
      200,
      { 'content-type': 'text/html' },
      '<h1>Log in</h1>',
      /HTTP 200, text\/html.*proxy's page/,
    ],
    gateway: [502, { 'content-type': 'text/html' }, 'Bad Gateway', /HTTP 502, text\/html/],
    foreign: [400, { 'content-type': 'application/json' }, '{"error":1}', /HTTP 400/],
    broken: [200, json, '{"name":', /not Taxiway's REST interface/],
    nothing: [200, {}, '', /of no type/],
    moved: [302, { location: 'https://elsewhere.example/' }, '', /leads elsewhere .*elsewhere/],
    route: [
      404,
      { 'content-type': 'application/problem+json' },
      '{"detail":"There is nothing at GET /api/v1/x.","code":"NOT_FOUND"}',
      /another version/,
    ],
  }
  const { calls, asked } = await serve(t, ({ path }, response) => {
    const [status, headers, body] = answers[path.split('/').at(-1) as string] ?? [500, {}, '', /x/]
    response.writeHead(status, headers).end(body)
  })
  for (const [name, [, , , words]] of Object.entries(answers)) {
    const failure = await failureOf(t, calls.get(name))
    t.match(failure, { code: 'ANSWER_UNREADABLE', message: words }, name)
  }
  t.equal(asked.length, Object.keys(answers).length, 'no redirect was followed')
})

t.test('a server that stops in the middle: what was to be changed may have been', async (t) => {
  const { calls } = await serve(t, (_, response) => {
    response.writeHead(200, { ...json, 'content-length': '100' }).write('{"na')
    response.destroy()
  })
  const read = await failureOf(t, calls.get('x'))
  t.match(read, { code: 'SERVER_UNREACHABLE', message: /broke before the answer was whole/ })
  t.notMatch(read.message, 'all the same')
  const written = await failureOf(t, calls.change('x', { disabled: true }))
  t.match(written.message, /it may have been done all the same: look before doing it again/)
})

t.test('an answer that does not come, or has no end, is given up', async (t) => {
  const silent = await serve(t, () => {}, { timeoutMs: 50, maxAnswerBytes: 1_000 })
  t.match(await failureOf(t, silent.calls.get('x')), {
    code: 'SERVER_UNREACHABLE',
    message: /did not answer within/,
  })
  const endless = await serve(
    t,
    (_, response) => {
      response.writeHead(200, json)
      const write = () => {
        while (!response.destroyed && response.write('x'.repeat(500)));
      }
      response.on('drain', write)
      write()
    },
    { timeoutMs: 10_000, maxAnswerBytes: 1_000 },
  )
  t.match(await failureOf(t, endless.calls.get('x')), {
    code: 'SERVER_UNREACHABLE',
    message: /larger than 1000 bytes/,
  })
})

t.test('who does not listen, and who speaks no TLS, is told from each other', async (t) => {
  const { url } = await serve(t, (_, response) => response.end())
  const closed = createServer()
  closed.listen(0, '127.0.0.1')
  await once(closed, 'listening')
  const { port } = closed.address() as AddressInfo
  await new Promise((done) => closed.close(done))
  const cases: [string, RegExp][] = [
    [`http://127.0.0.1:${port}`, /nothing listens there/],
    [url.href.replace('http:', 'https:'), /does not speak TLS as it should/],
    ['http://no-such-host.invalid', /name (is not known|cannot be looked up)/],
  ]
  for (const [href, words] of cases) {
    const transport = createHttpTransport({ url: new URL(href), token })
    const failure = await failureOf(t, accountCalls(createConnection(transport, '1')).get('x'))
    t.match(failure, { code: 'SERVER_UNREACHABLE', message: words }, href)
  }
})

t.test('a private CA is trusted where it is named, and only there', async (t) => {
  const folder = await makeFolder(t)
  const issuer = await makeCertificate(folder, 'ca', { isAuthority: true })
  const { cert, key } = await makeCertificate(folder, 'server', { issuer })
  const server = createTlsServer({ cert, key }, (_, response) => {
    response.writeHead(200, json).end('{"name":"x"}')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  const url = new URL(`https://127.0.0.1:${(server.address() as AddressInfo).port}`)
  const ask = (ca?: string, at = url) =>
    accountCalls(createConnection(createHttpTransport({ url: at, token, ca }), '1')).get('x')
  t.match(await failureOf(t, ask()), {
    code: 'SERVER_UNREACHABLE',
    message: /certificate is not trusted .*TAXIWAY_CA_FILE names who signs it/,
  })
  t.match(await ask(issuer.cert), { name: 'x' })
  const strict = createTlsServer({ cert, key, ca: issuer.cert, requestCert: true })
  strict.listen(0, '127.0.0.1')
  await once(strict, 'listening')
  t.teardown(() => strict.close())
  const strictUrl = new URL(`https://127.0.0.1:${(strict.address() as AddressInfo).port}`)
  t.match(await failureOf(t, ask(issuer.cert, strictUrl)), {
    code: 'SERVER_UNREACHABLE',
    message: /it wants a client certificate/,
  })
  const otherName = new URL(url)
  otherName.hostname = '127.0.0.2'
  server.close()
  server.closeAllConnections()
  server.listen(Number(url.port), '127.0.0.2')
  await once(server, 'listening')
  const misnamed = await failureOf(t, ask(issuer.cert, otherName))
  t.match(misnamed.message, /certificate is not for this name \(.*127\.0\.0\.2 is not in/)
  t.notMatch(String(misnamed.message), /TAXIWAY_CA_FILE/)
})
