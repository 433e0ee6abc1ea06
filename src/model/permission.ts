import type { Role } from './account.ts'

/** What one may do. A token can be limited to some of what its account's role has. */
export const permissions = [
  'feed:read',
  'feed:write',
  'collections:read',
  'collections:write',
  'sources:read',
  'sources:write',
  'ledger:read',
  'service:read',
  'accounts:read',
  'accounts:write',
  'secrets:write',
] as const
export type Permission = (typeof permissions)[number]

const reader = ['feed:read', 'feed:write', 'collections:read'] as const
const analyst = [...reader, 'sources:read', 'ledger:read', 'service:read'] as const

/**
 * Of what concerns a collection, everyone but an administrator may do it only where a grant for that
 * collection says so: to read, or to write.
 */
export const rolePermissions: Readonly<Record<Role, ReadonlySet<Permission>>> = {
  reader: new Set(reader),
  curator: new Set([...analyst, 'collections:write']),
  responder: new Set(analyst),
  administrator: new Set(permissions),
}

/**
 * What is left of a role under a token's scopes.
 * @param scopes undefined: the token is not limited
 */
export function permissionsOf(
  role: Role,
  scopes: readonly string[] | undefined,
): ReadonlySet<Permission> {
  const all = rolePermissions[role]
  if (scopes === undefined) return all
  const kept = new Set(scopes)
  return new Set([...all].filter((permission) => kept.has(permission)))
}
