import { lstat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { openSocketFolder, socketName } from '../socket-path.ts'
import { AnswerUnreadable, ServerUnreachable } from './errors.ts'
import { createHttpTransport, type HttpLimits } from './http.ts'
import type { AdminTransport } from './transport.ts'

export interface FoundServer {
  readonly transport: AdminTransport
  readonly version: string
  /** as `nameStore` says it */
  readonly store: string
}

/**
 * Looks for a service that answers at the socket in a data folder.
 * @returns undefined when none does
 * @throws ServerUnreachable when one listens and does not answer
 */
export async function findServer(
  dataDir: string,
  limits?: HttpLimits,
): Promise<FoundServer | undefined> {
  const where = resolve(join(dataDir, socketName))
  if (!(await isTrusted(dataDir))) return undefined
  const folder = await openSocketFolder(dataDir)
  const socketPath = folder.path(socketName)
  const http = socketPath && createHttpTransport({ socketPath, where }, limits)
  if (!http) {
    await folder.close()
    return undefined
  }
  const transport: AdminTransport = { ...http, close: () => folder.close() }
  try {
    const { headers } = await transport.send({ method: 'GET', path: '/livez' })
    const version = headers['taxiway-version']
    const store = headers['taxiway-store']
    if (typeof version !== 'string' || typeof store !== 'string') {
      throw new AnswerUnreadable(`what answers at ${where} is no Taxiway`)
    }
    return { transport, version, store }
  } catch (error) {
    await folder.close()
    const { code } = ((error as Error).cause ?? {}) as NodeJS.ErrnoException
    // A dead process left it there.
    const isStale = code === 'ECONNREFUSED' || code === 'ENOENT'
    if (error instanceof ServerUnreachable && isStale) return undefined
    throw error
  }
}

/** Another user's socket could be there to be told passwords. The superuser asks whoever the folder belongs to. */
async function isTrusted(dataDir: string): Promise<boolean> {
  try {
    const socket = await lstat(join(dataDir, socketName))
    if (!socket.isSocket()) return false
    const own = process.geteuid?.()
    if (own === undefined || socket.uid === own || socket.uid === 0) return true
    return own === 0 && socket.uid === (await lstat(dataDir)).uid
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'EACCES') return false
    throw error
  }
}
