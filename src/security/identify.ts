import type { Caller, ClientCertificate, Identify, Proof } from '../model/account.ts'
import { TooManyGuesses } from '../model/errors.ts'
import type { Keyring } from '../model/keyring.ts'
import { permissionsOf } from '../model/permission.ts'
import type { Db } from '../store/db.ts'
import {
  findByCertificate,
  findByIds,
  findByTokens,
  noteNetwork,
  noteSeen,
  noteTokenUse,
  type SigningIn,
} from '../store/sign-in.ts'
import { askTogether } from '../store/together.ts'
import { type Authenticated, createAuthenticate } from './authenticate.ts'
import { createJwt } from './jwt.ts'
import { isToken, tokenDigest, tokenPrefix } from './tokens.ts'

export type SignInOutcome = 'accepted' | 'refused' | 'slowed'

export interface IdentifyParts {
  readonly db: Db
  readonly keyring: Keyring
  /** how long a JWT is accepted */
  readonly jwtSeconds: number
  /** A password that is remembered is not counted again. */
  readonly metrics?: { signedIn(proof: Proof, outcome: SignInOutcome): void }
  readonly log?: { warn(details: object, message: string): void }
  readonly clock?: () => Date
}

export interface StoredIdentify extends Identify {
  /** Waits for what is noted beside requests. */
  settle(): Promise<void>
}

const noteEveryMs = 60_000
const noteNetworkEveryMs = 86_400_000

/**
 * Finds out who is asking, from what the store knows of accounts. A sign-in costs one small query, which those
 * who come in at once share, and for a password that is not remembered its hash. When an account was last seen,
 * and a token last used, is noted beside the request, at most once a minute.
 */
export function createIdentify(parts: IdentifyParts): StoredIdentify {
  const { db, keyring, jwtSeconds, metrics, log, clock = () => new Date() } = parts
  const authenticate = createAuthenticate(db, () => clock().getTime())
  const jwt = createJwt(keyring, jwtSeconds, clock)
  const findById = askTogether((ids: readonly number[]) => findByIds(db, ids))
  const findByToken = askTogether((digests: readonly Buffer[]) => findByTokens(db, digests))
  const noting = new Map<string, Promise<void>>()

  /** What cannot be noted keeps nobody out. */
  function note(what: string, last: Date | undefined, everyMs: number, write: () => Promise<void>) {
    if (noting.has(what) || clock().getTime() - (last?.getTime() ?? 0) < everyMs) return
    const written = write()
      .catch((err) => log?.warn({ err }, 'when an account was last seen could not be noted'))
      .finally(() => noting.delete(what))
    noting.set(what, written)
  }

  function seen({ account, lastSeenAt }: SigningIn): void {
    const write = () => noteSeen(db, account.id, clock())
    note(`account ${account.id}`, lastSeenAt, noteEveryMs, write)
  }

  function accept(found: SigningIn, proof: Proof, scopes?: readonly string[]): Caller {
    seen(found)
    const { account } = found
    return { account, proof, permissions: permissionsOf(account.role, scopes) }
  }

  async function counted<T>(
    proof: Proof,
    sign: () => Promise<T | undefined>,
    isCounted: (signedIn: T) => boolean = () => true,
  ): Promise<T | undefined> {
    try {
      const signedIn = await sign()
      if (signedIn === undefined) metrics?.signedIn(proof, 'refused')
      else if (isCounted(signedIn)) metrics?.signedIn(proof, 'accepted')
      return signedIn
    } catch (error) {
      if (error instanceof TooManyGuesses) metrics?.signedIn(proof, 'slowed')
      throw error
    }
  }

  async function byPassword(
    name: string,
    password: string,
    address: string,
  ): Promise<Authenticated | undefined> {
    const found = await counted(
      'password',
      () => authenticate(name, password, address),
      ({ checked }) => checked,
    )
    if (found) {
      const { account, network, provedAt } = found
      const write = () => noteNetwork(db, account.id, network, clock())
      note(`network ${account.id} ${network}`, provedAt, noteNetworkEveryMs, write)
    }
    return found
  }

  async function byToken(token: string): Promise<Caller | undefined> {
    if (!isToken(token)) return undefined
    const found = await findByToken(tokenDigest(token))
    if (!found || found.disabled || found.revoked || found.expiresAt <= clock()) return undefined
    const write = () => noteTokenUse(db, found.tokenId, clock())
    note(`token ${found.tokenId}`, found.lastUsedAt, noteEveryMs, write)
    return accept(found, 'token', found.scopes)
  }

  async function byJwt(token: string): Promise<Caller | undefined> {
    const subject = await jwt.verify(token)
    const found = subject && (await findById(subject.accountId))
    if (!found || found.disabled || found.account.name !== subject.name) return undefined
    if (found.credentialsVersion !== subject.credentialsVersion) return undefined
    return accept(found, 'jwt')
  }

  return {
    async byPassword(name, password, address) {
      const found = await byPassword(name, password, address)
      return found && accept(found, 'password')
    },
    byBearer: (token) =>
      token.startsWith(tokenPrefix)
        ? counted('token', () => byToken(token))
        : counted('jwt', () => byJwt(token)),
    byCertificate: (certificate: ClientCertificate) =>
      counted('certificate', async () => {
        const found = await findByCertificate(db, certificate)
        return found && !found.disabled ? accept(found, 'certificate') : undefined
      }),
    async issueJwt(name, password, address) {
      const found = await byPassword(name, password, address)
      if (!found) return undefined
      seen(found)
      const { account, credentialsVersion } = found
      return jwt.issue({ accountId: account.id, name: account.name, credentialsVersion })
    },
    async settle() {
      await Promise.all(noting.values())
    },
  }
}
