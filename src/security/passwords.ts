import { randomBytes, type ScryptOptions, scrypt, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'

const derive = promisify<string, Buffer, number, ScryptOptions, Buffer>(scrypt)

// One of OWASP's equal choices for scrypt, with little memory: 32 MB and some 400 ms a check.
// Verified credentials are remembered for a while, so that a poll seldom pays it.
const cost = { N: 2 ** 15, r: 8, p: 3 }
const maxmem = 64 * 1024 * 1024
const keyBytes = 32

let lastMade: Promise<unknown> = Promise.resolve()

/**
 * One at a time in this process: its threads are four, of which checks take two, and files and new connections
 * to the database need one, too.
 * @returns `scrypt$N$r$p$salt$key`, salt and key in base64url
 */
export function hashPassword(password: string): Promise<string> {
  const made = lastMade.then(() => makeHash(password))
  lastMade = made.catch(() => {})
  return made
}

async function makeHash(password: string): Promise<string> {
  const salt = randomBytes(16)
  const key = await derive(password.normalize('NFC'), salt, keyBytes, { ...cost, maxmem })
  return `scrypt$${cost.N}$${cost.r}$${cost.p}$${salt.toString('base64url')}$${key.toString('base64url')}`
}

/**
 * Compares in a time that does not depend on where the passwords differ.
 * @param hash undefined where there is no such account: costs the same and is never true
 */
export async function verifyPassword(password: string, hash: string | undefined): Promise<boolean> {
  const [scheme, n, r, p, salt, key] = (hash ?? nobody).split('$')
  if (scheme !== 'scrypt' || !salt || !key)
    throw new Error('a stored password hash is not readable')
  const expected = Buffer.from(key, 'base64url')
  const options = { N: Number(n), r: Number(r), p: Number(p), maxmem }
  const actual = await derive(
    password.normalize('NFC'),
    Buffer.from(salt, 'base64url'),
    expected.length,
    options,
  )
  return timingSafeEqual(actual, expected) && hash !== undefined
}

const nobody = `scrypt$${cost.N}$${cost.r}$${cost.p}$${'A'.repeat(22)}$${'A'.repeat(43)}`

/** A password of 160 random bits; it begins like a word, so that no command line takes it for an option. */
export function makePassword(): string {
  const password = randomBytes(20).toString('base64url')
  return /^[A-Za-z0-9]/.test(password) ? password : makePassword()
}
