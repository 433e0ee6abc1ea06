import { createServer } from 'node:net'
import { deflateSync, gzipSync } from 'node:zlib'
import t, { type Test } from 'tap'
import { type Asked, noon, pollOnce } from './polling.ts'
import {
  type Answering,
  contentBlock,
  domainPackage,
  goodHeaders,
  type Met,
  pollResponse,
  send,
  startRogueServer,
  statusMessage,
} from './rogue-server.ts'

const one = contentBlock(domainPackage('one.example'), noon)

async function pollAt(t: Test, answer: Answering, asked: Asked = {}) {
  const server = await startRogueServer(t, answer)
  return { ...(await pollOnce(server.url, asked)), ...server }
}

/** The way to poll a server that has nothing wrong, which the faults below depart from. */
t.test('a right answer is polled without a warning', async (t) => {
  const { outcome, rules, blocks } = await pollAt(t, (met) =>
    send(met, pollResponse(met, { count: 1, blocks: one })),
  )
  t.equal(outcome.fault, undefined)
  t.strictSame(rules, [])
  t.match(blocks, [{ packageId: 'ex:Package-one.example', reading: { choked: undefined } }])
  t.strictSame([...outcome.tally.types.values()], [{ type: 'domain', ingested: 1, distinct: 1 }])
})

interface Case {
  readonly answer: Answering
  readonly kind: string
  readonly says: RegExp
  readonly advises?: RegExp
  /** of requests; 3 is what the appliance makes */
  readonly attempts?: 1 | 3
  readonly asked?: Asked
}

const html = '<!DOCTYPE html><html><title>Log in</title></html>'
const withHeaders = (changes: Record<string, string | undefined>) => {
  const all = Object.entries({ ...goodHeaders, ...changes })
  return Object.fromEntries(all.filter(([, value]) => value !== undefined)) as Record<
    string,
    string
  >
}
const without = (met: Met, body: string, ...names: string[]) => {
  const gone = Object.fromEntries(names.map((name) => [name, undefined]))
  met.response.writeHead(200, withHeaders(gone)).end(body)
}

const cases: Record<string, Case> = {
  'an answer without X-TAXII-Content-Type': {
    answer: (met) => without(met, pollResponse(met), 'X-TAXII-Content-Type'),
    kind: 'not-taxii',
    says: /TAXII message, but comes without the header X-TAXII-Content-Type/,
  },
  'a web page': {
    answer: ({ response }) => response.writeHead(200, { 'Content-Type': 'text/html' }).end(html),
    kind: 'not-taxii',
    says: /a web page \(“Log in”\)/,
  },
  'an empty body': {
    answer: ({ response }) => response.writeHead(200).end(),
    kind: 'not-taxii',
    says: /is empty/,
  },
  'an empty body with the right headers': {
    answer: (met) => send(met, ''),
    kind: 'not-xml',
    says: /is empty/,
    attempts: 3,
  },
  JSON: {
    answer: ({ response }) => response.writeHead(200).end('{"title": "TAXII 2"}'),
    kind: 'not-taxii',
    says: /JSON, such as TAXII 2/,
  },
  'another message binding': {
    answer: (met) =>
      send(met, '<x/>', { 'X-TAXII-Content-Type': 'urn:taxii.mitre.org:message:xml:1.0' }),
    kind: 'not-taxii',
    says: /message:xml:1\.0, not in/,
  },
  'TAXII 1.0': {
    answer: (met) =>
      send(met, '<a xmlns="http://taxii.mitre.org/messages/taxii_xml_binding-1" message_id="1"/>'),
    kind: 'wrong-message',
    says: /taxii_xml_binding-1"/,
  },
  'a message that answers nothing': {
    answer: (met) => send(met, pollResponse(met).replaceAll('Poll_Response', 'Inbox_Message')),
    kind: 'wrong-message',
    says: /^the answer is <Inbox_Message>, which answers no request$/,
  },
  'an answer to something else': {
    answer: (met) => send(met, pollResponse(met).replaceAll('Poll_Response', 'Discovery_Response')),
    kind: 'wrong-message',
    says: /a Discovery_Response, not a Poll_Response/,
  },
  'a DOCTYPE': {
    answer: (met) => send(met, `<!DOCTYPE a [<!ENTITY b "b">]>${pollResponse(met)}`),
    kind: 'not-xml',
    says: /DOCTYPE/,
    attempts: 3,
  },
  'XML that is not well-formed': {
    answer: (met) => send(met, pollResponse(met, { blocks: '<Content_Block>&nbsp;' })),
    kind: 'not-xml',
    says: /not well-formed XML: line 1, column \d+: undefined entity/,
    attempts: 3,
  },
  'a message that breaks off': {
    answer: (met) => send(met, pollResponse(met, { blocks: one }).slice(0, -40)),
    kind: 'not-xml',
    says: /breaks off in the middle/,
    attempts: 3,
  },
  'a connection that breaks off': {
    answer: async ({ response }) => {
      response.writeHead(200, { ...goodHeaders, 'Content-Length': '1000' })
      await new Promise((resolve) => response.write('<a', resolve))
      response.destroy()
    },
    kind: 'connection-lost',
    says: /ended the connection too early/,
    attempts: 3,
  },
  'a server that ends connections': {
    answer: ({ response }) => void response.destroy(),
    kind: 'connection-lost',
    says: /too early/,
    attempts: 3,
  },
  'HTTP 401': {
    answer: (met) =>
      send(met, statusMessage(met, 'UNAUTHORIZED', '<Message>who?</Message>'), {}, 401),
    kind: 'unauthorized',
    says: /HTTP 401: UNAUTHORIZED: who\?/,
  },
  'HTTP 403': {
    answer: ({ response }) => response.writeHead(403).end(html),
    kind: 'unauthorized',
    says: /HTTP 403$/,
  },
  'HTTP 404': {
    answer: ({ response }) => response.writeHead(404).end(),
    kind: 'http-status',
    says: /HTTP 404/,
  },
  'HTTP 429': {
    answer: (met) =>
      send(
        met,
        statusMessage(met, 'FAILURE', '<Message>wait</Message>'),
        { 'Retry-After': '9' },
        429,
      ),
    kind: 'http-status',
    says: /HTTP 429: FAILURE: wait/,
    advises: /wait 9 s, then check the user name/,
    attempts: 3,
  },
  'HTTP 503': {
    answer: ({ response }) => response.writeHead(503).end(html),
    kind: 'http-status',
    says: /HTTP 503/,
    attempts: 3,
  },
  'a refusal': {
    answer: (met) =>
      send(
        met,
        statusMessage(
          met,
          'NOT_FOUND',
          '<Status_Detail><Detail name="ITEM">c</Detail></Status_Detail><Message>none</Message>',
        ),
      ),
    kind: 'status-message',
    says: /^NOT_FOUND \(ITEM=c\): none$/,
  },
  'a failure of the server': {
    answer: (met) => send(met, statusMessage(met, 'FAILURE')),
    kind: 'status-message',
    says: /^FAILURE$/,
    attempts: 3,
  },
  'SUCCESS instead of blocks': {
    answer: (met) => send(met, statusMessage(met, 'SUCCESS')),
    kind: 'status-message',
    says: /^SUCCESS$/,
  },
  'an answer that is to come later': {
    answer: (met) => send(met, statusMessage(met, 'PENDING')),
    kind: 'status-message',
    says: /^PENDING$/,
  },
  'a redirect that makes a GET of the POST': {
    answer: ({ response }) => response.writeHead(302, { Location: '/login?next=poll' }).end(),
    kind: 'redirect',
    says: /HTTP 302 leads to http:\/\/127\.0\.0\.1:\d+\/login\?next=poll, where .* a GET/,
  },
  'a redirect to another server': {
    answer: ({ response }) =>
      response.writeHead(307, { Location: 'https://user:word@evil.example/' }).end(),
    kind: 'redirect',
    says: /HTTP 307 leads to another server, https:\/\/evil\.example\/, to which the password is not/,
  },
  'a redirect to nowhere': {
    answer: ({ response }) => response.writeHead(308, { Location: 'http://[' }).end(),
    kind: 'redirect',
    says: /does not say where/,
  },
  'redirects without end': {
    answer: ({ response }) => response.writeHead(307, { Location: '/taxii/poll' }).end(),
    kind: 'redirect',
    says: /without end/,
  },
  'an encoding that nobody asked for': {
    answer: (met) => send(met, pollResponse(met), { 'Content-Encoding': 'br' }),
    kind: 'bad-encoding',
    says: /not asked for/,
  },
  'damaged gzip': {
    answer: (met) => send(met, pollResponse(met), { 'Content-Encoding': 'gzip' }),
    kind: 'bad-encoding',
    says: /damaged or cut off/,
    attempts: 3,
  },
  'gzip that is cut off': {
    answer: (met) =>
      send(met, gzipSync(pollResponse(met)).subarray(0, 80), { 'Content-Encoding': 'gzip' }),
    kind: 'bad-encoding',
    says: /damaged or cut off/,
    attempts: 3,
  },
  'gzip that inflates beyond bounds': {
    answer: (met) =>
      send(met, gzipSync(Buffer.alloc(4_000_000, ' ')), { 'Content-Encoding': 'gzip' }),
    kind: 'too-large',
    says: /longer than 1000000 bytes/,
    asked: { bounds: { maxResponseBytes: 1_000_000 } },
  },
  'a block beyond bounds': {
    answer: (met) =>
      send(met, pollResponse(met, { blocks: contentBlock('x'.repeat(200_000), noon) })),
    kind: 'too-large',
    says: /longer than 100000 characters/,
    asked: { limits: { maxPieceLength: 100_000 } },
  },
  'headers beyond bounds': {
    answer: (met) => send(met, pollResponse(met), { 'X-Long': 'x'.repeat(40_000) }),
    kind: 'too-large',
    says: /headers .* larger than 32 kB/,
  },
  'parts without end': {
    answer: (met) =>
      send(
        met,
        pollResponse(met, {
          attributes: `more="true" result_id="r" result_part_number="${met.number}"`,
          blocks: contentBlock(domainPackage(`part-${met.number}.example`), noon),
        }),
      ),
    kind: 'endless',
    says: /more than 5 parts/,
    asked: { maxParts: 5 },
  },
  'a server that does not answer': {
    answer: () => {},
    kind: 'timeout',
    says: /did not answer within 150 ms/,
    attempts: 3,
    asked: { bounds: { timeoutMs: 150 } },
  },
  'a server that falls silent': {
    answer: ({ response }) => {
      response.writeHead(200, goodHeaders)
      response.write('<a')
    },
    kind: 'timeout',
    says: /fell silent for 150 ms/,
    attempts: 3,
    asked: { bounds: { timeoutMs: 150 } },
  },
  'a server that trickles': {
    answer: ({ response }) => {
      response.writeHead(200, goodHeaders)
      const trickle = setInterval(() => response.write(' '), 20)
      response.on('close', () => clearInterval(trickle))
    },
    kind: 'timeout',
    says: /not whole after 200 ms/,
    asked: { bounds: { wholeMs: 200 } },
  },
}

for (const [
  name,
  { answer, kind, says, advises = /^/, attempts = 1, asked = {} },
] of Object.entries(cases)) {
  t.test(`${name} ends the poll after ${attempts} of 3 attempts, with advice`, async (t) => {
    const { outcome, requests, slept } = await pollAt(t, answer, asked)
    const { fault } = outcome
    t.equal(fault?.kind, kind)
    t.match(fault?.message, says)
    t.match(fault?.advice.join('\n'), advises)
    t.equal(requests.at(-1)?.attempt, attempts)
    t.strictSame(slept, attempts === 3 ? [1000, 3000] : [])
    if (kind !== 'endless') t.equal(requests.at(-1)?.fault, fault)
    t.notSame(outcome.stopped, true)
  })
}

t.test('a machine where nothing listens, and a name that is none', async (t) => {
  const { port, url } = await startRogueServer(t, () => {})
  url.port = String(port === 1 ? 2 : 1)
  t.match((await pollOnce(url)).outcome.fault, {
    kind: 'connection-refused',
    message: `nothing listens on 127.0.0.1 port ${url.port}`,
  })
  const nowhere = new URL('http://feeds.invalid/taxii/poll')
  t.match((await pollOnce(nowhere)).outcome.fault, {
    message: /no address is known for the name feeds/,
  })
})

t.test('something that does not speak HTTP is named', async (t) => {
  const server = createServer((socket) => socket.end('220 mail.example ESMTP\r\n'))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => server.close())
  const { port } = server.address() as { port: number }
  const { outcome } = await pollOnce(new URL(`http://127.0.0.1:${port}/`))
  t.equal(outcome.fault?.kind, 'not-http')
})

t.test('what an attempt brought that broke off is void', async (t) => {
  const blocks = one + contentBlock(domainPackage('two.example'), noon)
  const { outcome, rules, requests } = await pollAt(t, (met) => {
    const whole = pollResponse(met, { count: 2, blocks })
    send(met, met.number === 1 ? whole.slice(0, -5) : whole)
  })
  t.equal(outcome.fault, undefined)
  t.strictSame(
    requests.map(({ attempt, blocks, fault }) => [attempt, blocks, fault?.kind]),
    [
      [1, 2, 'not-xml'],
      [2, 2, undefined],
    ],
  )
  t.equal(outcome.tally.blocks, 2)
  t.match(outcome.tally.types.get('domain'), { ingested: 2, distinct: 2 })
  t.strictSame(rules, [], 'nor does the second attempt repeat the blocks of the first')
})

t.test('a redirect within the server keeps the POST, and is told', async (t) => {
  const { outcome, met, warned } = await pollAt(
    t,
    (met) =>
      met.path === '/taxii/poll'
        ? void met.response.writeHead(308, { Location: '/other' }).end()
        : send(met, pollResponse(met)),
    { authorization: 'Basic eDp5' },
  )
  t.equal(outcome.fault, undefined)
  t.strictSame(
    met.map(({ path, headers, body }) => [path, headers.authorization, body]),
    [
      ['/taxii/poll', 'Basic eDp5', met[0]?.body],
      ['/other', 'Basic eDp5', met[0]?.body],
    ],
  )
  t.match(warned, [{ rule: 'redirect' }])
})

t.test('gzip and deflate are inflated, in pieces that the network cuts', async (t) => {
  for (const [encoding, compress] of [
    ['gzip', gzipSync],
    ['deflate', deflateSync],
  ] as const) {
    const { outcome } = await pollAt(t, async (met) => {
      const body = compress(pollResponse(met, { blocks: one }))
      met.response.writeHead(200, { ...goodHeaders, 'Content-Encoding': encoding })
      for (const byte of body) {
        await new Promise((resolve) => met.response.write(Buffer.from([byte]), resolve))
      }
      met.response.end()
    })
    t.equal(outcome.fault, undefined)
    t.equal(outcome.tally.blocks, 1)
    t.ok(outcome.wireBytes > 100 && outcome.wireBytes < 1000, `${outcome.wireBytes}`)
  }
})

t.test('a stop while an answer is awaited ends the poll at once', async (t) => {
  const stop = new AbortController()
  const { outcome } = await pollAt(t, () => stop.abort(), { signal: stop.signal })
  t.match(outcome, { stopped: true, fault: undefined, windows: { polled: 0, planned: 1 } })
})
