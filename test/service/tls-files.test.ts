import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import type { TlsConfig } from '../../src/config-tls.ts'
import { ConfigError } from '../../src/model/errors.ts'
import { checkTlsFiles, readTlsFiles } from '../../src/tls-files.ts'
import { makeAuthority, makeCertificate } from '../helpers/certificates.ts'
import { secret } from '../helpers/secrets.ts'
import { makeFolder } from '../helpers/taxiway.ts'

const folder = await makeFolder(t)
const passphrase = secret('passphrase of a key')
const root = await makeAuthority(folder, 'root', { subject: '/O=Example/CN=Root' })
const [middle, server, other, rsa, encrypted, short] = await Promise.all([
  makeAuthority(folder, 'middle', { subject: '/O=Example/CN=Middle', issuer: root }),
  makeCertificate(folder, 'server', { issuer: root, subject: '/O=Example/CN=taxii.example.com' }),
  makeCertificate(folder, 'other', { issuer: root }),
  makeCertificate(folder, 'rsa', { issuer: root, key: 'rsa' }),
  makeCertificate(folder, 'encrypted', { issuer: root, passphrase }),
  makeCertificate(folder, 'short', { issuer: root, key: 'short' }),
])
const leaf = await makeCertificate(folder, 'leaf', { issuer: middle, subject: '/CN=leaf' })

async function file(name: string, content: string | Buffer): Promise<string> {
  const path = join(folder, name)
  await writeFile(path, content, { mode: 0o600 })
  return path
}

function config(files: Partial<TlsConfig>): TlsConfig {
  return {
    certFile: server.certFile,
    keyFile: server.keyFile,
    keyPassphrase: undefined,
    clientCaFile: undefined,
    clientCertificates: 'none',
    minVersion: 'TLSv1.2',
    ...files,
  }
}

async function check(files: Partial<TlsConfig>) {
  const given = config(files)
  return checkTlsFiles(await readTlsFiles(given), given)
}

async function faultOf(files: Partial<TlsConfig>): Promise<string> {
  try {
    await check(files)
    return 'none'
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return error.message
  }
}

const der = Buffer.from(server.cert.replace(/-----[^-]+-----|\s/g, ''), 'base64')
await mkdir(join(folder, 'folder'))

t.test('a certificate and its key are taken, of any kind', async (t) => {
  for (const one of [server, rsa]) {
    const material = await check({ certFile: one.certFile, keyFile: one.keyFile })
    t.strictSame(material.warnings, [])
    t.equal(material.chain.length, 1)
  }
  const { certFile, keyFile } = encrypted
  t.strictSame((await check({ certFile, keyFile, keyPassphrase: passphrase })).warnings, [])
  t.strictSame((await check({ keyPassphrase: 'of no use' })).warnings, [])
  const crlf = await file('crlf.pem', `Text before\r\n${server.cert.replaceAll('\n', '\r\n')}`)
  t.strictSame((await check({ certFile: crlf })).warnings, [])
})

const faults: readonly (readonly [string, () => Promise<Partial<TlsConfig>>, RegExp])[] = [
  [
    'a certificate that is not there',
    async () => ({ certFile: join(folder, 'absent') }),
    /^TAXIWAY_TLS_CERT_FILE names .*absent, which cannot be read \(ENOENT\)$/,
  ],
  [
    'a folder instead of a key',
    async () => ({ keyFile: join(folder, 'folder') }),
    /^TAXIWAY_TLS_KEY_FILE names .*folder, which cannot be read \(EISDIR\)$/,
  ],
  [
    'an empty certificate',
    async () => ({ certFile: await file('empty', '') }),
    /, which is empty$/,
  ],
  ['an empty key', async () => ({ keyFile: await file('empty', '\n') }), /KEY_FILE.* is empty$/],
  [
    'a certificate in DER',
    async () => ({ certFile: await file('der', der) }),
    /holds no certificate in PEM.*openssl x509 -inform DER/,
  ],
  [
    'a key that is no PEM',
    async () => ({ keyFile: await file('key.der', 'MIIE') }),
    /KEY_FILE .* holds no private key in PEM/,
  ],
  [
    'files that are interchanged',
    async () => ({ certFile: server.keyFile, keyFile: server.certFile }),
    /CERT_FILE .* holds a private key and no certificate: are the two files interchanged\?$/,
  ],
  [
    'a certificate instead of a key',
    async () => ({ keyFile: server.certFile }),
    /KEY_FILE .* holds a certificate and no key: are the two files interchanged\?$/,
  ],
  [
    'a certificate that is cut short',
    async () => ({ certFile: await file('cut', server.cert.slice(0, 300)) }),
    /CERT_FILE .* is cut short: a certificate in it has no end$/,
  ],
  [
    'a chain that is cut short',
    async () => ({ certFile: await file('cut', leaf.cert + middle.cert.slice(0, 300)) }),
    /CERT_FILE .* is cut short/,
  ],
  [
    'a certificate that is damaged',
    async () => ({
      certFile: await file('bad', server.cert + server.cert.replace(/\n.{20}/, '\nAAAAAAAAAA')),
    }),
    /CERT_FILE .* holds a certificate, number 2, that is damaged$/,
  ],
  [
    'a key that is damaged',
    async () => ({ keyFile: await file('bad', server.key.replace(/\n.{20}/, '\nAAAAAAAAAA')) }),
    /KEY_FILE .* holds a private key that cannot be read: it is damaged or cut short$/,
  ],
  [
    'a key of another certificate',
    async () => ({ keyFile: other.keyFile }),
    /KEY_FILE names .*other\.key, which does not belong to the certificate in .*server\.pem, "CN=taxii\.example\.com, O=Example"$/,
  ],
  [
    'a chain that begins with an issuer',
    async () => ({
      certFile: await file('order', middle.cert + leaf.cert),
      keyFile: leaf.keyFile,
    }),
    /CERT_FILE .* must begin with the server's own certificate, "CN=leaf"; it begins with "CN=Middle, O=Example"$/,
  ],
  [
    'an encrypted key without its passphrase',
    async () => ({ certFile: encrypted.certFile, keyFile: encrypted.keyFile }),
    /KEY_FILE .* is encrypted: set TAXIWAY_TLS_KEY_PASSPHRASE, or decrypt it$/,
  ],
  [
    'an encrypted key with another passphrase',
    async () => ({
      certFile: encrypted.certFile,
      keyFile: encrypted.keyFile,
      keyPassphrase: secret('another passphrase'),
    }),
    /KEY_FILE .* cannot be decrypted: TAXIWAY_TLS_KEY_PASSPHRASE is another$/,
  ],
  [
    'a key that is too short for TLS',
    async () => ({ certFile: short.certFile, keyFile: short.keyFile }),
    /CERT_FILE .* cannot be used: .*(too small|too short)/,
  ],
  [
    'a file of clients’ authorities without one',
    async () => ({ clientCaFile: await file('no-ca', 'none') }),
    /^TAXIWAY_TLS_CLIENT_CA_FILE names .* holds no certificate in PEM/,
  ],
]

t.test('what cannot be used is refused by its setting, its file and its fault', async (t) => {
  for (const [name, files, fault] of faults) {
    const given = await files()
    const message = await faultOf(given)
    t.match(message, fault, name)
    t.notMatch(message, given.keyPassphrase ?? passphrase)
    t.notMatch(message, /-----BEGIN [A-Z ]+-----.*\n/)
  }
})

t.test('what works and need not be meant is warned of', async (t) => {
  const chain = async (name: string, text: string) =>
    (await check({ certFile: await file(name, text), keyFile: leaf.keyFile })).warnings
  t.strictSame(await chain('whole', leaf.cert + middle.cert), [])
  t.strictSame(await chain('with its root', leaf.cert + middle.cert + root.cert), [])
  t.match(await chain('out of order', leaf.cert + root.cert + middle.cert), [
    /"CN=leaf" .* is not issued by "CN=Root, O=Example" behind it: .* put each issuer behind/,
    /"CN=Root, O=Example" .* is not issued by "CN=Middle, O=Example" behind it/,
  ])

  const extensions = 'authorityInfoAccess=caIssuers;URI:http://ca.example.com/middle.der'
  const [named, nameless] = await Promise.all([
    makeCertificate(folder, 'named', { issuer: middle, extensions }),
    makeCertificate(folder, 'nameless', { issuer: root, names: '' }),
  ])
  t.match((await check(named)).warnings, [
    /named\.pem ends with "CN=named", whose issuer "CN=Middle, O=Example" is missing/,
  ])
  t.match((await check(nameless)).warnings, [/"CN=nameless" .* has no subjectAltName/])

  const open = await file('open.key', server.key)
  await chmod(open, 0o644)
  t.match((await check({ keyFile: open })).warnings, [/every user .* can read .*open\.key; chmod/])

  const authorities = async (text: string) =>
    (await check({ clientCaFile: await file('clients.pem', text) })).warnings
  t.strictSame(await authorities(root.cert), [])
  t.strictSame(await authorities(middle.cert + root.cert), [])
  t.match(await authorities(middle.cert), [
    /clients\.pem has "CN=Middle, O=Example" without its issuer "CN=Root, O=Example": no client is/,
  ])
})

t.test('the digest is of what the files hold, and of what cannot be read', async (t) => {
  const certFile = await file('a.pem', server.cert)
  const digest = async (path: string) => (await readTlsFiles(config({ certFile: path }))).digest
  const first = await digest(certFile)
  t.equal(await digest(await file('b.pem', await readFile(certFile))), first)
  t.not(await digest(join(folder, 'absent')), first)
  t.not(await digest(await file('a.pem', leaf.cert)), first)
})
