import { createHash, randomBytes } from 'node:crypto'

/** What every token begins with, so that scanners for leaked secrets know one. */
export const tokenPrefix = 'taxiway_'

const pattern = /^taxiway_[A-Za-z0-9_-]{43}$/

/** A bearer token of 256 random bits. It is shown once; the store has `tokenDigest` of it alone. */
export function makeToken(): string {
  return `${tokenPrefix}${randomBytes(32).toString('base64url')}`
}

/** Whether it looks like a token of ours, so that the store is not asked for anything else. */
export function isToken(text: string): boolean {
  return pattern.test(text)
}

/** SHA-256: nobody guesses what has 256 random bits, so that a slow hash would gain nothing. */
export function tokenDigest(token: string): Buffer {
  return createHash('sha256').update(token).digest()
}

/** Its last four characters, to tell tokens apart by. */
export function tokenHint(token: string): string {
  return token.slice(-4)
}
