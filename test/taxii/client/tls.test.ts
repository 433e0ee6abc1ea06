import { execFileSync, spawn } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import type { ServerOptions } from 'node:https'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import t, { type Test } from 'tap'
import { ConfigError } from '../../../src/model/errors.ts'
import { createHttpClient, type TlsFiles } from '../../../src/taxii/client/http.ts'
import { makeFolder } from '../../helpers/stores.ts'
import { pollOnce } from './polling.ts'
import { pollResponse, send, startRogueServer } from './rogue-server.ts'

const folder = makeFolder(t)
const path = (name: string) => join(folder, name)
const read = (name: string) => readFileSync(path(name), 'utf8')

function openssl(...args: string[]): void {
  execFileSync('openssl', args, { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] })
}

/** Makes NAME.key and NAME.pem, signed by a CA, or by itself where there is none. */
function issue(
  name: string,
  options: { ca?: string; san?: string; past?: boolean; isCa?: boolean } = {},
) {
  const { ca, san = 'IP:127.0.0.1', past, isCa } = options
  openssl('ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', `${name}.key`)
  openssl('req', '-new', '-key', `${name}.key`, '-subj', `/CN=${name}`, '-out', `${name}.csr`)
  const extensions = isCa ? 'basicConstraints=critical,CA:TRUE' : `subjectAltName=${san}`
  writeFileSync(path(`${name}.ext`), `${extensions}\n`)
  const by = ca
    ? ['-CA', `${ca}.pem`, '-CAkey', `${ca}.key`, '-CAcreateserial']
    : ['-signkey', `${name}.key`]
  const days = past ? ['-days', '-1'] : ['-days', '2']
  openssl(
    'x509',
    '-req',
    '-in',
    `${name}.csr`,
    ...by,
    ...days,
    '-extfile',
    `${name}.ext`,
    '-out',
    `${name}.pem`,
  )
}

issue('ca', { isCa: true })
issue('other-ca', { isCa: true })
issue('good', { ca: 'ca' })
issue('elsewhere', { ca: 'ca', san: 'DNS:feeds.example' })
issue('expired', { ca: 'ca', past: true })
issue('self')
issue('client', { ca: 'ca' })
issue('stranger', { ca: 'other-ca' })
openssl('ec', '-in', 'client.key', '-aes128', '-passout', 'pass:word', '-out', 'client-locked.key')

const pair = (name: string) => ({ cert: read(`${name}.pem`), key: read(`${name}.key`) })
const ca = read('ca.pem')

async function pollAt(t: Test, server: ServerOptions, tls?: TlsFiles) {
  const { url, met } = await startRogueServer(t, (one) => send(one, pollResponse(one)), server)
  return { ...(await pollOnce(url, tls ? { tls } : {})), met }
}

t.test('a private CA is trusted where it is given, and the public ones besides', async (t) => {
  const { outcome, met } = await pollAt(t, pair('good'), { ca })
  t.equal(outcome.fault, undefined)
  t.equal(met[0]?.headers['x-taxii-protocol'], 'urn:taxii.mitre.org:protocol:https:1.0')
})

const refused: Record<string, [kind: string, says: RegExp, server: ServerOptions, tls?: TlsFiles]> =
  {
    'an issuer that is not trusted': ['untrusted-issuer', /issuer is not trusted/, pair('good')],
    'a CA file of another CA': [
      'untrusted-issuer',
      /issuer is not trusted/,
      pair('good'),
      { ca: read('other-ca.pem') },
    ],
    'a certificate that signed itself': ['untrusted-issuer', /signed itself/, pair('self')],
    'a certificate for another name': [
      'wrong-host-name',
      /not for 127\.0\.0\.1, but for DNS:feeds\.example/,
      pair('elsewhere'),
      { ca },
    ],
    'an expired certificate': ['expired-certificate', /has expired/, pair('expired'), { ca }],
    'a server of TLS 1.1': [
      'tls',
      /no TLS connection/,
      { ...pair('good'), maxVersion: 'TLSv1.1', minVersion: 'TLSv1', ciphers: 'ALL:@SECLEVEL=0' },
      { ca },
    ],
  }

for (const [name, [kind, says, server, tls]] of Object.entries(refused)) {
  t.test(`${name} is named, and no request is sent`, async (t) => {
    const { outcome, requests, met } = await pollAt(t, server, tls)
    t.equal(outcome.fault?.kind, kind, `${outcome.fault?.message}`)
    t.match(outcome.fault?.message, says)
    t.not(outcome.fault?.advice.length, 0)
    t.equal(requests.length, 1, 'and it is not tried again')
    t.strictSame(met, [])
  })
}

/** OpenSSL's own server, which says why it refuses a client as most servers do; Node's just hangs up. */
async function startDemandingServer(t: Test, version: string): Promise<URL> {
  const args = [
    '-accept',
    '127.0.0.1:0',
    '-cert',
    'good.pem',
    '-key',
    'good.key',
    '-CAfile',
    'ca.pem',
  ]
  const demand = ['-Verify', '1', '-verify_return_error', version]
  const child = spawn('openssl', ['s_server', ...args, ...demand], {
    cwd: folder,
    stdio: ['pipe', 'pipe', 'ignore'],
  })
  t.teardown(() => child.kill('SIGKILL'))
  for await (const line of createInterface(child.stdout)) {
    const port = /^ACCEPT .*:(\d+)$/.exec(line)?.[1]
    if (port) return new URL(`https://127.0.0.1:${port}/`)
  }
  throw new Error('openssl s_server does not listen')
}

t.test('a server that demands a client certificate, or another one, is named', async (t) => {
  const stranger = { certificate: read('stranger.pem'), key: read('stranger.key') }
  for (const version of ['-tls1_2', '-tls1_3']) {
    const url = await startDemandingServer(t, version)
    for (const [says, tls] of [
      [/demands a client certificate/, { ca }],
      [/does not accept the client certificate/, { ca, ...stranger }],
    ] as const) {
      const { outcome, requests } = await pollOnce(url, { tls })
      t.equal(outcome.fault?.kind, 'certificate-demanded', `${version}: ${outcome.fault?.message}`)
      t.match(outcome.fault?.message, says)
      t.equal(requests.length, 1)
    }
  }
})

t.test('where a server just hangs up, the certificate is among the advice', async (t) => {
  const { outcome } = await pollAt(t, { ...pair('good'), ca, requestCert: true }, { ca })
  t.match(outcome.fault?.advice.join(), /--cert/)
})

t.test('a client certificate is shown, its key locked or not', async (t) => {
  const certificate = read('client.pem')
  const server = { ...pair('good'), ca, requestCert: true }
  for (const key of [
    { key: read('client.key') },
    { key: read('client-locked.key'), keyPassword: 'word' },
  ]) {
    const { outcome } = await pollAt(t, server, { ca, certificate, ...key })
    t.equal(outcome.fault, undefined)
  }
})

t.test('http to a port of https is explained', async (t) => {
  const { url } = await startRogueServer(t, (one) => send(one, pollResponse(one)), pair('good'))
  url.protocol = 'http:'
  const { outcome } = await pollOnce(url)
  t.equal(outcome.fault?.kind, 'connection-lost')
  t.match(outcome.fault?.advice.join(), /speaks https/)
})

t.test('files that cannot be used are refused before anything is sent', async (t) => {
  const certificate = read('client.pem')
  const wrong: [RegExp, TlsFiles][] = [
    [/its password is missing or wrong/, { certificate, key: read('client-locked.key') }],
    [
      /its password is missing or wrong/,
      { certificate, key: read('client-locked.key'), keyPassword: 'x' },
    ],
    [/does not belong to the certificate/, { certificate, key: read('stranger.key') }],
    [/has to be PEM/, { certificate: 'x', key: read('client.key') }],
    [/has to be PEM/, { certificate, key: 'x' }],
    [/holds no certificate/, { ca: 'x' }],
    [
      /holds no certificate/,
      { ca: '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n' },
    ],
  ]
  for (const [says, tls] of wrong) {
    t.throws(() => createHttpClient(tls), { constructor: ConfigError, message: says })
  }
})
