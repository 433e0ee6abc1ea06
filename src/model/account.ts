import type { Permission } from './permission.ts'

export const roles = ['reader', 'curator', 'responder', 'administrator'] as const
export type Role = (typeof roles)[number]

/** An administrator reads and writes every collection; everyone else those that were granted. */
export interface Account {
  readonly id: number
  readonly name: string
  readonly role: Role
}

/** How somebody proved who he is. */
export const proofs = ['password', 'token', 'jwt', 'certificate', 'local'] as const
export type Proof = (typeof proofs)[number]

/** Who is asking, and what this way of asking lets him do. */
export interface Caller {
  readonly account: Account
  readonly proof: Proof
  /** of the role's permissions those that a token's scopes leave */
  readonly permissions: ReadonlySet<Permission>
}

/** A certificate that the TLS layer has verified against TAXIWAY_TLS_CLIENT_CA_FILE. */
export interface ClientCertificate {
  /** SHA-256 of its DER form, 64 lower-case hexadecimal digits */
  readonly fingerprint: string
  /** its distinguished name as `CN=esa1, O=Example`, in the order of the certificate reversed (RFC 4514) */
  readonly subject: string
}

/**
 * Finds out who is asking. Each resolves to undefined for an unknown, wrong, expired or revoked proof and
 * for an account that is disabled alike, and may throw TooManyGuesses or StoreUnavailable.
 * `address` is the client's, behind trusted proxies the one that they name.
 */
export interface Identify {
  byPassword(name: string, password: string, address: string): Promise<Caller | undefined>
  /** a token, or a JWT of `/management/auth` */
  byBearer(token: string, address: string): Promise<Caller | undefined>
  byCertificate(certificate: ClientCertificate, address: string): Promise<Caller | undefined>
  /** a JWT for whom `byPassword` would let in, to be shown to `byBearer` */
  issueJwt(name: string, password: string, address: string): Promise<string | undefined>
}

/** What is wrong with a name, as the end of a sentence, or undefined. */
export function accountNameFault(name: string): string | undefined {
  if (name.includes(':')) return 'must not hold a colon: HTTP Basic ends the name there'
  if (name === '.' || name === '..') return 'must be more than dots, which lead elsewhere in a path'
  if (!name.isWellFormed()) return 'must be proper Unicode: it holds half a character'
  if (/^[^\p{Cc}]{1,128}$/u.test(name)) return undefined
  return 'must have 1 to 128 characters, none of them a control character'
}

/** As `accountNameFault`, and what would let a new account pass for another in a list or a log. */
export function newAccountNameFault(name: string): string | undefined {
  const fault = accountNameFault(name)
  if (fault !== undefined) return fault
  if (name !== name.trim()) return 'must not begin or end with a blank'
  if (/[\p{Cf}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/u.test(name)) {
    return 'must not hold signs that nobody sees'
  }
  return undefined
}

/** What is wrong with a password that a person chose, as the end of a sentence, or undefined. */
export function passwordFault(password: string): string | undefined {
  if (password.trim() === '') return 'must have more than blanks'
  if (password.length < 12) return 'must have at least 12 characters'
  // A request's headers take 16 kB in all.
  if (password.length > 1024) return 'must have at most 1024 characters'
  if (/\p{Cc}/u.test(password)) return 'must not hold control characters: HTTP Basic has none'
  return undefined
}
