import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import { accountNameFault } from '../model/account.ts'
import type { Db } from '../store/db.ts'
import { findByNames, type SigningInByPassword } from '../store/sign-in.ts'
import { askTogether } from '../store/together.ts'
import { createCheckQueue } from './check-queue.ts'
import { clientNetwork } from './client-network.ts'
import { createGuesses } from './guesses.ts'
import { verifyPassword } from './passwords.ts'

const maxRemembered = 1_000
const rememberMs = 300_000
/** for so long an account is known at a network that it has proved itself from */
export const knownMs = 90 * 86_400_000

export interface Authenticated extends SigningInByPassword {
  readonly network: string
  /** whether a check was made, and not only remembered */
  readonly checked: boolean
}

/**
 * @returns undefined for an unknown name, a disabled account and a wrong password alike
 * @throws TooManyGuesses when nothing was checked
 */
export type Authenticate = (
  name: string,
  password: string,
  address: string,
) => Promise<Authenticated | undefined>

/**
 * Makes the check of names and passwords. A pair that was right is remembered for a while, as a keyed digest
 * that is worthless outside this process, so that a client that sends its password with each poll pays for
 * the hash once. A changed password, a changed role and a disabled account count at once: the stored ones are
 * looked at each time. Wrong ones are slowed as `createGuesses` says, and checks wait in lanes, as
 * `createCheckQueue` does, so that nobody is locked out from elsewhere.
 */
export function createAuthenticate(db: Db, now: () => number = Date.now): Authenticate {
  const key = randomBytes(32)
  const remembered = new LRUCache<
    string,
    { readonly digest: Buffer; readonly hash: string; readonly until: number }
  >({ max: maxRemembered })
  const underWay = new Map<string, Promise<boolean>>()
  const queue = createCheckQueue()
  const guesses = createGuesses(now)
  const findByName = askTogether((asked: Parameters<typeof findByNames>[1]) =>
    findByNames(db, asked),
  )

  function isRemembered(found: SigningInByPassword, digest: Buffer): boolean {
    const known = remembered.get(found.account.name)
    return (
      known !== undefined &&
      known.hash === found.passwordHash &&
      known.until > now() &&
      timingSafeEqual(known.digest, digest)
    )
  }

  return async (given, password, address) => {
    // Typed on another system, the same letters are other bytes.
    const name = given.normalize('NFC')
    // Nobody has such a name, and the database refuses some of them.
    if (accountNameFault(name) !== undefined) return undefined
    const network = clientNetwork(address)
    guesses.checkPair(network, name)
    const found = await findByName({ name: given, network })
    const isKnown = found?.provedAt !== undefined && found.provedAt.getTime() > now() - knownMs
    const checkGuesses = () => {
      guesses.checkPair(network, name)
      // Others beside it must not lock out who has proved himself from there.
      if (!isKnown) guesses.checkNetwork(network)
    }
    checkGuesses()

    const digest = createHmac('sha256', key).update(`${name.length}:${name}${password}`).digest()
    if (found && !found.disabled && isRemembered(found, digest)) {
      guesses.right(network, name)
      return { ...found, network, checked: false }
    }
    // Who is disabled costs what an unknown name costs.
    const hash = found?.disabled ? undefined : found?.passwordHash
    // Fifty polls that come in together share one check; a password that is changed meanwhile has its own.
    const checkKey = `${network} ${isKnown} ${digest.toString('base64')} ${hash}`
    let check = underWay.get(checkKey)
    if (!check) {
      const from = isKnown ? `${network} ${name}` : network
      check = queue
        .run(isKnown, from, async () => {
          // Those before it in the queue may have been wrong.
          checkGuesses()
          const isRight = await verifyPassword(password, hash)
          if (isRight) guesses.right(network, name)
          else guesses.wrong(network, name, digest)
          return isRight
        })
        .finally(() => underWay.delete(checkKey))
      underWay.set(checkKey, check)
    }
    if (!(await check) || !found || hash === undefined) return undefined
    remembered.set(found.account.name, { digest, hash, until: now() + rememberMs })
    return { ...found, network, checked: true }
  }
}
