import { lstat, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { ConfigError } from './model/errors.ts'

/**
 * Makes sure that a secret in the data folder was put there by somebody who may know it: this user, the
 * superuser, or whoever the folder belongs to. In a folder that others may write to, anybody could have.
 * @throws ConfigError, and what lstat throws when there is no such file
 */
export async function checkOwner(path: string): Promise<void> {
  // A link of a stranger's leads to what he knows, whoever that belongs to.
  const [named, meant, folder] = await Promise.all([lstat(path), stat(path), stat(dirname(path))])
  const trusted = [process.geteuid?.(), 0, folder.uid]
  const stranger = [named.uid, meant.uid].find((uid) => !trusted.includes(uid))
  if (stranger === undefined || trusted[0] === undefined) return
  throw new ConfigError(
    `${path} belongs to another user (${stranger}), who knows what it holds: remove it, or give it to this user if you put it there; and let nobody else write to the folder`,
  )
}
