import type { Static } from 'typebox'
import type { accountSchema, grantSchema, ownAccountSchema } from '../account-schemas.ts'
import type { accountChange, newAccount } from '../accounts.ts'
import type { certificateSchema, newCertificate } from '../certificates.ts'
import type { newToken, tokenSchema } from '../tokens.ts'
import type { AdminConnection } from './connection.ts'

export type Account = Static<typeof accountSchema>
export type Grant = Static<typeof grantSchema>
export type Token = Static<typeof tokenSchema>
export type Certificate = Static<typeof certificateSchema>
export type OwnAccount = Static<typeof ownAccountSchema>
export type NewAccount = Static<typeof newAccount>
export type AccountChange = Static<typeof accountChange>
export type NewToken = Static<typeof newToken>
export type NewCertificate = Static<typeof newCertificate>

/** What is told this once. */
export interface MadePassword {
  readonly password?: string
}

/** The calls of the REST interface on accounts, and on what proves them. */
export function accountCalls({ ask, pages }: AdminConnection) {
  const of = (name: string) => `/accounts/${encodeURIComponent(name)}`
  const grantOf = (name: string, collection: string) =>
    `${of(name)}/grants/${encodeURIComponent(collection)}`
  return {
    whoAmI: () => ask<OwnAccount>('GET', '/account'),
    list: () => pages<Account>('/accounts', 'accounts'),
    get: (name: string) => ask<Account>('GET', of(name)),
    add: (account: NewAccount) => ask<Account & MadePassword>('POST', '/accounts', account),
    change: (name: string, change: AccountChange) => ask<Account>('PATCH', of(name), change),
    setPassword: (name: string, password: string | undefined) =>
      ask<MadePassword & { name: string }>('PUT', `${of(name)}/password`, { password }),
    grant: (name: string, { collection, read, write }: Grant) =>
      ask<Grant>('PUT', grantOf(name, collection), { read, write }),
    revoke: (name: string, collection: string) =>
      ask<undefined>('DELETE', grantOf(name, collection)),
    listTokens: (name: string) => pages<Token>(`${of(name)}/tokens`, 'tokens'),
    addToken: (name: string, token: NewToken) =>
      ask<Token & { readonly token: string }>('POST', `${of(name)}/tokens`, token),
    revokeToken: (name: string, id: number) => ask<undefined>('DELETE', `${of(name)}/tokens/${id}`),
    listCertificates: (name: string) =>
      pages<Certificate>(`${of(name)}/certificates`, 'certificates'),
    addCertificate: (name: string, certificate: NewCertificate) =>
      ask<Certificate>('POST', `${of(name)}/certificates`, certificate),
    removeCertificate: (name: string, id: number) =>
      ask<undefined>('DELETE', `${of(name)}/certificates/${id}`),
  }
}
