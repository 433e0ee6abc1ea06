import type { FastifyRequest } from 'fastify'
import { getCaller } from '../http/who-is-asking.ts'
import type { Caller, Role } from '../model/account.ts'
import { AccountNotFound } from '../model/errors.ts'
import { type Permission, permissions, rolePermissions } from '../model/permission.ts'
import {
  type AccountView,
  findAccountForChange,
  findAccountView,
  findAccountViewById,
  lockAccounts,
} from '../store/account-views.ts'
import type { Db } from '../store/db.ts'
import { NotPermitted } from './errors.ts'
import type { AdminLog } from './parts.ts'

/*
 * Nobody makes himself more than he is. With the permission accounts:write one changes only what may do no
 * more than he himself may at that moment: whoever changes an account, its password, role, tokens, certificates
 * or grants must have each permission of its role, before the change and after it. An administrator has all; a
 * token of his that is limited to some has those alone, and can neither touch an administrator nor make one.
 */

/** @throws AccountNotFound */
export async function getAccountView(db: Db, name: string): Promise<AccountView> {
  const account = isPossible(name) ? await findAccountView(db, name) : undefined
  if (!account) throw new AccountNotFound(name)
  return account
}

/**
 * Locks the account until the transaction ends, and makes sure that the caller may change it now.
 * @throws AccountNotFound, NotPermitted
 */
export async function getAccountForChange(
  trx: Db,
  request: FastifyRequest,
  name: string,
): Promise<AccountView> {
  await lockCaller(trx, getCaller(request))
  const account = isPossible(name) ? await findAccountForChange(trx, name) : undefined
  if (!account) throw new AccountNotFound(name)
  requireRole(getCaller(request), account.role, 'change')
  return account
}

/**
 * Lets nobody else change accounts until the transaction ends, the caller's own neither.
 * @throws NotPermitted when the caller was disabled or given another role since he was let in
 */
export async function lockCaller(trx: Db, { account, proof }: Caller): Promise<void> {
  await lockAccounts(trx)
  if (proof === 'local') return
  const now = await findAccountViewById(trx, account.id)
  if (!now || now.disabled || now.role !== account.role) {
    throw new NotPermitted(
      'accounts:write',
      'your own account was disabled or given another role while you asked; nothing was changed',
    )
  }
}

/** @throws NotPermitted when accounts of this role may do what the caller may not */
export function requireRole(caller: Caller, role: Role, doing: 'make' | 'change'): void {
  const missing = missingFor(caller, rolePermissions[role])
  if (missing.length === 0) return
  throw new NotPermitted(
    'accounts:write',
    `to ${doing} an account of the role ${role} you need all that it may do, and you lack ${missing.join(', ')}`,
  )
}

/** @throws NotPermitted when the caller lacks one of them */
export function requireAll(caller: Caller, wanted: Iterable<Permission>): void {
  const missing = missingFor(caller, wanted)
  if (missing.length === 0) return
  throw new NotPermitted(
    'accounts:write',
    `nobody gives away what he may not do himself, and you lack ${missing.join(', ')}`,
  )
}

/** Whether the caller may do less than an administrator. */
export function isLimited(caller: Caller): boolean {
  return missingFor(caller, permissions).length > 0
}

function missingFor(caller: Caller, wanted: Iterable<Permission>): readonly Permission[] {
  return [...wanted].filter((permission) => !caller.permissions.has(permission))
}

/** Who changed something, for the log. */
export function logChange(
  log: AdminLog,
  { account, proof }: Caller,
  details: object,
  message: string,
): void {
  log.info({ by: account.name, proof, ...details }, message)
}

// PostgreSQL takes neither NUL nor half a character.
function isPossible(name: string): boolean {
  return !name.includes('\0') && name.isWellFormed()
}
