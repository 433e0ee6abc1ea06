import { once } from 'node:events'
import { connect as connectTcp, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import Fastify from 'fastify'
import t, { type Test } from 'tap'
import { readConfig } from '../../src/config.ts'
import { forwardedHook } from '../../src/http/forwarded.ts'
import { taxiiRoutes } from '../../src/taxii/routes.ts'
import { findAttribute, readXml } from '../../src/xml/read.ts'
import { makeAuthority, makeCertificate } from '../helpers/certificates.ts'
import { identifyByPassword } from '../helpers/identify.ts'
import { makeFolder } from '../helpers/taxiway.ts'
import { memoryFeed, reader } from '../taxii/memory-feed.ts'
import { basic, childText, password, request, taxiiHeaders } from '../taxii/server.ts'

const folder = await makeFolder(t)
const issuer = await makeAuthority(folder, 'ca')
const { cert, key } = await makeCertificate(folder, 'server', { issuer })

interface Options {
  readonly tls?: boolean
  readonly host?: string
  readonly publicUrl?: string
}

async function start(t: Test, { tls = false, host = '127.0.0.1', publicUrl }: Options) {
  const app = Fastify({ forceCloseConnections: true, ...(tls && { https: { cert, key } }) })
  await app.register(taxiiRoutes, {
    feed: memoryFeed(),
    publicUrl,
    log: { info: () => {}, error: () => {} },
    identify: identifyByPassword(async (name, secret) =>
      name === reader.name && secret === password ? reader : undefined,
    ),
  })
  await app.listen({ port: 0, host })
  t.teardown(() => app.close())
  const { port } = app.server.address() as { port: number }

  /** Asks for discovery as it stands, and reads to the connection's end. */
  async function ask(
    protocol: 'http' | 'https',
    named: string | undefined,
    { version = '1.1', to = host }: { version?: '1.0' | '1.1'; to?: string } = {},
  ) {
    const socket: Socket = tls
      ? connectTls({ host: to, port, ca: issuer.cert })
      : connectTcp({ host: to, port })
    await once(socket, tls ? 'secureConnect' : 'connect')
    const body = request('Discovery_Request')
    const headers = {
      ...taxiiHeaders,
      Authorization: basic(reader.name, password),
      'X-TAXII-Protocol': `urn:taxii.mitre.org:protocol:${protocol}:1.0`,
      'Content-Length': String(Buffer.byteLength(body)),
      Connection: 'close',
      ...(named !== undefined && { Host: named }),
    }
    const head = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
    socket.write(`POST /taxii/discovery HTTP/${version}\r\n${head.join('')}\r\n${body}`)
    let text = ''
    for await (const data of socket.setEncoding('utf8')) text += data
    return text
  }

  return { port, ask }
}

/** Where polls are answered, by the Discovery_Response; or what the Status_Message says. */
function pollAddressOf(answer: string): string | undefined {
  const body = answer.slice(answer.indexOf('\r\n\r\n') + 4)
  const xml = body.slice(body.indexOf('<'), body.lastIndexOf('>') + 1)
  const root = readXml(Buffer.from(xml))
  if (root.name === 'Status_Message') return childText(root, 'Message')
  const services = root.children.filter(({ name }) => name === 'Service_Instance')
  const poll = services.find((one) => findAttribute(one, 'service_type') === 'POLL')
  return poll && childText(poll, 'Address')
}

const protocolOf = (answer: string) =>
  /^x-taxii-protocol: urn:taxii\.mitre\.org:protocol:(https?):1\.0\r$/im.exec(answer)?.[1]

t.test('without a public URL it is what the client has called, by http or https', async (t) => {
  for (const tls of [false, true]) {
    const scheme = tls ? 'https' : 'http'
    const { ask, port } = await start(t, { tls })
    const named = await ask(scheme, 'taxii.example.com:8443')
    t.equal(pollAddressOf(named), `${scheme}://taxii.example.com:8443/taxii/poll`)
    t.equal(protocolOf(named), scheme)
    t.equal(
      pollAddressOf(await ask(scheme, '[2001:db8::1]')),
      `${scheme}://[2001:db8::1]/taxii/poll`,
    )
    const nameless = await ask(scheme, undefined, { version: '1.0' })
    t.equal(pollAddressOf(nameless), `${scheme}://127.0.0.1:${port}/taxii/poll`)
    const other = tls ? 'http' : 'https'
    t.match(
      pollAddressOf(await ask(other, 'a')),
      new RegExp(`X-TAXII-Protocol must be .*:${scheme}:1`),
    )
  }
})

t.test('a client that names no host is told an address of IPv6 in brackets', async (t) => {
  const nameless = ['http', undefined, { version: '1.0' }] as const
  const six = await start(t, { host: '::1' })
  t.equal(pollAddressOf(await six.ask(...nameless)), `http://[::1]:${six.port}/taxii/poll`)
  const both = await start(t, { host: '::' })
  const four = await both.ask('http', undefined, { version: '1.0', to: '127.0.0.1' })
  t.equal(pollAddressOf(four), `http://127.0.0.1:${both.port}/taxii/poll`)
})

t.test('a public URL decides the address and the protocol, whatever is between', async (t) => {
  const urls = [
    ['https://feeds.example.org', 'https://feeds.example.org/taxii/poll'],
    ['https://feeds.example.org/threat/', 'https://feeds.example.org/threat/taxii/poll'],
    ['https://[2001:db8::1]:8443/a/b', 'https://[2001:db8::1]:8443/a/b/taxii/poll'],
    ['http://10.0.0.1:9000', 'http://10.0.0.1:9000/taxii/poll'],
  ] as const
  for (const [publicUrl, address] of urls) {
    const scheme = publicUrl.startsWith('https') ? 'https' : 'http'
    for (const tls of [false, true]) {
      const { ask } = await start(t, { tls, publicUrl })
      for (const version of ['1.0', '1.1'] as const) {
        const answer = await ask(scheme, 'inner:9000', { version })
        t.equal(pollAddressOf(answer), address)
        t.equal(protocolOf(answer), scheme)
      }
      const other = scheme === 'http' ? 'https' : 'http'
      t.match(pollAddressOf(await ask(other, 'inner')), `X-TAXII-Protocol must be`)
    }
  }
})

t.test('whatever TAXIWAY_TRUSTED_PROXIES takes, proxies are found by', async (t) => {
  const given = '10.0.0.5,10.1.0.0/16,1.0.0.0/08,::1,fd00::/8,::ffff:192.0.2.1,::/128,2000::/1'
  const { trustedProxies } = readConfig({ TAXIWAY_TRUSTED_PROXIES: given })
  const warnings: string[] = []
  const app = Fastify({ trustProxy: [...trustedProxies] })
  app.addHook('onRequest', forwardedHook({ warn: (_, message) => warnings.push(message) }))
  app.get('/', (request) => request.ip)
  const ipFor = async (remoteAddress: string) =>
    (await app.inject({ url: '/', remoteAddress, headers: { 'x-forwarded-for': '203.0.113.9' } }))
      .body
  const trusted = ['10.0.0.5', '::ffff:10.1.255.1', '1.2.3.4', '::1', 'fd12::1', '192.0.2.1']
  for (const address of trusted) t.equal(await ipFor(address), '203.0.113.9', address)
  t.strictSame(warnings, [])
  for (const address of ['10.0.0.6', '10.2.0.1', 'fc00::1', '192.0.2.2']) {
    t.equal(await ipFor(address), address)
  }
  t.match(warnings, [/^10\.0\.0\.6 sends X-Forwarded-For and is not believed/])
  t.equal(warnings.length, 1)
})
