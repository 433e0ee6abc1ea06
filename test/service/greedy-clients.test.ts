import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import { trackConnections } from '../../src/http/connections.ts'
import { createEndings, type Ending } from '../../src/http/endings.ts'
import { type ConnectionLimits, defaultLimits } from '../../src/http/limits.ts'
import { boundedServer } from '../../src/http/server.ts'
import { makeAuthority, makeCertificate } from '../helpers/certificates.ts'
import { makeFolder } from '../helpers/taxiway.ts'
import { askOn, connectTls } from './tls-server.ts'

const folder = await makeFolder(t)
const issuer = await makeAuthority(folder, 'ca')
const { cert, key } = await makeCertificate(folder, 'server', { issuer })

async function startTls(t: Test, changed: Partial<ConnectionLimits>) {
  const limits = { ...defaultLimits, ...changed }
  const ended: Ending[] = []
  const onEnded = (ending: Ending) => ended.push(ending)
  const { createServer, onClientError } = boundedServer({ tls: { cert, key }, limits, onEnded })
  const server = createServer((_request, response) => {
    response.setHeader('content-length', 2).end('ok')
  })
  server.on('clientError', onClientError)
  const connections = trackConnections(server, { limits, trustedProxies: [], onEnded })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(async () => {
    connections.cut()
    server.close()
    await once(server, 'close')
  })
  const { port } = server.address() as AddressInfo
  return { connections, ended, connect: () => connectTls(port, { ca: issuer.cert }) }
}

t.test('with TLS a connection counts once, and makes room as without', async (t) => {
  const { connections, ended, connect } = await startTls(t, { maxConnectionsPerAddress: 3 })
  const sockets = [await connect(), await connect(), await connect()]
  for (const socket of sockets) t.equal(await askOn(socket), 'ok')
  t.equal(connections.count().open, 3)
  t.strictSame(ended, [])
  const [first] = sockets
  const gone = first && once(first, 'close')
  t.equal(await askOn(await connect()), 'ok')
  await gone
  t.equal(connections.count().open, 3)
  t.strictSame(ended, ['made room'])
})

t.test('with TLS a request that comes too slowly is refused, too', async (t) => {
  const { ended, connect } = await startTls(t, { headSeconds: 1 })
  const socket = await connect()
  let text = ''
  socket.on('data', (piece) => {
    text += piece
  })
  socket.write('GET / HTTP/1.1\r\nHost')
  await once(socket, 'close')
  t.match(text, /^HTTP\/1\.1 408 /)
  t.strictSame(ended, ['slow head'])
})

t.test('of one client and one reason a line a minute is logged, and all are counted', async (t) => {
  const clock = { now: 0 }
  const lines: string[] = []
  let counted = 0
  const onEnded = createEndings({
    limits: defaultLimits,
    log: { info: (_details, message) => lines.push(message) },
    count: () => {
      counted += 1
    },
    now: () => clock.now,
  })
  for (let n = 0; n < 100; n += 1) onEnded('slow body', '192.0.2.7')
  t.strictSame(lines, [
    'a connection of 192.0.2.7 was ended: its request was not whole after 300 s (TAXIWAY_REQUEST_SECONDS)',
  ])
  onEnded('not reading', '192.0.2.7')
  onEnded('slow body', '192.0.2.8')
  t.equal(lines.length, 3, 'another reason and another client have lines of their own')
  clock.now = 60_000
  onEnded('slow body', '192.0.2.7')
  t.match(lines[3], /192\.0\.2\.7 .*; so were 99 more in the time before$/)
  t.equal(counted, 103)
  // Of as many clients as there are, few are remembered.
  for (let n = 0; n < 5_000; n += 1) onEnded('slow head', `2001:db8:${n.toString(16)}::1`)
  t.equal(lines.length, 5_004)
})
