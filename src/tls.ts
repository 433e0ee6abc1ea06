import { constants } from 'node:crypto'
import type { Server as HttpServer } from 'node:http'
import { Server, type ServerOptions } from 'node:https'
import { Gauge, type Registry } from 'prom-client'
import type { ServedCertificate } from './admin/parts.ts'
import type { TlsConfig } from './config-tls.ts'
import type { Connections } from './http/connections.ts'
import { startRepeating } from './jobs/repeat.ts'
import type { Log } from './log.ts'
import { describeCertificate } from './security/certificate-subject.ts'
import { reportFailures } from './shared-work.ts'
import { createEndWarnings } from './tls-end.ts'
import { checkTlsFiles, readTlsFiles, type TlsFiles, type TlsMaterial } from './tls-files.ts'
import { reportHandshakes } from './tls-handshakes.ts'

export interface TlsParts {
  readonly log: Pick<Log, 'info' | 'warn' | 'error'>
  readonly clock: () => Date
}

/** TLS as it is spoken now, and how that changes without a new start. */
export interface Tls {
  readonly serverOptions: ServerOptions
  findCertificate(): ServedCertificate
  /**
   * Reads the files, and speaks TLS with what they hold if that is something new and sound. What is neither
   * is complained about only when it stays: a pair is written one file after the other.
   */
  look(): Promise<void>
  /** As `look`, but what is wrong is told at once. */
  reload(): Promise<void>
  /**
   * Lets this server follow; what is under way on it goes on.
   * @param onOtherAuthorities runs when clients' certificates are judged by others than before
   */
  follow(server: Server, onOtherAuthorities: () => void): void
}

// Writing two files takes seconds at the most, and for as long the old ones are as good.
const patienceMs = 10_000

/** @throws ConfigError naming the file that is wrong, and how */
export async function openTls(config: TlsConfig, { log, clock }: TlsParts): Promise<Tls> {
  let material = checkTlsFiles(await readTlsFiles(config), config)
  const followers: ((before: TlsMaterial) => void)[] = []
  const warnOfEnds = createEndWarnings(log, clock)
  /** what was read last and is not used */
  let refused: { readonly digest: string; readonly since: number; told: boolean } | undefined

  const warnOf = () => {
    for (const warning of material.warnings) log.warn(warning)
    warnOfEnds(material)
  }

  const take = (files: TlsFiles) => {
    const before = material
    material = checkTlsFiles(files, config)
    refused = undefined
    for (const follower of followers) follower(before)
    const { subject, validUntil } = findCertificate()
    log.info(
      { subject, validUntil },
      `TLS is spoken from now on with the certificate "${subject}", valid until ${validUntil.toISOString()}`,
    )
    warnOf()
  }

  const refuse = (digest: string, error: Error, isAsked: boolean) => {
    const now = clock().getTime()
    if (refused?.digest !== digest) refused = { digest, since: now, told: false }
    if (refused.told && !isAsked) return
    if (!isAsked && now - refused.since < patienceMs) return
    refused.told = true
    log.error(
      { err: error },
      `TLS goes on with the certificate that it has, until ${material.chain[0].validToDate.toISOString()}: ${error.message}`,
    )
  }

  const readAgain = async (isAsked: boolean) => {
    const files = await readTlsFiles(config)
    if (files.digest === material.digest) {
      refused = undefined
      if (isAsked) log.info('the files of TLS are as they were')
      warnOfEnds(material)
      return
    }
    try {
      take(files)
    } catch (error) {
      refuse(files.digest, error as Error, isAsked)
      warnOfEnds(material)
    }
  }

  // A signal in the middle of a look is not lost, and two do not overtake each other.
  let under = Promise.resolve()
  const inTurn = (isAsked: boolean) => {
    const done = under.then(() => readAgain(isAsked))
    under = done.catch(() => {})
    return done
  }

  function findCertificate(): ServedCertificate {
    const [own] = material.chain
    return { subject: describeCertificate(own).subject, validUntil: own.validToDate }
  }

  warnOf()
  return {
    serverOptions: optionsOf(material, config),
    findCertificate,
    look: () => inTurn(false),
    reload: () => inTurn(true),
    follow(server, onOtherAuthorities) {
      followers.push((before) => {
        server.setSecureContext(optionsOf(material, config))
        if (before.clientCaDigest !== material.clientCaDigest) onOtherAuthorities()
      })
    },
  }
}

// What has forward secrecy and authenticates what it encrypts, and nothing else.
const ciphers = [
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'TLS_AES_128_GCM_SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
].join(':')

const handshakeMs = 20_000

function optionsOf(material: TlsMaterial, config: TlsConfig): ServerOptions {
  const asksForCertificates = config.clientCertificates !== 'none'
  return {
    cert: material.cert,
    key: material.key,
    passphrase: material.passphrase,
    ca: material.clientCa,
    requestCert: asksForCertificates,
    rejectUnauthorized: config.clientCertificates === 'required',
    minVersion: config.minVersion,
    maxVersion: 'TLSv1.3',
    ciphers,
    honorCipherOrder: true,
    ALPNProtocols: ['http/1.1'],
    handshakeTimeout: handshakeMs,
    secureOptions:
      // In a second handshake a client could show another certificate than the one that was checked.
      constants.SSL_OP_NO_RENEGOTIATION |
      // A resumed session is believed what the first handshake found, whoever is trusted since.
      (asksForCertificates ? constants.SSL_OP_NO_TICKET : 0),
  }
}

/** What its certificate's end is, for `/metrics`. */
export function observeTls(registry: Registry, tls: Pick<Tls, 'findCertificate'>): void {
  new Gauge({
    name: 'taxiway_tls_certificate_expires_timestamp_seconds',
    help: 'When the certificate that TLS is spoken with ends.',
    registers: [registry],
    collect() {
      this.set(tls.findCertificate().validUntil.getTime() / 1000)
    },
  })
}

// certbot replaces files and Kubernetes the links to them: what they hold is looked at, no events are waited for.
const lookMs = 3_000

/**
 * Lets a server that was made with `serverOptions` follow the files.
 * @returns stops that
 */
export function followTls(
  tls: Tls,
  server: HttpServer | Server,
  {
    connections,
    log,
  }: { readonly connections: Pick<Connections, 'endPresent'>; readonly log: Log },
): () => Promise<void> {
  if (!(server instanceof Server)) throw new Error('the server does not speak TLS')
  reportHandshakes(server, log)
  tls.follow(server, () => connections.endPresent())
  return startRepeating(lookMs, () => tls.look(), reportFailures(log, 'reading the files of TLS'))
}
