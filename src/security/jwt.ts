import { createHmac } from 'node:crypto'
import { errors, type JWTPayload, jwtVerify, SignJWT } from 'jose'
import { LRUCache } from 'lru-cache'
import type { Keyring } from '../model/keyring.ts'

/** For whom a JWT was made. */
export interface JwtSubject {
  readonly accountId: number
  readonly name: string
  /** of the account then: a password that is changed, or an account that is disabled, ends it */
  readonly credentialsVersion: number
}

export interface Jwt {
  issue(subject: JwtSubject): Promise<string>
  /** @returns undefined for one that is expired, changed, of another key or none at all */
  verify(token: string): Promise<JwtSubject | undefined>
}

// Pinned: a token never says itself how it is to be verified.
const algorithm = 'HS256'
const issuer = 'taxiway'

// Far more than there are clients.
const maxRemembered = 2_000

/**
 * JSON Web Tokens (RFC 7519), signed by a key of TAXIWAY_SECRET_KEY: every process that has it accepts them.
 * While keys are changed, those of the key before are accepted, too.
 */
export function createJwt(keyring: Keyring, seconds: number, clock: () => Date): Jwt {
  // By a digest under the key that it was verified with: of a key that is gone, nothing is found.
  const verified = new LRUCache<string, JWTPayload>({ max: maxRemembered })
  return {
    issue({ accountId, name, credentialsVersion }) {
      const [present] = keyring.deriveKeys('jwt')
      if (!present) throw new Error('the keyring has no key')
      const iat = Math.floor(clock().getTime() / 1_000)
      return new SignJWT({ name, ver: credentialsVersion })
        .setProtectedHeader({ alg: algorithm, typ: 'JWT' })
        .setSubject(String(accountId))
        .setIssuer(issuer)
        .setAudience(issuer)
        .setIssuedAt(iat)
        .setExpirationTime(iat + seconds)
        .sign(present)
    },
    async verify(token) {
      // Each time: keys are changed while the process runs.
      for (const key of keyring.deriveKeys('jwt')) {
        const digest = createHmac('sha256', key).update(`verified ${token}`).digest('base64')
        const known = verified.get(digest)
        if (known && !isOver(known, clock())) return subjectOf(known)
        const payload = await verifyUnder(key, token, clock())
        if (!payload) continue
        verified.set(digest, payload)
        return subjectOf(payload)
      }
      return undefined
    },
  }
}

function isOver({ exp = 0 }: JWTPayload, now: Date): boolean {
  return exp <= Math.floor(now.getTime() / 1_000)
}

async function verifyUnder(
  key: Uint8Array,
  token: string,
  currentDate: Date,
): Promise<JWTPayload | undefined> {
  try {
    const { payload } = await jwtVerify(token, key, {
      algorithms: [algorithm],
      issuer,
      audience: issuer,
      requiredClaims: ['sub', 'iat', 'exp'],
      currentDate,
    })
    return payload
  } catch (error) {
    if (error instanceof errors.JOSEError) return undefined
    throw error
  }
}

function subjectOf({ sub, name, ver }: JWTPayload): JwtSubject | undefined {
  const accountId = Number(sub)
  if (!Number.isSafeInteger(accountId) || typeof name !== 'string' || typeof ver !== 'number') {
    return undefined
  }
  return { accountId, name, credentialsVersion: ver }
}
