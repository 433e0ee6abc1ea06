import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { installDebianPackages } from '../../scripts/services/install.ts'
import { findProgram, runOrThrow } from '../../scripts/services/process.ts'

export interface Certificate {
  /** files in PEM */
  readonly certFile: string
  readonly keyFile: string
  readonly cert: string
  readonly key: string
}

export interface CertificateOptions {
  /** as OpenSSL's `-subj` takes it: `/O=Example/CN=esa1` */
  readonly subject?: string
  /** as OpenSSL's `subjectAltName` takes it; empty: none */
  readonly names?: string
  /** who signs it; absent: itself */
  readonly issuer?: Certificate
  /** until it ends, negative: since it has ended */
  readonly days?: number
  readonly isAuthority?: boolean
  /** as OpenSSL's `extendedKeyUsage` takes it */
  readonly purpose?: string
  /** more extensions, a line each */
  readonly extensions?: string
  /** encrypts the key */
  readonly passphrase?: string
  readonly key?: 'ec' | 'rsa' | 'short'
}

let serial = 0

/** Makes a key and its certificate in the folder, as NAME.pem and NAME.key. */
export async function makeCertificate(
  folder: string,
  name: string,
  options: CertificateOptions = {},
): Promise<Certificate> {
  if (!findProgram('openssl')) await installDebianPackages('openssl', ['openssl'])
  const openssl = findProgram('openssl') as string
  const file = (ending: string) => join(folder, `${name}.${ending}`)
  const { issuer, passphrase } = options
  const [certFile, keyFile] = [file('pem'), file('key')]
  const algorithms = {
    ec: ['ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'],
    rsa: ['rsa:2048'],
    short: ['rsa:512'],
  }
  await runOrThrow(openssl, [
    ...['req', '-new', '-utf8', '-newkey', ...algorithms[options.key ?? 'ec']],
    ...['-keyout', keyFile, '-out', file('csr'), '-subj', options.subject ?? `/CN=${name}`],
    ...(passphrase === undefined ? ['-nodes'] : ['-passout', `pass:${passphrase}`]),
  ])
  const names = options.names ?? (options.isAuthority ? '' : 'IP:127.0.0.1,IP:::1,DNS:localhost')
  const extensions = [
    ...(names === '' ? [] : [`subjectAltName=${names}`]),
    ...(options.isAuthority
      ? ['basicConstraints=critical,CA:TRUE', 'keyUsage=critical,keyCertSign,cRLSign']
      : ['basicConstraints=CA:FALSE']),
    ...(options.purpose === undefined ? [] : [`extendedKeyUsage=${options.purpose}`]),
    options.extensions ?? '',
  ]
  await writeFile(file('ext'), `${extensions.join('\n')}\n`)
  serial += 1
  await runOrThrow(openssl, [
    ...['x509', '-req', '-in', file('csr'), '-out', certFile, '-extfile', file('ext')],
    ...['-days', String(options.days ?? 30), '-set_serial', `${process.pid}${serial}`],
    ...(issuer
      ? ['-CA', issuer.certFile, '-CAkey', issuer.keyFile]
      : [
          ...['-signkey', keyFile],
          ...(passphrase === undefined ? [] : ['-passin', `pass:${passphrase}`]),
        ]),
  ])
  const [cert, key] = await Promise.all([readFile(certFile, 'utf8'), readFile(keyFile, 'utf8')])
  return { certFile, keyFile, cert, key }
}

/** An authority of its own, which signs itself unless there is an issuer. */
export function makeAuthority(
  folder: string,
  name: string,
  options: CertificateOptions = {},
): Promise<Certificate> {
  return makeCertificate(folder, name, { isAuthority: true, ...options })
}
