import { randomBytes } from 'node:crypto'
import { link, lstat, rename, stat, unlink } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import { connect } from 'node:net'
import { join, resolve } from 'node:path'
import type { FastifyInstance } from 'fastify'
import type { AdminParts } from './admin/parts.ts'
import { openSocketFolder, type SocketFolder, socketName } from './admin/socket-path.ts'
import type { Config } from './config.ts'
import { ensureDataDir } from './data-dir.ts'
import { trackConnections } from './http/connections.ts'
import { buildLocalAdmin } from './local-admin.ts'
import type { Log } from './log.ts'
import { nameStore } from './store-name.ts'

export interface AdminSocket {
  /** Takes the socket away at once, and waits for requests under way, for at most `maxMs`. */
  close(maxMs: number): Promise<void>
}

/** The REST interface for commands on this machine. */
export async function openAdminSocket(
  parts: AdminParts,
  config: Pick<Config, 'dataDir' | 'databaseUrl'>,
  log: Log,
): Promise<AdminSocket> {
  const app = await buildLocalAdmin(parts, log, nameStore(config.databaseUrl))
  return listenOnSocket(app, config.dataDir, log)
}

/**
 * Lets the machine's own administrator ask `app` through a socket in the data folder, which only this user
 * can connect to. Where there can be none, the log says why and the service goes without. One that a dead
 * process left is replaced, one that somebody answers at never is.
 */
export async function listenOnSocket(
  app: FastifyInstance,
  dataDir: string,
  log: Log,
): Promise<AdminSocket> {
  const path = resolve(join(dataDir, socketName))
  const closeApp: AdminSocket = { close: () => app.close() }
  const goWithout = (why: string) => {
    const message = `there is no socket for commands at ${path}: ${why}. They need TAXIWAY_URL and a token while the service runs`
    log.warn({ file: path }, message)
    return closeApp
  }
  await app.ready()
  let folder: SocketFolder
  try {
    await ensureDataDir(dataDir)
    folder = await openSocketFolder(dataDir)
  } catch (error) {
    return goWithout((error as Error).message)
  }
  await warnOfOpenFolder(dataDir, log)
  // The socket gets its name only when it listens and nobody else has the name.
  const draft = `${socketName}.${randomBytes(4).toString('hex')}`
  const draftPath = folder.path(draft)
  if (draftPath === undefined) {
    await folder.close()
    return goWithout('the path is too long for a socket; choose a shorter TAXIWAY_DATA_DIR')
  }
  const server = createServer((request, response) => app.routing(request, response))
  const connections = trackConnections(server)
  const close = async (maxMs: number) => {
    const cut = setTimeout(() => {
      log.warn('requests at the socket were still under way and are cut')
      connections.cut()
    }, maxMs)
    try {
      connections.endIdle()
      await new Promise<void>((done) => {
        server.close(() => done())
      })
      await app.close()
    } finally {
      clearTimeout(cut)
      await folder.close()
    }
  }
  try {
    await listenPrivately(server, draftPath)
  } catch (error) {
    await folder.close()
    return goWithout(`it cannot be made (${(error as NodeJS.ErrnoException).code})`)
  }
  try {
    const own = await lstat(join(dataDir, draft))
    if ((own.mode & 0o777) !== 0o600) {
      await close(0)
      return goWithout('others could connect to it: the file system does not keep its mode')
    }
    if (!(await nameSocket(folder, dataDir, draft))) {
      await close(0)
      return goWithout('another process answers there')
    }
    log.debug({ file: path }, 'commands are answered at the socket')
    return {
      async close(maxMs) {
        await removeOwn(path, own.ino)
        await close(maxMs)
      },
    }
  } catch (error) {
    await close(0)
    return goWithout((error as Error).message)
  } finally {
    await unlink(join(dataDir, draft)).catch(ignoreMissing)
  }
}

/** What is made while the mask holds is nobody else's; Node binds within the call. */
function listenPrivately(server: Server, path: string): Promise<void> {
  return new Promise((done, fail) => {
    server.once('error', fail)
    server.once('listening', () => {
      server.off('error', fail)
      done()
    })
    const mask = process.umask(0o177)
    try {
      server.listen({ path })
    } finally {
      process.umask(mask)
    }
  })
}

/** @returns false when somebody answers at the name already */
async function nameSocket(folder: SocketFolder, dataDir: string, draft: string): Promise<boolean> {
  const path = join(dataDir, socketName)
  for (;;) {
    if (await linked(join(dataDir, draft), path)) return true
    if (await isSomethingElse(path)) {
      throw new Error('there is something else than a socket; move it away')
    }
    if (await isAnswered(folder.path(socketName) as string)) return false
    await removeStale(folder, dataDir)
  }
}

async function isSomethingElse(path: string): Promise<boolean> {
  try {
    return !(await lstat(path)).isSocket()
  } catch (error) {
    ignoreMissing(error)
    return false
  }
}

/** link() fails when the name is taken: two processes that start at once do not both get it. */
async function linked(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

/** Only a socket that nobody listens at refuses; a queue that is full, or one of another user, is alive. */
function isAnswered(path: string): Promise<boolean> {
  return new Promise((done) => {
    const socket = connect({ path })
    socket.once('connect', () => {
      socket.destroy()
      done(true)
    })
    socket.once('error', ({ code }: NodeJS.ErrnoException) => {
      done(code !== 'ECONNREFUSED' && code !== 'ENOENT')
    })
  })
}

/** Another process may have taken the name since: what is answered there is put back. */
async function removeStale(folder: SocketFolder, dataDir: string): Promise<void> {
  const name = `${socketName}.${randomBytes(4).toString('hex')}`
  const aside = join(dataDir, name)
  try {
    await rename(join(dataDir, socketName), aside)
  } catch (error) {
    return ignoreMissing(error)
  }
  if (await isAnswered(folder.path(name) as string)) {
    await linked(aside, join(dataDir, socketName))
  }
  await unlink(aside)
}

/** The name may be another's by now. */
async function removeOwn(path: string, inode: number): Promise<void> {
  try {
    if ((await lstat(path)).ino === inode) await unlink(path)
  } catch (error) {
    ignoreMissing(error)
  }
}

/** Who may write there could put a socket of his own in its place, and be told passwords. */
async function warnOfOpenFolder(dataDir: string, log: Log): Promise<void> {
  const mode = (await stat(dataDir)).mode & 0o777
  if ((mode & 0o077) === 0) return
  const folder = resolve(dataDir)
  const message = `other users of this machine may look into ${folder} (mode ${mode.toString(8)}): chmod 700 '${folder}'`
  log.warn({ folder }, message)
}

function ignoreMissing(error: unknown): void {
  if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
}
