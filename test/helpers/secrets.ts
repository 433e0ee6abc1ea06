import { randomBytes } from 'node:crypto'
import { writeSecret } from '../../scripts/secrets/evidence.ts'

export interface SecretOptions {
  /** it holds colons, which HTTP Basic allows in passwords */
  readonly colons?: boolean
  /** it holds characters beyond ASCII, of two to four bytes in UTF-8 */
  readonly utf8?: boolean
}

/**
 * Makes a secret of a test: a random value that is unmistakable wherever it turns up, and valid as a
 * password and as a key. When the whole suite has ended, it must stand nowhere
 * that Taxiway writes (scripts/secrets/search.ts).
 * @param what it is, in a word or two, for whoever reads that it was found
 */
export function secret(what: string, options: SecretOptions = {}): string {
  const random = () => randomBytes(12).toString('hex')
  const between = `${options.colons ? ':' : ''}${options.utf8 ? 'ß→é𝛑' : ''}`
  const value = between === '' ? `s${random()}${random()}` : `s${random()}${between}${random()}`
  note(what, value, true)
  return value
}

/**
 * Notes a secret that Taxiway made itself, such as a token or a password, so that it is searched for too.
 * Of a JWT its signature is.
 * @returns the same value
 */
export function noteSecret(value: string, what = 'made by Taxiway'): string {
  if (value.length < 12) throw new Error('a secret of less than 12 characters cannot be told apart')
  const signature = /^eyJ[\w-]+\.[\w-]+\.([\w-]+)$/.exec(value)?.[1]
  note(what, signature ?? value, false)
  return value
}

/** @param random whether each piece of letters and digits is unmistakable by itself */
function note(what: string, value: string, random: boolean): void {
  const folder = process.env.TEST_EVIDENCE_DIR
  if (folder !== undefined) writeSecret(folder, { what, value, random })
}
