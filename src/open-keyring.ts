import { randomBytes, randomUUID } from 'node:crypto'
import { link, readFile, unlink, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { Config } from './config.ts'
import { ensureDataDir } from './data-dir.ts'
import type { Log } from './log.ts'
import { ConfigError } from './model/errors.ts'
import { createKeyring, type Keyring } from './security/keyring.ts'
import type { Store } from './store/db.ts'

/**
 * The keys that the settings give. Where they give none, one is made, once, in a file that only this user
 * reads.
 */
export async function openKeyring(config: Config, _store: Store, log: Log): Promise<Keyring> {
  const { key, previousKey } = config.secrets
  if (key !== undefined) return createKeyring(key, previousKey)
  await ensureDataDir(config.dataDir)
  const path = resolve(join(config.dataDir, 'secret-key'))
  const draft = `${path}.${randomUUID()}`
  const made = randomBytes(32).toString('base64')
  await writeFile(draft, `${made}\n`, { mode: 0o600 })
  try {
    await link(draft, path)
    log.info({ file: path }, `made the secret key ${path}; keep a copy apart from the database's`)
    return createKeyring(made)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  } finally {
    await unlink(draft)
  }
  const found = (await readFile(path, 'utf8')).trim()
  if (found.length < 32) throw new ConfigError(`${path} holds no secret key: remove it`)
  return createKeyring(found)
}
