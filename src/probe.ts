import { type ClientRequest, get, type IncomingMessage } from 'node:http'
import { get as getSecurely } from 'node:https'
import { resolve } from 'node:path'
import { socketName } from './admin/socket-path.ts'
import { readConfig } from './config.ts'

/*
 * Whether the service of these settings can answer polls: exit code 0, otherwise 1. The image asks by it of
 * itself, so nothing is proved by the certificate, which may be of another name, or over.
 */

const timeout = 4_000

function ask(onAnswer: (answer: IncomingMessage) => void): ClientRequest {
  const { host, port, tls, dataDir } = readConfig()
  // Nobody comes in by TLS without a certificate of his own.
  if (tls?.clientCertificates === 'required') {
    const socketPath = resolve(dataDir, socketName)
    return get({ socketPath, path: '/api/v1/health', timeout }, onAnswer)
  }
  const own = { '0.0.0.0': '127.0.0.1', '::': '::1' }[host] ?? host
  const options = { host: own, port, path: '/readyz', timeout }
  return tls
    ? getSecurely({ ...options, rejectUnauthorized: false }, onAnswer)
    : get(options, onAnswer)
}

function end(why?: string): never {
  if (why !== undefined) console.error(`taxiway: ${why}`)
  process.exit(why === undefined ? 0 : 1)
}

try {
  ask(({ statusCode }) => end(statusCode === 200 ? undefined : `not ready (HTTP ${statusCode})`))
    .once('timeout', () => end(`no answer within ${timeout} ms`))
    .once('error', (error) => end(error.message))
} catch (error) {
  end((error as Error).message)
}
