import { once } from 'node:events'
import { mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { connect as connectTcp } from 'node:net'
import { join } from 'node:path'
import { Registry } from 'prom-client'
import t from 'tap'
import { findProgram, run } from '../../scripts/services/process.ts'
import { observeTls } from '../../src/tls.ts'
import { type Certificate, makeAuthority, makeCertificate } from '../helpers/certificates.ts'
import { makeFolder } from '../helpers/taxiway.ts'
import { askOn, askWho, type ClientOptions, connectTls, startTlsServer } from './tls-server.ts'

const folder = await makeFolder(t)
const issuer = await makeAuthority(folder, 'ca')
const ca = issuer.cert
const [first, second, third, rsa, soon] = await Promise.all([
  makeCertificate(folder, 'first', { issuer }),
  makeCertificate(folder, 'second', { issuer }),
  makeCertificate(folder, 'third', { issuer }),
  makeCertificate(folder, 'rsa', { issuer, key: 'rsa' }),
  makeCertificate(folder, 'soon', { issuer, days: 22 }),
])

let folders = 0
/** A pair of files of its own, to be changed. */
async function pairOf({ cert, key }: Certificate) {
  const own = join(folder, `pair-${++folders}`)
  await mkdir(own)
  const pair = { certFile: join(own, 'tls.crt'), keyFile: join(own, 'tls.key') }
  await writeFile(pair.certFile, cert)
  await writeFile(pair.keyFile, key, { mode: 0o600 })
  return pair
}

async function nameShown(port: number, options: ClientOptions = {}): Promise<string> {
  const socket = await connectTls(port, { ca, ...options })
  const { subject } = socket.getPeerCertificate()
  socket.destroy()
  return String(subject.CN)
}

t.test('TLS 1.2 and 1.3 are spoken, and nothing older', async (t) => {
  for (const one of [first, rsa]) {
    const { port, told } = await startTlsServer(t, one)
    for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
      const only = { ca, minVersion: version, maxVersion: version, ALPNProtocols: ['http/1.1'] }
      const socket = await connectTls(port, only)
      t.equal(socket.getProtocol(), version)
      t.equal(socket.alpnProtocol, 'http/1.1')
      t.match(socket.getCipher().name, /GCM|CHACHA20/)
      t.match(socket.getEphemeralKeyInfo(), { type: /ECDH|TLSGroup/ }, 'forward secrecy')
      t.equal(await askWho(socket), null)
      socket.destroy()
    }
    const old = { ca, minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' }
    await t.rejects(connectTls(port, old as ClientOptions), { code: /PROTOCOL_VERSION/ })
    t.match(
      await told(/^info a TLS handshake/),
      /failed: it speaks no version of TLS from TAXIWAY_TLS/,
    )
  }
  const { port } = await startTlsServer(t, { ...first, minVersion: 'TLSv1.3' })
  await t.rejects(connectTls(port, { ca, maxVersion: 'TLSv1.2' }), { code: /PROTOCOL_VERSION/ })
  t.equal(await nameShown(port, { minVersion: 'TLSv1.3' }), 'first')
})

t.test(
  'weak ciphers and other protocols are refused, and the log says what is wrong',
  async (t) => {
    const { port, told } = await startTlsServer(t, rsa)
    const weak = { ca, maxVersion: 'TLSv1.2', ciphers: 'AES128-SHA:ECDHE-RSA-AES128-SHA' } as const
    await t.rejects(connectTls(port, weak))
    t.ok(await told(/failed: it offers no cipher of today/))
    await t.rejects(connectTls(port, { ca, ALPNProtocols: ['h2'] }))
    t.ok(await told(/failed: it does not speak HTTP\/1\.1/))
    // Node's own client looks at the certificate only when the handshake is over.
    const openssl = findProgram('openssl') as string
    const address = ['-connect', `127.0.0.1:${port}`]
    t.not((await run(openssl, ['s_client', ...address, '-verify_return_error'])).code, 0)
    t.ok(await told(/failed: it does not trust the server's certificate/))
    await t.rejects(once(request({ port, host: '127.0.0.1' }).end(), 'response'))
    t.ok(await told(/failed: it speaks plain HTTP; clients must use https/))
  },
)

t.test('who does not go on with the handshake is let go', async (t) => {
  const { port, told } = await startTlsServer(t, first, { handshakeTimeout: 50 })
  const silent = connectTcp(port, '127.0.0.1')
  await once(silent, 'close')
  t.ok(await told(/failed: it did not go on with it/))
})

t.test('a new pair is spoken with from then on, and what stands goes on', async (t) => {
  const pair = await pairOf(first)
  const { port, tls, slow, logged } = await startTlsServer(t, pair)
  t.equal(await nameShown(port), 'first')
  const [idle, busy] = [await connectTls(port, { ca }), await connectTls(port, { ca })]
  const answer = askOn(busy, '/slow')
  await writeFile(pair.certFile, second.cert)
  await writeFile(pair.keyFile, second.key)
  t.equal(await nameShown(port), 'first', 'until somebody looks')
  await tls.look()
  t.equal(await nameShown(port), 'second')
  t.match(tls.findCertificate(), { subject: 'CN=second' })
  t.match(logged, [/^info TLS is spoken from now on with the certificate "CN=second", valid until/])
  slow.resolve('whole')
  t.equal(await answer, 'whole')
  t.equal(await askWho(idle), null)
  t.equal(await askOn(busy, '/slow'), 'whole', 'it stays for the next request too')
  idle.destroy()
  busy.destroy()
})

t.test('links that are set anew are followed', async (t) => {
  const own = join(folder, 'links')
  for (const [name, { cert, key }] of [
    ['1', first],
    ['2', second],
  ] as const) {
    await mkdir(join(own, name), { recursive: true })
    await writeFile(join(own, name, 'tls.crt'), cert)
    await writeFile(join(own, name, 'tls.key'), key, { mode: 0o600 })
  }
  // As Kubernetes mounts a Secret.
  await symlink('1', join(own, '..data'))
  const [certFile, keyFile] = [join(own, 'tls.crt'), join(own, 'tls.key')]
  await symlink('..data/tls.crt', certFile)
  await symlink('..data/tls.key', keyFile)
  const { port, tls } = await startTlsServer(t, { certFile, keyFile })
  await symlink('2', join(own, '..new'))
  await rename(join(own, '..new'), join(own, '..data'))
  await tls.look()
  t.equal(await nameShown(port), 'second')
})

t.test('a pair of which one half is written is waited for without a word', async (t) => {
  const pair = await pairOf(first)
  let now = Date.now()
  const { port, tls, logged } = await startTlsServer(t, pair, { clock: () => new Date(now) })
  await writeFile(pair.certFile, second.cert.slice(0, 200))
  await tls.look()
  now += 3_000
  await writeFile(pair.certFile, second.cert)
  await tls.look()
  now += 3_000
  await tls.look()
  t.equal(await nameShown(port), 'first')
  t.strictSame(logged, [])
  await writeFile(pair.keyFile, second.key)
  await tls.look()
  t.equal(await nameShown(port), 'second')
  t.equal(logged.length, 1)
})

t.test('what stays wrong is told once, by its file and fault, and mended later', async (t) => {
  const pair = await pairOf(first)
  let now = Date.now()
  const { port, tls, logged } = await startTlsServer(t, pair, { clock: () => new Date(now) })
  const lookFor = async (ms: number) => {
    for (const end = now + ms; now < end; now += 3_000) await tls.look()
  }
  await writeFile(pair.keyFile, second.key)
  await lookFor(60_000)
  t.match(logged, [
    /^error TLS goes on with the certificate that it has, until 20.*: TAXIWAY_TLS_KEY_FILE names .*tls\.key, which does not belong to the certificate/,
  ])
  t.equal(logged.length, 1)
  await rm(pair.certFile)
  await lookFor(60_000)
  t.match(logged[1], /^error .*: TAXIWAY_TLS_CERT_FILE names .*, which cannot be read \(ENOENT\)$/)
  t.equal(await nameShown(port), 'first')
  await writeFile(pair.certFile, second.cert)
  await lookFor(3_000)
  t.equal(await nameShown(port), 'second')

  // As it was before: nothing is left to tell.
  await writeFile(pair.certFile, third.cert)
  await lookFor(6_000)
  await writeFile(pair.certFile, second.cert)
  await lookFor(60_000)
  t.equal(logged.length, 3)
})

t.test('who asks for it is told at once', async (t) => {
  const pair = await pairOf(first)
  const { port, tls, logged } = await startTlsServer(t, pair)
  await tls.reload()
  t.strictSame(logged, ['info the files of TLS are as they were'])
  await writeFile(pair.keyFile, second.key)
  await tls.reload()
  await tls.reload()
  t.match(logged.slice(1), [/^error .* does not belong/, /^error .* does not belong/])
  await writeFile(pair.certFile, second.cert)
  await Promise.all([tls.reload(), tls.look(), tls.reload()])
  t.equal(await nameShown(port), 'second')
  t.match(logged.slice(3), [/^info TLS is spoken/, /^info the files of TLS are as they were/])
})

t.test('a certificate that ends is told of from 21 days before, once a day', async (t) => {
  const pair = await pairOf(soon)
  const dayMs = 86_400_000
  const start = Date.now()
  let now = start
  const { port, tls, logged } = await startTlsServer(t, pair, { clock: () => new Date(now) })
  const lookAt = async (days: number) => {
    now = start + days * dayMs
    await tls.look()
  }
  await lookAt(0.5)
  t.strictSame(logged, [])
  await lookAt(1.5)
  t.match(logged, [
    /^warn TAXIWAY_TLS_CERT_FILE: "CN=soon" ends in 20 days, on 20\d\d-.*: renew it/,
  ])
  await lookAt(2.4)
  t.equal(logged.length, 1)
  await lookAt(2.6)
  t.match(logged.slice(1), [/"CN=soon" ends in 19 days/])
  await lookAt(22.5)
  t.match(logged.slice(2), [/^error TAXIWAY_TLS_CERT_FILE: "CN=soon" ended on /])
  t.equal(await nameShown(port), 'soon', 'it is shown all the same: the clock may be wrong')
  await lookAt(22.7)
  t.equal(logged.length, 3)
  await writeFile(pair.certFile, first.cert)
  await writeFile(pair.keyFile, first.key)
  await lookAt(22.8)
  t.match(logged.slice(3), [/^info TLS is spoken/, /"CN=first" ends in 7 days/])

  const early = await startTlsServer(t, await pairOf(first), {
    clock: () => new Date(start - dayMs),
  })
  t.match(early.logged, [/^warn .* "CN=first" is not valid before 20.*: is this machine's clock/])
})

t.test('the end of the certificate is measured', async (t) => {
  const pair = await pairOf(first)
  const { tls } = await startTlsServer(t, pair)
  const registry = new Registry()
  observeTls(registry, tls)
  const measured = async () =>
    /^taxiway_tls_certificate_expires_timestamp_seconds (\S+)$/m.exec(await registry.metrics())?.[1]
  t.equal(Number(await measured()), tls.findCertificate().validUntil.getTime() / 1000)
  await writeFile(pair.certFile, soon.cert)
  await writeFile(pair.keyFile, soon.key)
  const before = await measured()
  await tls.look()
  t.not(await measured(), before)
})

t.test('at the end answers under way are sent whole, and nobody else holds it up', async (t) => {
  const { port, slow, close } = await startTlsServer(t, first)
  const idle = await connectTls(port, { ca })
  t.equal(await askWho(idle), null)
  const unasked = await connectTls(port, { ca })
  const greeting = connectTcp(port, '127.0.0.1')
  await once(greeting, 'connect')
  const busy = await connectTls(port, { ca })
  const answer = askOn(busy, '/slow')
  // By then the server has met all of them.
  t.equal(await nameShown(port), 'first')
  const gone = Promise.all([idle, unasked, greeting].map((socket) => once(socket, 'close')))
  const closed = close()
  await gone
  slow.resolve('whole')
  t.equal(await answer, 'whole')
  await closed
})
