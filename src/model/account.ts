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
