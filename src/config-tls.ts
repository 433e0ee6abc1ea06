import { isIP } from 'node:net'
import type { Readers } from './config.ts'

export interface TlsConfig {
  /** PEM: the server's certificate and what stands between it and its root */
  readonly certFile: string
  readonly keyFile: string
  readonly keyPassphrase: string | undefined
  /** PEM: who signs the certificates of clients; undefined: none is asked for */
  readonly clientCaFile: string | undefined
  readonly clientCertificates: 'none' | 'optional' | 'required'
  readonly minVersion: 'TLSv1.2' | 'TLSv1.3'
}

export function readTls({ read, secret, problem }: Readers): TlsConfig | undefined {
  const certFile = read('TLS_CERT_FILE')
  const keyFile = read('TLS_KEY_FILE')
  const clientCaFile = read('TLS_CLIENT_CA_FILE')
  const keyPassphrase = secret('TLS_KEY_PASSPHRASE')
  const wanted = read('TLS_CLIENT_CERTIFICATES')
  const version = read('TLS_MIN_VERSION') ?? '1.2'
  if (version !== '1.2' && version !== '1.3') {
    problem('TLS_MIN_VERSION', `must be 1.2 or 1.3, not "${version}"`)
  }
  if (wanted !== undefined && wanted !== 'optional' && wanted !== 'required') {
    problem('TLS_CLIENT_CERTIFICATES', `must be optional or required, not "${wanted}"`)
  }
  if (wanted !== undefined && clientCaFile === undefined) {
    problem('TLS_CLIENT_CERTIFICATES', 'needs TAXIWAY_TLS_CLIENT_CA_FILE: who signs them')
  }
  if (certFile === undefined || keyFile === undefined) {
    const [one, other] = certFile === undefined ? ['CERT', 'KEY'] : ['KEY', 'CERT']
    if (certFile !== undefined || keyFile !== undefined) {
      problem(`TLS_${one}_FILE`, `is missing beside TAXIWAY_TLS_${other}_FILE`)
    } else if (clientCaFile !== undefined) {
      problem('TLS_CLIENT_CA_FILE', 'needs TAXIWAY_TLS_CERT_FILE and TAXIWAY_TLS_KEY_FILE')
    } else if (keyPassphrase !== undefined) {
      problem('TLS_KEY_PASSPHRASE', 'needs TAXIWAY_TLS_KEY_FILE')
    }
    return undefined
  }
  const asked = wanted === 'required' ? 'required' : 'optional'
  return {
    certFile,
    keyFile,
    keyPassphrase,
    clientCaFile,
    clientCertificates: clientCaFile === undefined ? 'none' : asked,
    minVersion: version === '1.3' ? 'TLSv1.3' : 'TLSv1.2',
  }
}

export function readTrustedProxies({ read, problem }: Readers): readonly string[] {
  const proxies = (read('TRUSTED_PROXIES') ?? '').split(',').flatMap((one) => one.trim() || [])
  for (const proxy of proxies) {
    const [address = '', prefix, ...more] = proxy.split('/')
    // A zone, as in fe80::1%eth0, is this machine's own word.
    const kind = address.includes('%') ? 0 : isIP(address)
    const bits = kind === 4 ? 32 : kind === 6 ? 128 : -1
    const isPrefix = prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= bits)
    if (bits > 0 && /^0+$/.test(prefix ?? '')) {
      problem('TRUSTED_PROXIES', `must not name everybody, as "${proxy}" does`)
      continue
    }
    if (bits > 0 && isPrefix && more.length === 0) continue
    problem('TRUSTED_PROXIES', `must be addresses or CIDR blocks, which "${proxy}" is not`)
  }
  return proxies
}
