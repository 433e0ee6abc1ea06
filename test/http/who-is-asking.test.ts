import { connect } from 'node:net'
import type { FastifyRequest } from 'fastify'
import t from 'tap'
import { readCredentials } from '../../src/http/credentials.ts'
import { revokeToken } from '../../src/store/tokens.ts'
import { noteSecret } from '../helpers/secrets.ts'
import { basic, bearer, startApp } from './server.ts'

const app = await startApp(t)
const root = await app.addAccount('root', 'administrator')
const esa1 = await app.addAccount('esa1')
const { token } = await app.addToken(root.account.id)

const restChallenge = 'Bearer realm="taxiway"'
const path = '/api/v1/account'

async function whoAmI(authorization: string | readonly string[] | undefined) {
  const answer = await app.ask({ path, headers: { Authorization: authorization } })
  return { ...answer, body: JSON.parse(answer.text) }
}

t.test('the REST interface knows who shows a token or a JWT', async (t) => {
  t.match(await whoAmI(bearer(token)), { status: 200, body: { name: 'root', proof: 'token' } })
  const jwt = noteSecret((await app.identify.issueJwt('esa1', esa1.password, '::1')) ?? '', 'JWT')
  t.match(await whoAmI(bearer(jwt)), { status: 200, body: { name: 'esa1', proof: 'jwt' } })
  t.equal((await whoAmI(`bearer   ${token}  `)).status, 200, 'in any letters, after any blanks')
})

t.test('without a proof it asks for a token, and says where there is one', async (t) => {
  const { status, headers, body } = await whoAmI(undefined)
  t.equal(status, 401)
  t.equal(headers['www-authenticate'], restChallenge)
  t.match(headers['content-type'], /^application\/problem\+json/)
  t.match(body, { status: 401, code: 'UNAUTHORIZED', detail: /POST \/management\/auth/ })
  t.match(body.detail, 'taxiway account token add')
})

t.test('it refuses passwords, right ones too, and does not look at them', async (t) => {
  const before = await app.signIns()
  const { status, headers, body } = await whoAmI(basic('root', root.password))
  t.equal(status, 401)
  t.equal(headers['www-authenticate'], restChallenge)
  t.match(body, { code: 'UNAUTHORIZED', detail: /^Basic is not accepted here.*token/ })
  t.same(await app.signIns(), before)
})

t.test('a header full of blanks is read in no time', async (t) => {
  const header = `Bearer a${' '.repeat(15_000)}b`
  const request = { raw: { rawHeaders: ['Authorization', header] } } as FastifyRequest
  const began = process.cpuUsage()
  for (let n = 0; n < 100; n += 1) {
    t.equal(readCredentials(request)?.scheme, 'malformed bearer')
  }
  t.ok(process.cpuUsage(began).user < 2_000_000)
})

t.test('a token that is not valid is told apart from none', async (t) => {
  const revoked = await app.addToken(root.account.id)
  await revokeToken(app.db, revoked.id)
  for (const wrong of ['abc', `taxiway_${'a'.repeat(43)}`, revoked.token, '', 'a b', 'ä']) {
    const { status, headers, body } = await whoAmI(Buffer.from(bearer(wrong)).toString('latin1'))
    t.equal(status, 401, wrong.slice(0, 3))
    t.equal(headers['www-authenticate'], `${restChallenge}, error="invalid_token"`)
    t.match(body, { code: 'UNAUTHORIZED', detail: /bearer token is not valid/ })
  }
})

t.test('a token that expires between two requests is refused by the second', async (t) => {
  const short = await app.addToken(esa1.account.id, null, 1)
  t.equal((await whoAmI(bearer(short.token))).status, 200)
  const before = app.clock.now
  app.clock.now = new Date(before.getTime() + 86_400_000 + 60_000)
  t.equal((await whoAmI(bearer(short.token))).status, 401)
  app.clock.now = before
})

t.test('what is no Authorization header that one can read is a 401', async (t) => {
  const good = bearer(token)
  for (const [what, header] of Object.entries({
    'another scheme': 'Digest username="root"',
    'a scheme alone': 'Bearer',
    'nothing in it': '',
    'a token without its scheme': token,
    'two of them': [good, good],
    'two different ones': [good, bearer('abc')],
    'two in one': `${good}, ${good}`,
    'base64 that is none': 'Basic %%%',
    'Basic with nothing': 'Basic ',
    'no colon': `Basic ${Buffer.from('root').toString('base64')}`,
    'a NUL in the name': basic('ro\0ot', root.password),
    'a NUL in the password': basic('root', `${root.password}\0`),
    'a line break': basic('root', 'a\nb'),
    'no UTF-8': `Basic ${Buffer.from([0xff, 0xfe, 0x3a, 0xff]).toString('base64')}`,
    'half a character': `Basic ${Buffer.from([0xed, 0xa0, 0x80, 0x3a, 0x61]).toString('base64')}`,
    'a very long token': bearer(`taxiway_${'a'.repeat(14_000)}`),
    'a very long JWT': bearer(`${'a'.repeat(5_000)}.${'b'.repeat(5_000)}.${'c'.repeat(4_000)}`),
    'a very long name': basic('x'.repeat(10_000), 'y'),
    'a very long password': basic('root', 'y'.repeat(10_000)),
  })) {
    const rest = await whoAmI(header)
    t.equal(rest.status, 401, what)
    const taxii = await app.ask({
      method: 'POST',
      path: '/taxii/discovery',
      headers: { Authorization: header, 'Content-Type': 'application/xml' },
      body: '<x/>',
    })
    t.ok(
      taxii.status === 401 || (taxii.status === 200 && /UNAUTHORIZED/.test(taxii.text)),
      `${what}: ${taxii.status}`,
    )
  }
})

t.test('headers that are larger than HTTP’s own bounds are refused before', async (t) => {
  const { port } = new URL(app.url)
  const send = (header: Buffer) =>
    new Promise<string>((resolve, reject) => {
      const socket = connect(Number(port), '127.0.0.1')
      let text = ''
      socket.on('data', (data) => {
        text += data
      })
      // It may be cut before all of it has been taken.
      socket.on('error', (error: NodeJS.ErrnoException) =>
        error.code === 'ECONNRESET' || error.code === 'EPIPE' ? resolve(text) : reject(error),
      )
      socket.on('close', () => resolve(text))
      socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: `)
      socket.write(header)
      socket.write('\r\n\r\n')
    })
  t.match(await send(Buffer.from(`Bearer ${'a'.repeat(20_000)}`)), /^(HTTP\/1\.1 431 |$)/)
  t.match(await send(Buffer.from('Bearer a\0b')), /^HTTP\/1\.1 400 /)
  t.match(await send(Buffer.from([0x42, 0xff, 0xfe, 0x80])), /^HTTP\/1\.1 401 /)
})

t.test('a page of another site changes nothing, whatever rides along', async (t) => {
  const send = (method: string, headers: Record<string, string>) =>
    app.ask({
      method,
      path: '/api/v1/accounts/esa1/grants/all',
      headers: { Authorization: bearer(token), 'Content-Type': 'application/json', ...headers },
      ...(method === 'PUT' && { body: '{"read":true,"write":false}' }),
    })
  const { host } = new URL(app.url)
  const foreign: Record<string, string>[] = [
    { 'Sec-Fetch-Site': 'cross-site' },
    { Origin: 'https://evil.example' },
    { Origin: `http://${host}.evil.example` },
    { Origin: 'http://127.0.0.1:1' },
    { Origin: 'null' },
    { Origin: 'nonsense' },
    { Origin: '' },
    { 'Sec-Fetch-Site': 'same-site', Origin: 'https://other.example' },
  ]
  for (const headers of foreign) {
    for (const method of ['PUT', 'DELETE']) {
      const { status, text } = await send(method, headers)
      t.equal(status, 403, JSON.stringify(headers))
      t.match(JSON.parse(text), { code: 'NOT_PERMITTED', detail: /page of another site/ })
    }
  }
  t.equal((await send('GET', { Origin: 'https://evil.example' })).status !== 403, true)
  const own: Record<string, string>[] = [
    {},
    { Origin: app.url, 'Sec-Fetch-Site': 'same-origin' },
    { 'Sec-Fetch-Site': 'none' },
  ]
  for (const headers of own) t.equal((await send('PUT', headers)).status, 200)
})

t.test('behind a proxy the public URL is one’s own site', async (t) => {
  const app = await startApp(t, { publicUrl: 'https://feeds.example.org/threat' })
  const { account } = await app.addAccount('root', 'administrator')
  const { token } = await app.addToken(account.id)
  const send = async (headers: Record<string, string>) => {
    const all = { Authorization: bearer(token), 'Content-Type': 'application/json', ...headers }
    const body = '{"read":true,"write":true}'
    const url = '/api/v1/accounts/root/grants/all'
    return (await app.ask({ method: 'PUT', path: url, headers: all, body })).status
  }
  t.equal(await send({ Origin: 'https://feeds.example.org' }), 200)
  t.equal(await send({ Origin: 'https://feeds.example.org:443' }), 200)
  t.equal(await send({ Origin: 'https://taxiway.internal', Host: 'taxiway.internal' }), 200)
  t.equal(await send({ Origin: 'https://feeds.example.org:8443' }), 403)
  t.equal(await send({ Origin: 'https://evil.example' }), 403)
})
