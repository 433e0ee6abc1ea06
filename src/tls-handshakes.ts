import type { Server } from 'node:https'
import type { TLSSocket } from 'node:tls'
import type { Log } from './log.ts'
import { nameOf } from './tls-files.ts'

/** A device that gets no TLS says little or nothing of why: the log does. */
export function reportHandshakes(server: Server, log: Pick<Log, 'info' | 'debug'>): void {
  server.on('tlsClientError', (error: NodeJS.ErrnoException, socket: TLSSocket) => {
    const address = socket.remoteAddress
    const untrusted = socket.authorizationError as unknown
    const code = untrusted ? String(untrusted) : (error.code ?? error.message)
    const details = { address, code }
    // Somebody who connects and leaves: load balancers look whether the port is open.
    if (!untrusted && error.code === 'ECONNRESET') log.debug(details, 'left within the handshake')
    else log.info(details, `a TLS handshake with ${address} failed: ${wordsOf(code, socket)}`)
  })
  server.on('secureConnection', (socket: TLSSocket) => {
    const certificate = socket.authorizationError ? socket.getPeerX509Certificate() : undefined
    if (!certificate) return
    const code = String(socket.authorizationError)
    log.info(
      { address: socket.remoteAddress, code },
      `${socket.remoteAddress} shows a client certificate, ${nameOf(certificate)}, that is taken for none: ${words[code] ?? code}`,
    )
  })
}

function wordsOf(code: string, socket: TLSSocket): string {
  const certificate = socket.getPeerX509Certificate?.()
  const shown = certificate ? ` (its certificate is ${nameOf(certificate)})` : ''
  return `${words[code] ?? code}${shown}`
}

const issuer = 'no authority of TAXIWAY_TLS_CLIENT_CA_FILE has signed its certificate'

const words: Readonly<Record<string, string>> = {
  ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE:
    'it shows no client certificate, and TAXIWAY_TLS_CLIENT_CERTIFICATES is required',
  ERR_SSL_HTTP_REQUEST: 'it speaks plain HTTP; clients must use https://',
  ERR_SSL_UNSUPPORTED_PROTOCOL: 'it speaks no version of TLS from TAXIWAY_TLS_MIN_VERSION on',
  ERR_SSL_WRONG_VERSION_NUMBER: 'what it sends is no TLS',
  ERR_SSL_NO_SHARED_CIPHER: 'it offers no cipher of today',
  ERR_SSL_NO_APPLICATION_PROTOCOL: 'it does not speak HTTP/1.1',
  ERR_SSL_TLSV1_ALERT_UNKNOWN_CA:
    "it does not trust the server's certificate: has it the authority that signed it, and is the chain in TAXIWAY_TLS_CERT_FILE whole?",
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
    "it does not accept the server's certificate: look whether the certificate names the host that it asks for",
  ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE:
    "it does not accept the server's certificate: look whether the certificate names the host that it asks for",
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED: "it holds the server's certificate for expired",
  ERR_TLS_HANDSHAKE_TIMEOUT: 'it did not go on with it',
  UNABLE_TO_GET_ISSUER_CERT: issuer,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: issuer,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: issuer,
  DEPTH_ZERO_SELF_SIGNED_CERT: issuer,
  SELF_SIGNED_CERT_IN_CHAIN: issuer,
  CERT_SIGNATURE_FAILURE: issuer,
  CERT_HAS_EXPIRED: 'its certificate, or one of its chain, has expired',
  CERT_NOT_YET_VALID: 'its certificate, or one of its chain, is not valid yet',
  INVALID_PURPOSE: 'its certificate is not for clients (extendedKeyUsage clientAuth)',
}
