import { randomUUID } from 'node:crypto'
import { link, readFile, unlink, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { Config } from './config.ts'
import { ensureDataDir } from './data-dir.ts'
import { checkOwner } from './file-owner.ts'
import type { Log } from './log.ts'
import { ConfigError } from './model/errors.ts'
import { hashPassword, makePassword, verifyPassword } from './security/passwords.ts'
import { createAccount, findAccount, hasAdministrator } from './store/accounts.ts'
import type { Store } from './store/db.ts'

/**
 * Makes the first administrator, where there is none. A password that was not given is made and written
 * to a file that only this user reads; it is never logged.
 */
export async function ensureAdministrator(store: Store, config: Config, log: Log): Promise<void> {
  if (await hasAdministrator(store.db)) return
  const name = config.adminUsername
  if (config.adminPassword !== undefined) {
    await createAccount(store.db, name, await hashPassword(config.adminPassword), 'administrator')
    return
  }
  const path = resolve(join(config.dataDir, 'admin-password'))
  await ensureDataDir(config.dataDir)
  // The file comes first: an account whose password nobody knows could not be mended. One that is there
  // already is of a start that was cut short, or of another process that starts now.
  const password = await writeOrRead(path, makePassword())
  const made = await createAccount(store.db, name, await hashPassword(password), 'administrator')
  if (made) {
    const message = `made the first administrator "${name}"; the password is in ${path}`
    log.info({ account: name, file: path }, message)
    return
  }
  // Another process was faster. Where it shares this folder, the file holds its password.
  const account = await findAccount(store.db, name)
  if (!(await verifyPassword(password, account?.passwordHash))) await unlink(path)
}

/** The file appears whole or not at all: another process must never take a half for the password. */
async function writeOrRead(path: string, password: string): Promise<string> {
  // In containers that share the folder, process ids are the same.
  const draft = `${path}.${randomUUID()}`
  await writeFile(draft, `${password}\n`, { mode: 0o600 })
  try {
    await link(draft, path)
    return password
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  } finally {
    await unlink(draft)
  }
  await checkOwner(path)
  const found = (await readFile(path, 'utf8')).trimEnd()
  if (found === '')
    throw new ConfigError(`${path} is empty: remove it, and a password is made anew`)
  return found
}
