import { randomBytes, randomUUID } from 'node:crypto'
import { link, open, readFile, rename, rm, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { checkOwner } from './file-owner.ts'
import { ConfigError } from './model/errors.ts'

/**
 * The secret key where no setting gives one: `secret-key` in the data folder. While it is changed,
 * `secret-key.next` holds the one to come; then `secret-key.previous` the one before, for as long as a JWT
 * that it has signed may be shown.
 */
export interface KeyFiles {
  readonly path: string
  readonly present: string | undefined
  readonly next: string | undefined
  readonly previous: { readonly secret: string; readonly since: Date } | undefined
  /** those that others than their owner may read */
  readonly readableByOthers: readonly string[]
}

const keyPath = (dataDir: string) => resolve(join(dataDir, 'secret-key'))
const makeSecret = () => randomBytes(32).toString('base64')

/** @throws ConfigError when a file is there and holds no key */
export async function readKeyFiles(dataDir: string): Promise<KeyFiles> {
  const path = keyPath(dataDir)
  const [present, next, previous] = await Promise.all([
    readKeyFile(path),
    readKeyFile(`${path}.next`),
    readKeyFile(`${path}.previous`),
  ])
  const readableByOthers = [present, next, previous].flatMap((file) =>
    file && (file.mode & 0o077) !== 0 ? [file.path] : [],
  )
  return {
    path,
    present: present?.secret,
    next: next?.secret,
    previous: previous && { secret: previous.secret, since: previous.changedAt },
    readableByOthers,
  }
}

/** Makes the first key. Of processes that start at once on one folder, all get the same. */
export async function makeFirstKey(dataDir: string): Promise<{ secret: string; made: boolean }> {
  const path = keyPath(dataDir)
  const secret = makeSecret()
  const draft = await writeDraft(path, secret)
  try {
    // Unlike a rename, it fails where another process was faster.
    await link(draft, path)
    await syncFolder(dataDir)
    return { secret, made: true }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  } finally {
    await rm(draft, { force: true })
  }
  const found = await readKeyFile(path)
  if (!found) throw new ConfigError(`${path} has been removed while it was read: start again`)
  return { secret: found.secret, made: false }
}

/** Makes the key to come. It is on the disk when this resolves: the store may be sealed under it. */
export async function makeNextKey(dataDir: string): Promise<string> {
  const secret = makeSecret()
  await replace(dataDir, `${keyPath(dataDir)}.next`, secret)
  return secret
}

/** The next key becomes the present one, and that the previous. Cut short anywhere, it is done again. */
export async function promoteNextKey(
  dataDir: string,
  step = async (_: string) => {},
): Promise<void> {
  const path = keyPath(dataDir)
  const present = await readKeyFile(path)
  if (present) await replace(dataDir, `${path}.previous`, present.secret)
  await step('previous kept')
  await rename(`${path}.next`, path)
  await syncFolder(dataDir)
}

export async function dropKeyFile(dataDir: string, which: 'next' | 'previous'): Promise<void> {
  await rm(`${keyPath(dataDir)}.${which}`, { force: true })
  await syncFolder(dataDir)
}

interface KeyFile {
  readonly path: string
  readonly secret: string
  readonly mode: number
  readonly changedAt: Date
}

async function readKeyFile(path: string): Promise<KeyFile | undefined> {
  try {
    await checkOwner(path)
    const [text, { mode, mtime }] = await Promise.all([readFile(path, 'utf8'), stat(path)])
    const secret = text.trim()
    if (secret.length < 32) {
      throw new ConfigError(
        `${path} holds no secret key: put it back from a copy. If it is lost, remove the file; then "taxiway secret reset" forgets what was sealed`,
      )
    }
    return { path, secret, mode, changedAt: mtime }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return undefined
    if (code === 'EACCES') throw new ConfigError(`${path} cannot be read by this user (${code})`)
    throw error
  }
}

/** Whoever reads it meets the former whole or this one whole, also after a crash of the machine. */
async function replace(dataDir: string, path: string, secret: string): Promise<void> {
  await rename(await writeDraft(path, secret), path)
  await syncFolder(dataDir)
}

async function writeDraft(path: string, secret: string): Promise<string> {
  // In containers that share the folder, process ids are the same.
  const draft = `${path}.${randomUUID()}`
  const file = await open(draft, 'wx', 0o600)
  try {
    await file.writeFile(`${secret}\n`)
    await file.sync()
  } finally {
    await file.close()
  }
  return draft
}

async function syncFolder(dataDir: string): Promise<void> {
  const folder = await open(dataDir)
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}
