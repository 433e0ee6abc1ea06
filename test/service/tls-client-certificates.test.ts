import { createHash, X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { makeAuthority, makeCertificate } from '../helpers/certificates.ts'
import { makeFolder } from '../helpers/taxiway.ts'
import { askOn, askWho, type ClientOptions, connectTls, startTlsServer } from './tls-server.ts'

const folder = await makeFolder(t)
const [serverCa, clientCa, strangerCa] = await Promise.all([
  makeAuthority(folder, 'server-ca'),
  makeAuthority(folder, 'client-ca'),
  makeAuthority(folder, 'stranger-ca', { subject: '/CN=client-ca' }),
])
const middle = await makeAuthority(folder, 'middle', { issuer: clientCa })
const hostile = '/O=Example, Inc./CN=esa1\nO=Other, CN=admin+"x"\\;ä\u202e#'
const [server, esa1, expired, stranger, alone, wrongPurpose, below, odd, plural] =
  await Promise.all([
    makeCertificate(folder, 'server', { issuer: serverCa }),
    makeCertificate(folder, 'esa1', {
      issuer: clientCa,
      subject: '/C=DE/O=Example/CN=esa1',
      purpose: 'clientAuth',
    }),
    makeCertificate(folder, 'expired', { issuer: clientCa, days: -1 }),
    makeCertificate(folder, 'stranger', { issuer: strangerCa, subject: '/C=DE/O=Example/CN=esa1' }),
    makeCertificate(folder, 'alone', { subject: '/C=DE/O=Example/CN=esa1' }),
    makeCertificate(folder, 'wrong-purpose', { issuer: clientCa, purpose: 'serverAuth' }),
    makeCertificate(folder, 'below', { issuer: middle }),
    makeCertificate(folder, 'odd', {
      issuer: clientCa,
      subject: hostile.replace(/[\\+]/g, '\\$&'),
    }),
    makeCertificate(folder, 'plural', { issuer: clientCa, subject: '/O=Example/OU=b+CN=a' }),
  ])
const ca = serverCa.cert
const versions = ['TLSv1.2', 'TLSv1.3'] as const
const only = (version: (typeof versions)[number]): ClientOptions => ({
  minVersion: version,
  maxVersion: version,
  ca,
})

const start = (t: Test, clientCertificates: 'optional' | 'required') =>
  startTlsServer(t, { ...server, clientCaFile: clientCa.certFile, clientCertificates })

async function whoIs(port: number, options: ClientOptions) {
  const socket = await connectTls(port, { ca, ...options })
  try {
    return await askWho(socket)
  } finally {
    socket.destroy()
  }
}

t.test('optional: a client without one is served, and one with one is known by it', async (t) => {
  const { port, logged } = await start(t, 'optional')
  for (const version of versions) {
    t.equal(await whoIs(port, only(version)), null)
    t.strictSame(await whoIs(port, { ...only(version), ...esa1 }), {
      fingerprint: createHash('sha256').update(new X509Certificate(esa1.cert).raw).digest('hex'),
      subject: 'CN=esa1, O=Example, C=DE',
    })
    const chain = { cert: below.cert + middle.cert, key: below.key }
    t.match(await whoIs(port, { ...only(version), ...chain }), { subject: 'CN=below' })
  }
  t.strictSame(logged, [], 'nothing is worth a line')
})

t.test('optional: one that is not trusted is none, and the log says why', async (t) => {
  const { port, told } = await start(t, 'optional')
  const cases = [
    [stranger, 'CN=esa1, O=Example, C=DE', 'no authority of TAXIWAY_TLS_CLIENT_CA_FILE has signed'],
    [alone, 'CN=esa1, O=Example, C=DE', 'no authority of TAXIWAY_TLS_CLIENT_CA_FILE has signed'],
    [below, 'CN=below', 'no authority of TAXIWAY_TLS_CLIENT_CA_FILE has signed'],
    [expired, 'CN=expired', 'has expired'],
    [wrongPurpose, 'CN=wrong-purpose', 'is not for clients'],
  ] as const
  for (const [{ cert, key }, subject, why] of cases) {
    for (const version of versions)
      t.equal(await whoIs(port, { ...only(version), cert, key }), null)
    t.ok(
      await told(
        new RegExp(
          `^info 127\\.0\\.0\\.1 shows a client certificate, "${subject}".* none: .*${why}`,
        ),
      ),
    )
  }
})

t.test('required: nobody is served without a trusted one, and the log says why', async (t) => {
  const { port, told } = await start(t, 'required')
  for (const version of versions) {
    t.match(await whoIs(port, { ...only(version), ...esa1 }), {
      subject: 'CN=esa1, O=Example, C=DE',
    })
    for (const shown of [{}, stranger, expired, wrongPurpose]) {
      await t.rejects(whoIs(port, { ...only(version), ...shown }))
    }
  }
  t.ok(await told(/^info a TLS handshake with 127\.0\.0\.1 failed: it shows no client certificate/))
  t.ok(await told(/failed: no authority of .* has signed its certificate/))
  t.ok(await told(/failed: its certificate, or one of its chain, has expired/))
})

t.test('a subject has one spelling, whatever it holds', async (t) => {
  const { port } = await start(t, 'optional')
  const found = await whoIs(port, odd)
  t.equal(
    found?.subject,
    String.raw`CN=esa1\0aO=Other\, CN=admin\+\"x\"\\\;ä\e2\80\ae#, O=Example\, Inc.`,
  )
  t.equal((await whoIs(port, plural))?.subject, 'CN=a+OU=b, O=Example')
})

t.test('no session is resumed where certificates are asked for', async (t) => {
  for (const clientCertificates of ['optional', 'required'] as const) {
    const { port } = await start(t, clientCertificates)
    for (const version of versions) {
      const first = await connectTls(port, { ...only(version), ...esa1 })
      const sessions: Buffer[] = []
      first.on('session', (session: Buffer) => sessions.push(session))
      t.match(await askWho(first), { subject: /^CN=esa1/ })
      const session = sessions.at(-1) ?? first.getSession()
      first.destroy()
      // Without the certificate, as one who has come by the session would.
      const again = { ...only(version), ...(session && { session }) }
      if (clientCertificates === 'required') {
        await t.rejects(whoIs(port, again))
      } else {
        const second = await connectTls(port, again)
        t.equal(second.isSessionReused(), false, version)
        t.equal(await askWho(second), null)
        second.destroy()
      }
    }
  }
})

t.test('a session without a certificate, resumed, does not become one with one', async (t) => {
  const { port } = await startTlsServer(t, server)
  const first = await connectTls(port, only('TLSv1.3'))
  const session = once(first, 'session')
  t.equal(await askWho(first), null)
  const second = await connectTls(port, { ...only('TLSv1.3'), session: (await session)[0] })
  t.equal(second.isSessionReused(), true)
  t.equal(await askWho(second), null)
  first.destroy()
  second.destroy()
})

t.test('nobody can show another certificate in a second handshake', async (t) => {
  const { port } = await start(t, 'optional')
  const socket = await connectTls(port, { ...only('TLSv1.2'), ...esa1 })
  t.match(await askWho(socket), { subject: /^CN=esa1/ })
  const error = await new Promise((resolve) => {
    socket.once('error', resolve)
    socket.renegotiate({ rejectUnauthorized: true }, resolve)
  })
  t.match(error, { code: 'ERR_SSL_NO_RENEGOTIATION' })
  socket.destroy()
})

t.test('a connection that outlives the certificate is without one', async (t) => {
  let now = new Date()
  const { port } = await startTlsServer(
    t,
    { ...server, clientCaFile: clientCa.certFile },
    { clock: () => now },
  )
  const socket = await connectTls(port, { ca, ...esa1 })
  t.match(await askWho(socket), { subject: /^CN=esa1/ })
  const end = new X509Certificate(esa1.cert).validToDate
  now = new Date(end.getTime() - 1)
  t.match(await askWho(socket), { subject: /^CN=esa1/ })
  now = new Date(end.getTime() + 1)
  t.equal(await askWho(socket), null)
  socket.destroy()
})

t.test(
  'with other authorities, who is trusted changes, also on connections that stand',
  async (t) => {
    const clientCaFile = join(folder, 'authorities.pem')
    await writeFile(clientCaFile, clientCa.cert)
    const { port, tls, slow } = await startTlsServer(t, { ...server, clientCaFile })
    const idle = await connectTls(port, { ca, ...esa1 })
    t.match(await askWho(idle), { subject: /^CN=esa1/ })
    const busy = await connectTls(port, { ca, ...esa1 })
    const answer = askOn(busy, '/slow')
    const [idleEnded, busyEnded] = [once(idle, 'close'), once(busy, 'close')]
    await writeFile(clientCaFile, strangerCa.cert)
    await tls.look()
    await idleEnded
    t.equal(await whoIs(port, esa1), null)
    t.match(await whoIs(port, stranger), { subject: /^CN=esa1/ })
    slow.resolve('whole')
    t.equal(await answer, 'whole', 'what was under way ended as it was to')
    await busyEnded

    const stays = await connectTls(port, { ca, ...stranger })
    t.match(await askWho(stays), { subject: /^CN=esa1/ })
    await writeFile(clientCaFile, strangerCa.cert + clientCa.cert)
    const { certFile, keyFile } = await makeCertificate(folder, 'server', { issuer: serverCa })
    t.ok(certFile && keyFile)
    await tls.look()
    t.match(await whoIs(port, esa1), { subject: /^CN=esa1/ })
    stays.destroy()
  },
)
