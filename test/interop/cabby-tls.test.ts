import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { connect } from 'node:tls'
import t, { type Test } from 'tap'
import { makeAuthority, makeCertificate } from '../helpers/certificates.ts'
import { countBlocks, pollRequest, taxiiHeaders } from '../helpers/poll.ts'
import { runCabby, runPython } from '../helpers/python.ts'
import { secret } from '../helpers/secrets.ts'
import { makeFolder, runTaxiway, startService } from '../helpers/taxiway.ts'
import { createSeededDatabase } from './seeded.ts'
import { startTlsProxy } from './tls-proxy.ts'

// The service as it is deployed, with TLS of a private authority; its clients are processes too.
const folder = await makeFolder(t)
// They would override the authority that cabby is told.
for (const name of ['REQUESTS_CA_BUNDLE', 'CURL_CA_BUNDLE']) delete process.env[name]
const [ca, otherCa, clientCa] = await Promise.all([
  makeAuthority(folder, 'private-ca'),
  makeAuthority(folder, 'other-ca'),
  makeAuthority(folder, 'client-ca'),
])
const passphrase = secret('passphrase of a client’s key')
const [first, second, device, locked, stranger] = await Promise.all([
  makeCertificate(folder, 'first', { issuer: ca }),
  makeCertificate(folder, 'second', { issuer: otherCa }),
  makeCertificate(folder, 'device', { issuer: clientCa, subject: '/O=Example/CN=device' }),
  makeCertificate(folder, 'locked', { issuer: clientCa, subject: '/CN=locked', passphrase }),
  makeCertificate(folder, 'stranger', { issuer: otherCa, subject: '/O=Example/CN=device' }),
])
const certFile = join(folder, 'server.crt')
const keyFile = join(folder, 'server.key')
async function install({ cert, key }: typeof first): Promise<void> {
  await writeFile(certFile, cert)
  await writeFile(keyFile, key, { mode: 0o600 })
}
await install(first)

const { url: databaseUrl, login } = await createSeededDatabase(t)
const settings = {
  TAXIWAY_DATABASE_URL: databaseUrl,
  TAXIWAY_DATA_DIR: folder,
  TAXIWAY_SECRET_KEY: secret('secret key'),
}
const service = await startService(t, {
  ...settings,
  TAXIWAY_TLS_CERT_FILE: certFile,
  TAXIWAY_TLS_KEY_FILE: keyFile,
  TAXIWAY_TLS_CLIENT_CA_FILE: clientCa.certFile,
})
const { url } = service

async function taxiway(t: Test, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await runTaxiway(t, args, settings)
  t.equal(code, 0, `${args.join(' ')}: ${stderr}`)
  return stdout
}

const bundle = ['--ca-cert', ca.certFile]
const basic = ['--username', login.name, '--password', login.password]
const colours = new RegExp(`${String.fromCharCode(27)}\\[\\d*m`, 'g')
async function runPlainly(command: string, args: string[]) {
  const { stdout, stderr } = await runCabby(command, args)
  return { stdout, stderr: stderr.replace(colours, '') }
}
const cabby = (command: string, path: string, ...args: string[]) =>
  runPlainly(command, ['--path', `${url}${path}`, ...args])
const cabbyPoll = (...args: string[]) =>
  cabby('taxii-poll', '/taxii/poll', '--collection', 'esa-hashes', '--count-only', ...args)
const protocol = 'urn:taxii.mitre.org:protocol:https:1.0'
const counted = /Content blocks count: (\d+), is partial: False/

t.test('cabby discovers, lists and polls over TLS of a private authority, by Basic', async (t) => {
  t.match(url, /^https:\/\/127\.0\.0\.1:\d+$/)
  const [discovered, listed, polled] = await Promise.all([
    cabby('taxii-discovery', '/taxii/discovery', ...bundle, ...basic),
    cabby('taxii-collections', '/taxii/collections', ...bundle, ...basic),
    cabby('taxii-poll', '/taxii/poll', '--collection', 'esa-hashes', ...bundle, ...basic),
  ])
  t.match(discovered.stderr, '4 services discovered')
  t.match(discovered.stdout, `${url}/taxii/poll`)
  t.match(discovered.stdout, 'urn:taxii.mitre.org:protocol:https:1.0')
  t.match(listed.stdout, 'Collection Name: esa-hashes')
  t.match(polled.stderr, /\b[1-9]\d* blocks polled/)
  for (const { stderr } of [discovered, listed, polled]) t.notMatch(stderr, /ERROR/)
})

t.test('TLS 1.2 and 1.3 are spoken with Python, and 1.1 is not', async (t) => {
  const script = `
import http.client, ssl, sys, warnings
warnings.simplefilter('ignore')
for version in ('TLSv1_1', 'TLSv1_2', 'TLSv1_3'):
    context = ssl.create_default_context(cafile=sys.argv[1])
    context.set_ciphers('DEFAULT:@SECLEVEL=0')
    context.minimum_version = context.maximum_version = ssl.TLSVersion[version]
    try:
        connection = http.client.HTTPSConnection('127.0.0.1', int(sys.argv[2]), context=context)
        connection.request('GET', '/livez')
        print(version, connection.sock.version(), connection.getresponse().status)
    except ssl.SSLError as error:
        print(version, error.reason)
`
  const { stdout, stderr } = await runPython(['-c', script, ca.certFile, new URL(url).port])
  t.equal(stderr, '')
  t.match(stdout.trim().split('\n'), [
    /^TLSv1_1 .*(PROTOCOL_VERSION|NO_PROTOCOLS|INTERNAL_ERROR)/,
    /^TLSv1_2 TLSv1\.2 200$/,
    /^TLSv1_3 TLSv1\.3 200$/,
  ])
})

t.test('a client that does not know the authority refuses, and the log says so', async (t) => {
  const [unknown, other] = await Promise.all([
    cabbyPoll(...basic),
    cabbyPoll('--ca-cert', otherCa.certFile, ...basic),
  ])
  for (const { stderr } of [unknown, other]) t.match(stderr, 'CERTIFICATE_VERIFY_FAILED')
  const why = /a TLS handshake with 127\.0\.0\.1 failed: it does not trust the server's cert/
  // On a busy machine a client can be gone before what it said of the certificate was read.
  for (let n = 0; n < 20 && !why.test(service.stderr()); n++) await cabbyPoll(...basic)
  await service.saw(why)
})

t.test('an account without a password signs in by its certificate', async (t) => {
  await taxiway(t, 'account', 'add', 'device', '--passwordless', '--read', 'esa-hashes')
  await taxiway(t, 'account', 'add', 'locked', '--passwordless', '--read', 'esa-hashes')
  const subject = 'cn=device,O=Example'
  await taxiway(t, 'account', 'certificate', 'add', 'device', '--subject', subject)
  await taxiway(t, 'account', 'certificate', 'add', 'locked', '--file', locked.certFile)
  const certificate = ({ certFile, keyFile }: typeof device) => [
    ...['--cert', certFile, '--key', keyFile],
  ]
  // cabby's --key-password fails with any Python of today.
  const passphraseFile = join(folder, 'passphrase')
  await writeFile(passphraseFile, passphrase)
  const pollAs = (args: string[]) =>
    runTaxiway(
      t,
      [
        ...['poll', `${url}/taxii/poll`, '--as', 'esa', '--collection', 'esa-hashes'],
        ...['--ca', ca.certFile, ...args],
      ],
      {},
    )
  const [own, untrusted, none, beyond, ...ours] = await Promise.all([
    cabbyPoll(...bundle, ...certificate(device)),
    cabbyPoll(...bundle, ...certificate(stranger)),
    cabbyPoll(...bundle),
    cabby(
      ...(['taxii-collections', '/taxii/collections', ...bundle] as const),
      ...certificate(device),
    ),
    pollAs(certificate(device)),
    pollAs([...certificate(locked), '--key-password-file', passphraseFile]),
  ])
  t.match(own.stderr, counted)
  t.match(untrusted.stderr, 'status code 401')
  t.match(none.stderr, 'status code 401')
  const names = [...beyond.stdout.matchAll(/Collection Name: (\S+)/g)].map((match) => match[1])
  t.strictSame(names, ['esa-hashes'], 'what was not granted is not there')
  for (const { code, stdout, stderr } of ours) {
    t.equal(code, 0, stderr)
    t.match(stdout, /would now hold \d+ observables/)
  }
  t.match(await taxiway(t, 'ledger', '--account', 'device'), /device .* esa-hashes/)
  t.match(service.stderr(), /shows a client certificate, \\"CN=device, O=Example\\", that is taken/)
})

t.test('cabby fetches a JWT and polls by it', async (t) => {
  const { hostname, port } = new URL(url)
  const byJwt = (password: string) =>
    runPlainly('taxii-poll', [
      ...['--host', hostname, '--port', port, '--https', '--path', '/taxii/poll', ...bundle],
      ...['--collection', 'esa-hashes', '--count-only', '--jwt-auth', '/management/auth'],
      ...['--username', login.name, '--password', password],
    ])
  const [right, wrong] = await Promise.all([byJwt(login.password), byJwt(secret('wrong password'))])
  t.match(right.stderr, `Obtaining JWT token from ${url}/management/auth`)
  t.match(right.stderr, counted)
  t.notMatch(right.stderr, /ERROR/)
  t.match(wrong.stderr, 'status code 401')
})

t.test('behind a proxy that ends TLS, its client is who counts', async (t) => {
  const clientAddress = '192.0.2.44'
  const proxy = await startTlsProxy(t, await makeFolder(t), { clientAddress })
  const own = await startService(t, {
    ...settings,
    TAXIWAY_DATA_DIR: await makeFolder(t),
    TAXIWAY_PUBLIC_URL: proxy.url,
    TAXIWAY_TRUSTED_PROXIES: '127.0.0.1',
  })
  const [, listensAt = ''] = /listening at (http:[^"\\]+)/.exec(own.stderr()) ?? []
  proxy.target(listensAt)
  const proxyCa = ['--ca-cert', proxy.caFile]
  const through = (command: string, path: string, ...args: string[]) =>
    runPlainly(command, ['--path', `${proxy.url}${path}`, ...proxyCa, ...args])
  const [discovered, polled, byJwt] = await Promise.all([
    through('taxii-discovery', '/taxii/discovery', ...basic),
    through('taxii-poll', '/taxii/poll', '--collection', 'tid', '--count-only', ...basic),
    through(
      ...(['taxii-poll', '/taxii/poll', '--collection', 'tid', '--count-only'] as const),
      ...['--jwt-auth', `${proxy.url}/management/auth`, ...basic],
    ),
  ])
  t.match(discovered.stdout, `${proxy.url}/taxii/poll`)
  t.match(polled.stderr, counted)
  t.match(byJwt.stderr, counted)
  for (const { stderr } of [discovered, polled, byJwt]) t.notMatch(stderr, /ERROR/)
  const ledger = await taxiway(t, 'ledger', '--json', '--limit', '2')
  for (const line of ledger.trim().split('\n')) {
    t.match(JSON.parse(line), { collection: 'tid', address: clientAddress })
  }
  t.notMatch(own.stderr(), 'TAXIWAY_TRUSTED_PROXIES does not name it')
})

t.test('a new certificate is taken at a signal while a poll is under way', async (t) => {
  const slow = connect({ host: '127.0.0.1', port: Number(new URL(url).port), ca: ca.cert })
  const body = pollRequest('everything')
  const head = Object.entries({ ...taxiiHeaders(login), 'X-TAXII-Protocol': protocol })
  slow.write(
    `POST /taxii/poll HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: ${body.length}\r\n` +
      `${head.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n${body}`,
  )
  await new Promise((resolve) => slow.once('readable', resolve))
  await install(second)
  service.process.kill('SIGHUP')
  await service.saw(/TLS is spoken from now on with the certificate \\"CN=second\\"/)
  const [before, now] = await Promise.all([
    cabbyPoll(...bundle, ...basic),
    cabbyPoll('--ca-cert', otherCa.certFile, ...basic),
  ])
  t.match(before.stderr, 'CERTIFICATE_VERIFY_FAILED')
  t.match(now.stderr, counted)
  let text = ''
  for await (const data of slow.setEncoding('utf8')) text += data
  t.match(text, /^HTTP\/1\.1 200 OK\r\n/)
  t.ok(countBlocks(text) > 100)
  t.match(text, '</taxii_11:Poll_Response>', 'what was under way came whole')

  await writeFile(keyFile, 'no key')
  service.process.kill('SIGHUP')
  await service.saw(
    /TLS goes on with the certificate that it has.*server\.key.* no private key in PEM/,
  )
  t.match((await cabbyPoll('--ca-cert', otherCa.certFile, ...basic)).stderr, counted)
})
