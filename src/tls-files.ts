import { createHash, createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import { createSecureContext, rootCertificates } from 'node:tls'
import type { TlsConfig } from './config-tls.ts'
import { ConfigError } from './model/errors.ts'
import { describeCertificate } from './security/certificate-subject.ts'

/** What stood in the files when they were read together. */
export interface TlsFiles {
  readonly cert: ReadFile
  readonly key: ReadFile
  readonly clientCa: ReadFile | undefined
  /** of all of them, what cannot be read included */
  readonly digest: string
}

interface ReadFile {
  /** the variable that names it */
  readonly setting: string
  readonly path: string
  readonly text: string
  /** undefined: it could be read */
  readonly fault: string | undefined
  readonly isOpenToAll: boolean
}

/** What TLS is spoken with. */
export interface TlsMaterial {
  readonly cert: string
  readonly key: string
  readonly passphrase: string | undefined
  readonly clientCa: string | undefined
  /** the server's own, then those that stand between it and its root */
  readonly chain: readonly [X509Certificate, ...X509Certificate[]]
  readonly clientAuthorities: readonly X509Certificate[]
  /** what works and need not be meant, a sentence each */
  readonly warnings: readonly string[]
  readonly digest: string
  /** of the authorities of clients alone */
  readonly clientCaDigest: string
}

export async function readTlsFiles(config: TlsConfig): Promise<TlsFiles> {
  const { certFile, keyFile, clientCaFile } = config
  const [cert, key, clientCa] = await Promise.all([
    readOne('TAXIWAY_TLS_CERT_FILE', certFile),
    readOne('TAXIWAY_TLS_KEY_FILE', keyFile),
    clientCaFile === undefined ? undefined : readOne('TAXIWAY_TLS_CLIENT_CA_FILE', clientCaFile),
  ])
  const parts = [cert, key, clientCa].map((file) => `${file?.fault} ${digestOf(file?.text ?? '')}`)
  return { cert, key, clientCa, digest: digestOf(parts.join('\n')) }
}

// Bundles of all public authorities have a quarter of it.
const maxBytes = 1_048_576

async function readOne(setting: string, path: string): Promise<ReadFile> {
  try {
    const { mode, size } = await stat(path)
    if (size > maxBytes) throw Object.assign(new Error(), { code: 'it has more than 1 MB' })
    const text = await readFile(path, 'utf8')
    return { setting, path, text, fault: undefined, isOpenToAll: (mode & 0o004) !== 0 }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    return { setting, path, text: '', fault: `cannot be read (${code})`, isOpenToAll: false }
  }
}

/**
 * @throws ConfigError naming the file and its fault
 */
export function checkTlsFiles(files: TlsFiles, config: TlsConfig): TlsMaterial {
  const { cert, key, clientCa } = files
  const chain = readCertificates(cert)
  const [own, ...others] = chain
  const privateKey = readKey(key, config.keyPassphrase)
  if (!own.checkPrivateKey(privateKey)) {
    const fitting = others.find((one) => one.checkPrivateKey(privateKey))
    if (fitting) {
      throw refuse(
        cert,
        `must begin with the server's own certificate, ${nameOf(fitting)}; it begins with ${nameOf(own)}`,
      )
    }
    throw refuse(key, `does not belong to the certificate in ${cert.path}, ${nameOf(own)}`)
  }
  const clientAuthorities = clientCa ? readCertificates(clientCa) : []
  try {
    createSecureContext({ cert: cert.text, key: key.text, passphrase: config.keyPassphrase })
  } catch (cause) {
    // Such as a key that is too short for today's TLS.
    const { reason, message } = cause as Error & { reason?: string }
    throw refuse(cert, `cannot be used: ${reason ?? message}`, cause)
  }
  return {
    cert: cert.text,
    key: key.text,
    passphrase: config.keyPassphrase,
    clientCa: clientCa?.text,
    chain,
    clientAuthorities,
    warnings: [
      ...keyWarnings(key),
      ...chainWarnings(cert, chain),
      ...(clientCa ? authorityWarnings(clientCa, clientAuthorities) : []),
    ],
    digest: files.digest,
    clientCaDigest: digestOf(clientCa?.text ?? ''),
  }
}

function readCertificates(file: ReadFile): readonly [X509Certificate, ...X509Certificate[]] {
  if (file.fault) throw refuse(file, file.fault)
  const begun = file.text.match(/-----BEGIN (TRUSTED )?CERTIFICATE-----/g)?.length ?? 0
  const blocks = file.text.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? []
  if (begun === 0) {
    if (file.text.trim() === '') throw refuse(file, 'is empty')
    if (/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(file.text)) {
      throw refuse(file, 'holds a private key and no certificate: are the two files interchanged?')
    }
    throw refuse(
      file,
      'holds no certificate in PEM, which begins with "-----BEGIN CERTIFICATE-----"; "openssl x509 -inform DER" makes it of DER, "openssl pkcs12 -nokeys" of PKCS #12',
    )
  }
  if (begun !== blocks.length) throw refuse(file, 'is cut short: a certificate in it has no end')
  const certificates = blocks.map((block, index) => {
    try {
      return new X509Certificate(block)
    } catch (cause) {
      throw refuse(file, `holds a certificate, number ${index + 1}, that is damaged`, cause)
    }
  })
  return certificates as [X509Certificate, ...X509Certificate[]]
}

function readKey(file: ReadFile, passphrase: string | undefined): KeyObject {
  if (file.fault) throw refuse(file, file.fault)
  const { text } = file
  if (!/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(text)) {
    if (text.trim() === '') throw refuse(file, 'is empty')
    if (text.includes('-----BEGIN CERTIFICATE-----')) {
      throw refuse(file, 'holds a certificate and no key: are the two files interchanged?')
    }
    throw refuse(file, 'holds no private key in PEM')
  }
  const isEncrypted = /-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type: 4,ENCRYPTED/m.test(text)
  if (isEncrypted && passphrase === undefined) {
    throw refuse(file, 'is encrypted: set TAXIWAY_TLS_KEY_PASSPHRASE, or decrypt it')
  }
  try {
    return createPrivateKey({ key: text, ...(isEncrypted && { passphrase }) })
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    const isWrong = isEncrypted && /BAD_DECRYPT|CIPHER|MAC/i.test(code ?? '')
    throw refuse(
      file,
      isEncrypted && (isWrong || !text.includes('-----END'))
        ? 'cannot be decrypted: TAXIWAY_TLS_KEY_PASSPHRASE is another'
        : 'holds a private key that cannot be read: it is damaged or cut short',
      cause,
    )
  }
}

function keyWarnings(key: ReadFile): string[] {
  if (!key.isOpenToAll) return []
  return [`${key.setting}: every user of this machine can read ${key.path}; chmod 600 it`]
}

function chainWarnings(file: ReadFile, chain: readonly X509Certificate[]): string[] {
  const warnings: string[] = []
  const warn = (what: string) => warnings.push(`${file.setting}: ${what}`)
  for (const [index, certificate] of chain.entries()) {
    const next = chain[index + 1]
    if (!next || issues(next, certificate)) continue
    warn(
      `${nameOf(certificate)} in ${file.path} is not issued by ${nameOf(next)} behind it: some clients will not find the way to its root; put each issuer behind what it has issued`,
    )
  }
  const last = chain.at(-1) as X509Certificate
  const isRoot = issues(last, last)
  // A private root has no such address; what a public one has issued names where its issuer is to be had.
  if (!isRoot && last.infoAccess?.includes('CA Issuers') && !isIssuedByPublicRoot(last)) {
    warn(
      `${file.path} ends with ${nameOf(last)}, whose issuer ${issuerOf(last)} is missing: put the intermediate certificates behind the server's own`,
    )
  }
  if (!chain[0]?.subjectAltName) {
    warn(`${nameOf(last)} in ${file.path} has no subjectAltName: clients look for the host there`)
  }
  return warnings
}

function authorityWarnings(file: ReadFile, all: readonly X509Certificate[]): string[] {
  return all.flatMap((one) => {
    if (all.some((other) => issues(other, one))) return []
    return `${file.setting}: ${file.path} has ${nameOf(one)} without its issuer ${issuerOf(one)}: no client is trusted by it; add the issuer, up to its root`
  })
}

function issues(issuer: X509Certificate, certificate: X509Certificate): boolean {
  try {
    return certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey)
  } catch {
    // A kind of key that this OpenSSL does not know.
    return false
  }
}

function isIssuedByPublicRoot(certificate: X509Certificate): boolean {
  return rootCertificates.some((pem) => issues(new X509Certificate(pem), certificate))
}

/** A certificate as the log and complaints name it. */
export function nameOf(certificate: X509Certificate): string {
  const { subject } = describeCertificate(certificate)
  return `"${subject || `serial number ${certificate.serialNumber}`}"`
}

function issuerOf(certificate: X509Certificate): string {
  const names = certificate.issuer.split('\n').toReversed()
  return `"${names.join(', ')}"`
}

function refuse(file: ReadFile, fault: string, cause?: unknown): ConfigError {
  return new ConfigError(`${file.setting} names ${file.path}, which ${fault}`, { cause })
}

function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
