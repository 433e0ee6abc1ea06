import type { Socket } from 'node:net'
import type { PublicAddress } from './discovery.ts'

/** What a request says of where it came to: its own connection and Host, unless a proxy is configured as trusted. */
export interface ReachedRequest {
  readonly protocol: string
  /** '' where it names none */
  readonly host: string
  readonly socket: Pick<Socket, 'localAddress' | 'localPort'>
}

/**
 * Where clients reach the service.
 * @param publicUrl what the settings say; undefined: what the request says of itself
 */
export function publicAddressOf(
  request: ReachedRequest,
  publicUrl: string | undefined,
): PublicAddress {
  if (publicUrl !== undefined) {
    const url = publicUrl.replace(/\/+$/, '')
    return { scheme: url.startsWith('https:') ? 'https' : 'http', url }
  }
  const scheme = request.protocol === 'https' ? 'https' : 'http'
  // HTTP/1.0 clients may name no host.
  const host = request.host || localHost(request.socket)
  return { scheme, url: `${scheme}://${host}` }
}

function localHost({ localAddress = '', localPort }: ReachedRequest['socket']): string {
  // An IPv4 client of a socket that listens for IPv6 too.
  const address = localAddress.replace(/^::ffff:(?=[\d.]+$)/, '')
  return address.includes(':') ? `[${address}]:${localPort}` : `${address}:${localPort}`
}
