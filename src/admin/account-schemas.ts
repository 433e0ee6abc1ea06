import { type Static, Type } from 'typebox'
import { proofs, roles } from '../model/account.ts'
import { permissions } from '../model/permission.ts'
import type { AccountView } from '../store/account-views.ts'
import { closed, count, moment, nullableMoment, oneOf } from './schemas.ts'

export const accountParams = closed({
  name: Type.String({ description: 'Of the account.', minLength: 1 }),
})

export const role = oneOf(roles, 'What one may do; docs/security.md has the table.')

export const grantSchema = Type.Object(
  {
    collection: Type.String(),
    read: Type.Boolean({ description: 'It may poll the collection and see it.' }),
    write: Type.Boolean({ description: 'It may change the collection, if its role may.' }),
  },
  { description: 'What concerns one collection.' },
)

const allCollections = Type.Boolean({
  description: 'Whether it reads and writes every collection, whatever its grants say.',
})

export const accountSchema = Type.Object({
  name: Type.String(),
  role,
  disabled: Type.Boolean({ description: 'Whether nobody is let in as it.' }),
  hasPassword: Type.Boolean(),
  clientAgeOutDays: Type.Integer({
    description: 'After how many days its client drops what it was sent.',
  }),
  allCollections,
  grants: Type.Array(grantSchema, { description: 'By the names of the collections.' }),
  tokens: count('How many can be used now.'),
  certificates: count('How many stand for it.'),
  createdAt: moment('When it was made.'),
  lastSeenAt: nullableMoment('When it last proved itself, to the minute; null: never.'),
})

export const ownAccountSchema = Type.Object({
  name: Type.String(),
  role,
  proof: oneOf(proofs, 'How the caller proved who he is.'),
  permissions: Type.Array(oneOf(permissions), {
    description: 'Of its role, those that this way of asking leaves.',
  }),
  allCollections,
  grants: Type.Array(grantSchema, { description: 'By the names of the collections.' }),
})

export function accountToJson(account: AccountView): Static<typeof accountSchema> {
  return {
    ...settingsOf(account),
    hasPassword: account.hasPassword,
    allCollections: account.role === 'administrator',
    tokens: account.tokens,
    certificates: account.certificates,
    createdAt: account.createdAt.toISOString(),
    lastSeenAt: account.lastSeenAt?.toISOString() ?? null,
  }
}

/** What its ETag stands for: what administrators decide, not what comes and goes by itself. */
export function settingsOf({ name, role, disabled, clientAgeOutDays, grants }: AccountView) {
  return { name, role, disabled, clientAgeOutDays, grants: [...grants] }
}
