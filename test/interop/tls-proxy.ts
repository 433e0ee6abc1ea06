import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { installDebianPackages } from '../../scripts/services/install.ts'
import { findProgram, runOrThrow } from '../../scripts/services/process.ts'

/** The part of tap's `t` that this needs. */
interface Teardown {
  teardown(work: () => Promise<void>): void
}

export interface TlsProxy {
  /** such as https://127.0.0.1:40123 */
  readonly url: string
  /** Sends what comes from now on to this service, a URL. */
  target(url: string): void
}

/**
 * Ends TLS as a reverse proxy does, and passes paths and headers on unchanged. Its certificate is of a CA of
 * its own, which stands in the folder as private-ca.pem.
 */
export async function startTlsProxy(t: Teardown, folder: string): Promise<TlsProxy> {
  const { key, cert } = await makeCertificate(folder)
  let targetUrl = ''
  const server = createServer({ key, cert }, (incoming, response) => {
    const { method = 'GET', url = '/', headers } = incoming
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
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    target(url) {
      targetUrl = url
    },
  }
}

async function makeCertificate(folder: string) {
  if (!findProgram('openssl')) await installDebianPackages('openssl', ['openssl'])
  const openssl = findProgram('openssl') as string
  const file = (name: string) => join(folder, name)
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  await runOrThrow(openssl, [
    ...['req', '-x509', ...newKey, '-keyout', file('ca.key'), '-out', file('private-ca.pem')],
    ...['-days', '2', '-subj', '/CN=A private CA', '-addext', 'keyUsage=critical,keyCertSign'],
  ])
  await runOrThrow(openssl, [
    ...['req', ...newKey, '-keyout', file('tls.key'), '-out', file('tls.csr')],
    ...['-subj', '/CN=127.0.0.1'],
  ])
  await writeFile(file('tls.ext'), 'subjectAltName=IP:127.0.0.1\n')
  await runOrThrow(openssl, [
    ...['x509', '-req', '-in', file('tls.csr'), '-out', file('tls.pem'), '-days', '2'],
    ...['-CA', file('private-ca.pem'), '-CAkey', file('ca.key'), '-CAcreateserial'],
    ...['-extfile', file('tls.ext')],
  ])
  return { key: await readFile(file('tls.key')), cert: await readFile(file('tls.pem')) }
}
