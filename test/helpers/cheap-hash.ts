import { scryptSync } from 'node:crypto'

/** As `hashPassword` stores it, at a cost that no password should have: a check takes no time. */
export function cheapHash(password: string): string {
  const salt = Buffer.from('salt of the tests')
  const key = scryptSync(password, salt, 32, { N: 2, r: 1, p: 1 })
  return `scrypt$2$1$1$${salt.toString('base64url')}$${key.toString('base64url')}`
}
