import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Account } from '../model/account.ts'
import { findAccount } from '../store/accounts.ts'
import type { Db } from '../store/db.ts'
import { verifyPassword } from './passwords.ts'

// Each check in flight takes 32 MB and a thread of four.
const maxChecksAtOnce = 2
const maxRemembered = 1_000

/** @returns undefined for an unknown name and for a wrong password alike */
export type Authenticate = (name: string, password: string) => Promise<Account | undefined>

/**
 * Makes the check of names and passwords. A pair that was right is remembered for a while, as a keyed digest
 * that is worthless outside this process, so that a client that sends its password with each poll pays for
 * the hash once. A changed password or role counts at once: the stored hash is compared each time.
 */
export function createAuthenticate(db: Db, rememberMs = 300_000, now = Date.now): Authenticate {
  const key = randomBytes(32)
  const remembered = new Map<string, { digest: Buffer; hash: string | undefined; until: number }>()
  const underWay = new Map<string, Promise<boolean>>()
  const queue = createQueue(maxChecksAtOnce)

  return async (name, password) => {
    const digest = createHmac('sha256', key).update(`${name.length}:${name}${password}`).digest()
    const found = await findAccount(db, name)
    const known = remembered.get(name)
    if (
      found &&
      known &&
      known.hash === found.passwordHash &&
      known.until > now() &&
      timingSafeEqual(known.digest, digest)
    ) {
      return found.account
    }
    // Fifty polls that come in together share one check; a password that is changed meanwhile has its own.
    const checkKey = `${digest.toString('base64')} ${found?.passwordHash}`
    let check = underWay.get(checkKey)
    if (!check) {
      check = queue(() => verifyPassword(password, found?.passwordHash)).finally(() =>
        underWay.delete(checkKey),
      )
      underWay.set(checkKey, check)
    }
    if (!(await check) || !found) return undefined
    remembered.delete(name)
    remembered.set(name, { digest, hash: found.passwordHash, until: now() + rememberMs })
    const oldest = remembered.keys().next().value
    if (remembered.size > maxRemembered && oldest !== undefined) remembered.delete(oldest)
    return found.account
  }
}

/** Runs at most `width` tasks at a time, the others in the order in which they came. */
function createQueue(width: number) {
  const waiting: (() => void)[] = []
  let running = 0
  return async <T>(task: () => Promise<T>): Promise<T> => {
    if (running >= width) await new Promise<void>((resolve) => waiting.push(resolve))
    else running += 1
    try {
      return await task()
    } finally {
      const next = waiting.shift()
      if (next) next()
      else running -= 1
    }
  }
}
