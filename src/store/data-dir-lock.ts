import { link, readFile, rename, unlink, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { DataDirLocked, StoreUnavailable } from '../model/errors.ts'

interface Holder {
  readonly pid: number
  /** when the process began, in the system's own count: tells a process from a later one with its id */
  readonly began: string
}

/**
 * Claims the embedded database's folder for this process: two processes on it corrupt it.
 * The lock of a process that is gone (kill -9, power cut) is taken over.
 * @returns gives the folder back
 * @throws DataDirLocked naming the process that has it; StoreUnavailable when the folder takes no file
 */
export async function lockDataDir(dataDir: string): Promise<() => Promise<void>> {
  const path = join(dataDir, 'taxiway.lock')
  const own: Holder = { pid: process.pid, began: await whenBegan(process.pid) }
  const draft = `${path}.${process.pid}`
  try {
    await writeFile(draft, JSON.stringify(own), { mode: 0o600 }).catch((cause) => {
      throw cannotWrite(dataDir, cause)
    })
    for (;;) {
      if (await linked(draft, path)) break
      const text = await readIfThere(path)
      if (text === undefined) continue
      const holder = parseHolder(text)
      if (holder && (await isAlive(holder))) {
        throw new DataDirLocked(
          `process ${holder.pid} has ${resolve(dataDir)} open, and the embedded database takes one process at a time. ` +
            `Stop it first (kill ${holder.pid}), choose another TAXIWAY_DATA_DIR, or set TAXIWAY_DATABASE_URL to a PostgreSQL server.`,
        )
      }
      await removeStale(path, text)
    }
  } finally {
    await unlink(draft).catch(ignoreMissing)
  }
  return async () => {
    await unlink(path).catch(ignoreMissing)
  }
}

function cannotWrite(dataDir: string, cause: NodeJS.ErrnoException): StoreUnavailable {
  const what = cause.code === 'ENOSPC' ? 'its disk is full: make room' : `${cause.code}`
  return new StoreUnavailable(`nothing can be written to ${resolve(dataDir)}: ${what}`, { cause })
}

/** link() fails when the name is taken, on every file system: the lock appears whole or not at all. */
async function linked(draft: string, path: string): Promise<boolean> {
  try {
    await link(draft, path)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

/** Two processes may find the same stale lock: each moves away what it read, and puts back anything else. */
async function removeStale(path: string, stale: string): Promise<void> {
  const aside = `${path}.stale.${process.pid}`
  try {
    await rename(path, aside)
  } catch (error) {
    return ignoreMissing(error)
  }
  if ((await readFile(aside, 'utf8')) !== stale) await linked(aside, path)
  await unlink(aside)
}

function parseHolder(text: string): Holder | undefined {
  try {
    const holder = JSON.parse(text) as Holder
    return Number.isSafeInteger(holder.pid) && holder.pid > 0 ? holder : undefined
  } catch {
    return undefined // cut off by a full disk: nobody can hold it
  }
}

async function isAlive(holder: Holder): Promise<boolean> {
  try {
    process.kill(holder.pid, 0)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false
  }
  return holder.began === (await whenBegan(holder.pid))
}

/** Field 22 of /proc/PID/stat with the boot's id; empty where there is no /proc: then the id alone decides. */
async function whenBegan(pid: number): Promise<string> {
  const stat = await readIfThere(`/proc/${pid}/stat`)
  if (stat === undefined) return ''
  const boot = (await readIfThere('/proc/sys/kernel/random/boot_id')) ?? ''
  // The second field, the command's name, may hold spaces and brackets.
  return `${boot.trim()}:${stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]}`
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

function ignoreMissing(error: unknown): void {
  if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
}
