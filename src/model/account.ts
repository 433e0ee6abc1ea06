export const roles = ['reader', 'administrator'] as const
export type Role = (typeof roles)[number]

/** Who is asking. An administrator reads every collection; a reader those that were granted. */
export interface Account {
  readonly id: number
  readonly name: string
  readonly role: Role
}

/** @returns undefined for an unknown name and for a wrong password alike */
export type Authenticate = (name: string, password: string) => Promise<Account | undefined>

/** What is wrong with a name, as the end of a sentence, or undefined. */
export function accountNameFault(name: string): string | undefined {
  if (name.includes(':')) return 'must not hold a colon: HTTP Basic ends the name there'
  if (/^[^\p{Cc}]{1,128}$/u.test(name)) return undefined
  return 'must have 1 to 128 characters, none of them a control character'
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
