import { PollFault } from './fault.ts'

/** What is known of the request that failed. */
export interface Attempted {
  readonly url: URL
  readonly timeoutMs: number
  readonly wholeMs: number
  /** a client certificate was at hand */
  readonly hasCertificate: boolean
  readonly hasPrivateCa: boolean
}

/** Says in words what a connection failed with. */
export function networkFault(error: unknown, attempted: Attempted): PollFault {
  if (error instanceof PollFault) return error
  const { url, timeoutMs, wholeMs } = attempted
  const code = findCode(error)
  const port = url.port || (url.protocol === 'https:' ? '443' : '80')
  const where = `${url.hostname} port ${port}`
  const tls = tlsFault(code, error, attempted)
  if (tls) return tls
  switch (code) {
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return new PollFault('unknown-host', `no address is known for the name ${url.hostname}`, {
        advice: ['check the spelling, and which DNS server this machine asks and which the device'],
        retryable: code === 'EAI_AGAIN',
        cause: error,
      })
    case 'ECONNREFUSED':
      return new PollFault('connection-refused', `nothing listens on ${where}`, {
        advice: [
          'check the port and that the server runs',
          'a server that listens on 127.0.0.1 only is reached from its own machine only',
        ],
        retryable: true,
        cause: error,
      })
    case 'UND_ERR_CONNECT_TIMEOUT':
      return new PollFault('timeout', `${where} does not take a connection`, {
        advice: ['check the firewalls between, from the device’s network too'],
        retryable: true,
        cause: error,
      })
    case 'UND_ERR_HEADERS_TIMEOUT':
      return timedOut(`${where} took the request and did not answer within ${timeoutMs} ms`)
    case 'UND_ERR_BODY_TIMEOUT':
      return timedOut(`${where} fell silent for ${timeoutMs} ms in the middle of its answer`)
    case 'UND_ERR_HEADERS_OVERFLOW':
      return new PollFault('too-large', 'the headers of the answer are larger than 32 kB', {
        advice: ['check what answers there: this is no TAXII service'],
        cause: error,
      })
    case 'UND_ERR_SOCKET':
    case 'ECONNRESET':
    case 'EPIPE':
    case 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH':
      return new PollFault('connection-lost', `${where} ended the connection too early`, {
        advice: [
          'look into the log of the server, and of the proxy before it, at this moment',
          url.protocol === 'https:'
            ? 'some servers that demand a client certificate end so: --cert FILE --key FILE'
            : 'a port that speaks https does so too when it is asked by http',
        ],
        retryable: true,
        cause: error,
      })
    default:
      break
  }
  // undici gives its parser's complaint no code.
  if (error instanceof Error && error.name === 'HTTPParserError') {
    return new PollFault('not-http', `what answers on ${where} does not speak HTTP`, {
      advice: ['check the port, and whether the address is to begin with http: or https:'],
      cause: error,
    })
  }
  if (error instanceof DOMException && error.name === 'TimeoutError') {
    // The bound is ours, no device's: another attempt would take as long.
    return new PollFault(
      'timeout',
      `the answer of ${where} was not whole after ${spanText(wholeMs)}`,
      {
        advice: [
          'it is so large, so slow or without end: --blocks shows what comes, --max-answer gives it longer',
          'shorter windows (--segment) or a collection with pages make smaller answers',
        ],
        cause: error,
      },
    )
  }
  const why = error instanceof Error ? error.message : String(error)
  return new PollFault('unreachable', `${where} cannot be reached: ${why}`, {
    advice: ['check the address and the network'],
    retryable: true,
    cause: error,
  })

  function timedOut(message: string): PollFault {
    return new PollFault('timeout', message, {
      advice: [
        'look at the load of the server; --timeout gives it longer, the device does not',
        'shorter windows (--segment) or a collection with pages make smaller answers',
      ],
      retryable: true,
      cause: error,
    })
  }
}

function spanText(ms: number): string {
  return ms < 60_000 ? `${ms} ms` : `${ms / 60_000} min`
}

const untrusted = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'CERT_UNTRUSTED',
])

// What a server says when it wanted a certificate of the client, or another one.
const demanded =
  /ALERT_(CERTIFICATE_REQUIRED|BAD_CERTIFICATE|UNSUPPORTED_CERTIFICATE|CERTIFICATE_UNKNOWN|UNKNOWN_CA|CERTIFICATE_EXPIRED|CERTIFICATE_REVOKED)|ALERT_HANDSHAKE_FAILURE/

function tlsFault(
  code: string | undefined,
  error: unknown,
  { url, hasCertificate, hasPrivateCa }: Attempted,
): PollFault | undefined {
  if (code === undefined) return undefined
  const name = url.hostname
  if (untrusted.has(code)) {
    const chain =
      code === 'DEPTH_ZERO_SELF_SIGNED_CERT'
        ? `${name} shows a certificate that it signed itself`
        : `${name} shows a certificate whose issuer is not trusted here (${code})`
    const port = url.port || '443'
    return new PollFault('untrusted-issuer', chain, {
      advice: [
        hasPrivateCa
          ? 'the file of --ca does not hold the CA that issued it; it has to be the root, as PEM'
          : 'give the CA’s certificate with --ca FILE (PEM), and import the same into the device',
        `to see whom it names: openssl s_client -connect ${name}:${port} -servername ${name} -showcerts`,
        'ask whoever runs the CA for its certificate: what that command shows proves nothing by itself',
        'for a public CA: the server has to send the intermediate certificates too',
      ],
      cause: error,
    })
  }
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    const names = String((error as { cert?: { subjectaltname?: string } }).cert?.subjectaltname)
    return new PollFault(
      'wrong-host-name',
      `the certificate is not for ${name}, but for ${names === 'undefined' ? 'another name' : names}`,
      {
        advice: ['use a name that the certificate has, or have one issued for this name'],
        cause: error,
      },
    )
  }
  if (code === 'CERT_HAS_EXPIRED' || code === 'CERT_NOT_YET_VALID') {
    const when = code === 'CERT_HAS_EXPIRED' ? 'has expired' : 'is not valid yet'
    return new PollFault('expired-certificate', `the certificate of ${name} ${when}`, {
      advice: ['renew it on the server, its whole chain', 'check the clock of this machine'],
      cause: error,
    })
  }
  if (demanded.test(code)) {
    const message = hasCertificate
      ? `${name} does not accept the client certificate (${code})`
      : `${name} ended the TLS handshake; most likely it demands a client certificate (${code})`
    return new PollFault('certificate-demanded', message, {
      advice: [
        hasCertificate
          ? 'check that the server trusts the CA that issued it, and that it has not expired'
          : 'give one with --cert FILE --key FILE; an ESA cannot send one',
      ],
      cause: error,
    })
  }
  if (code.startsWith('ERR_SSL_') || code === 'EPROTO') {
    return new PollFault('tls', `no TLS connection to ${name} comes about (${code})`, {
      advice: [
        'check the port: does it speak https?',
        'TLS 1.2 or 1.3 is needed; see what the server offers',
      ],
      cause: error,
    })
  }
  return undefined
}

/** Errors of several addresses, and those of undici, carry the telling one within. */
function findCode(error: unknown): string | undefined {
  for (let at = error, depth = 0; at instanceof Error && depth < 5; depth += 1) {
    const { code, errors, cause } = at as Error & { code?: unknown; errors?: unknown[] }
    const inner = cause ?? errors?.[0]
    // Node knows more than undici of a socket that ended.
    if (code === 'UND_ERR_SOCKET' && findCode(inner) !== undefined) return findCode(inner)
    if (typeof code === 'string') return code
    at = inner as Error
  }
  return undefined
}
