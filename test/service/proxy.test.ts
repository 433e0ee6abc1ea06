import { request } from 'node:http'
import { request as requestSecurely } from 'node:https'
import { join } from 'node:path'
import t from 'tap'
import { makeAuthority, makeCertificate } from '../helpers/certificates.ts'
import { createTestDatabase } from '../helpers/postgres.ts'
import { secret } from '../helpers/secrets.ts'
import { makeFolder, runTaxiway, startService, startTaxiway } from '../helpers/taxiway.ts'

const folder = await makeFolder(t)
const { url: databaseUrl } = await createTestDatabase(t)
const settings = {
  TAXIWAY_DATABASE_URL: databaseUrl,
  TAXIWAY_DATA_DIR: folder,
  TAXIWAY_SECRET_KEY: secret('secret key'),
  TAXIWAY_ADMIN_PASSWORD: secret('password of the administrator'),
}

/** Asks as whoever has this address of loopback: the trusted proxy is 127.0.0.2. */
function ask(
  url: string,
  { localAddress, ...headers }: { localAddress: string; [name: string]: string },
): Promise<{ status: number; headers: NodeJS.Dict<string | string[]>; body: string }> {
  return new Promise((resolve, reject) => {
    const send = url.startsWith('https') ? requestSecurely : request
    const sent = send(`${url}/livez`, {
      localAddress,
      headers,
      agent: false,
      ...(url.startsWith('https') && { ca: tls.ca }),
    })
    sent.once('error', reject).once('response', async (response) => {
      let body = ''
      for await (const data of response.setEncoding('utf8')) body += data
      resolve({ status: response.statusCode ?? 0, headers: response.headers, body })
    })
    sent.end()
  })
}

const issuer = await makeAuthority(folder, 'ca')
const server = await makeCertificate(folder, 'server', { issuer })
const tls = {
  ca: issuer.cert,
  settings: {
    TAXIWAY_TLS_CERT_FILE: server.certFile,
    TAXIWAY_TLS_KEY_FILE: server.keyFile,
  },
}

/** Of the log's lines, whom a request with this id in its path was taken to come from. */
function addressesIn(log: string): string[] {
  return [...log.matchAll(/"remoteAddress":"([^"]*)"/g)].map((match) => String(match[1]))
}

t.test(
  'X-Forwarded-For is believed of a proxy that the settings name, and of no other',
  async (t) => {
    const service = await startService(t, { ...settings, TAXIWAY_TRUSTED_PROXIES: '127.0.0.2,::1' })
    const cases: readonly (readonly [string, string | undefined, string])[] = [
      ['127.0.0.2', undefined, '127.0.0.2'],
      ['127.0.0.2', '192.0.2.1', '192.0.2.1'],
      ['127.0.0.2', '10.0.0.1, 192.0.2.2', '192.0.2.2'],
      ['127.0.0.2', '192.0.2.3, 127.0.0.2', '192.0.2.3'],
      ['127.0.0.2', '2001:db8::1', '2001:db8::1'],
      ['127.0.0.1', undefined, '127.0.0.1'],
      ['127.0.0.1', '192.0.2.4', '127.0.0.1'],
      ['127.0.0.3', '127.0.0.2', '127.0.0.3'],
    ]
    for (const [localAddress, forwarded, expected] of cases) {
      const before = addressesIn(service.stderr()).length
      const given = forwarded === undefined ? {} : { 'X-Forwarded-For': forwarded }
      t.equal((await ask(service.url, { localAddress, ...given })).status, 200)
      await service.saw(/request completed/)
      const [address] = addressesIn(service.stderr()).slice(before)
      t.equal(address, expected, `${localAddress} with ${forwarded}`)
    }
    const warnings = service
      .stderr()
      .match(/127\.0\.0\.\d sends X-Forwarded-For and is not believed/g)
    t.strictSame(warnings, ['127.0.0.1 sends X-Forwarded-For and is not believed'], 'told once')
  },
)

t.test('without the setting nobody is believed, and that is told once', async (t) => {
  const service = await startService(t, settings)
  await ask(service.url, { localAddress: '127.0.0.1' })
  t.notMatch(service.stderr(), 'X-Forwarded-For')
  for (const forwarded of ['192.0.2.1', '192.0.2.2']) {
    await ask(service.url, { localAddress: '127.0.0.1', 'X-Forwarded-For': forwarded })
    await service.saw(/request completed/)
  }
  t.notMatch(addressesIn(service.stderr()).join(), /192\.0\.2/)
  t.equal(service.stderr().match(/is not believed: TAXIWAY_TRUSTED_PROXIES/g)?.length, 1)

  service.process.kill('SIGHUP')
  await service.saw(/SIGHUP: reading again what can change/)
  const { status } = await ask(service.url, { localAddress: '127.0.0.1' })
  t.equal(status, 200, 'a signal that has nothing to read again ends nothing')
})

t.test('the image’s probe finds the service by plain HTTP, TLS and the socket', async (t) => {
  const clients = { TAXIWAY_TLS_CLIENT_CA_FILE: issuer.certFile }
  const ways = [
    { TAXIWAY_PUBLIC_URL: 'https://taxii.example.com' },
    tls.settings,
    { ...tls.settings, ...clients, TAXIWAY_TLS_CLIENT_CERTIFICATES: 'required' },
  ]
  const hsts: unknown[] = []
  const program = join(import.meta.dirname, '../../src/probe.ts')
  const probe = (given: Record<`TAXIWAY_${string}`, string>) =>
    startTaxiway(t, [], { ...settings, ...given }, { program }).ended
  for (const way of ways) {
    const service = await startService(t, { ...settings, ...way })
    const [, url = ''] = /listening at (https?:[^"\\]+)/.exec(service.stderr()) ?? []
    const TAXIWAY_PORT = new URL(url).port
    const answer = await ask(url, { localAddress: '127.0.0.1' }).catch(() => undefined)
    hsts.push(answer?.headers['strict-transport-security'])
    t.match(await probe({ ...way, TAXIWAY_PORT }), { code: 0, stdout: '', stderr: '' })
    // In a container it listens for the container's network.
    const TAXIWAY_HOST = '0.0.0.0'
    t.equal((await probe({ ...way, TAXIWAY_PORT, TAXIWAY_HOST })).code, 0)
    service.process.kill('SIGTERM')
    await service.ended
    const { code, stderr } = await probe({ ...way, TAXIWAY_PORT })
    t.equal(code, 1)
    t.match(stderr, /^taxiway: .*(ECONNREFUSED|ENOENT)/)
  }
  // A name may have other services, at other ports, that speak plain HTTP.
  t.match(hsts, [/^max-age=\d{8}$/, undefined, undefined], 'HSTS where clients are told https')
  t.match(await probe({ TAXIWAY_PORT: 'x' }), { code: 1, stderr: /TAXIWAY_PORT must be/ })
})

t.test('files of TLS that cannot be used end the start with exit code 2', async (t) => {
  const wrong = { TAXIWAY_TLS_CERT_FILE: server.certFile, TAXIWAY_TLS_KEY_FILE: issuer.keyFile }
  const { code, stderr } = await runTaxiway(t, ['serve'], { ...settings, ...wrong })
  t.equal(code, 2)
  t.match(
    stderr,
    /^taxiway: TAXIWAY_TLS_KEY_FILE names .*ca\.key, which does not belong to the cert/m,
  )
})
