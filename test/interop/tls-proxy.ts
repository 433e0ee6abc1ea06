import { once } from 'node:events'
import { request } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { makeAuthority, makeCertificate } from '../helpers/certificates.ts'

/** The part of tap's `t` that this needs. */
interface Teardown {
  teardown(work: () => Promise<void>): void
}

export interface TlsProxy {
  /** such as https://127.0.0.1:40123 */
  readonly url: string
  /** PEM of who has signed its certificate */
  readonly caFile: string
  /** Sends what comes from now on to this service, a URL. */
  target(url: string): void
}

/**
 * Ends TLS as a reverse proxy does, and passes paths and headers on, with its client's address if it is
 * told one. Its certificate is of a CA of
 * its own, which stands in the folder as private-ca.pem.
 */
export async function startTlsProxy(
  t: Teardown,
  folder: string,
  options: {
    /** whom it takes clients for, as if it stood before them; absent: it says nothing of them */
    readonly clientAddress?: string
  } = {},
): Promise<TlsProxy> {
  const issuer = await makeAuthority(folder, 'private-ca', { subject: '/CN=A private CA' })
  const { key, cert } = await makeCertificate(folder, 'tls', { issuer })
  let targetUrl = ''
  const server = createServer({ key, cert }, (incoming, response) => {
    const { method = 'GET', url = '/' } = incoming
    const { clientAddress } = options
    const given = incoming.headers['x-forwarded-for']
    const headers = {
      ...incoming.headers,
      ...(clientAddress !== undefined && {
        'x-forwarded-for': given === undefined ? clientAddress : `${given}, ${clientAddress}`,
        'x-forwarded-proto': 'https',
      }),
    }
    const onwards = request(new URL(url, targetUrl), { method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(response)
    })
    onwards.on('error', () => response.writeHead(502).end())
    incoming.pipe(onwards)
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  t.teardown(async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })
  return {
    caFile: issuer.certFile,
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    target(url) {
      targetUrl = url
    },
  }
}
