import type { Account } from '../admin/client/accounts.ts'
import { printable } from './table.ts'

/** An account as people read it. */
export function accountToText(account: Account): string {
  const { name, role, disabled, grants, allCollections, clientAgeOutDays } = account
  const polls = grants.filter(({ read }) => read).map(({ collection }) => collection)
  const changes = grants.filter(({ write }) => write).map(({ collection }) => collection)
  const granted = (names: readonly string[]) =>
    allCollections ? 'every collection' : names.join(', ') || 'no collection'
  const facts: [string, string][] = [
    ['may poll', granted(polls)],
    [whatWritingIs(role), granted(changes)],
    ['proved by', proofs(account)],
    ['client keeps', clientAgeOutDays === 1 ? '1 day' : `${clientAgeOutDays} days`],
    ['made', account.createdAt],
    ['last seen', account.lastSeenAt ?? 'never'],
  ]
  const width = Math.max(...facts.map(([what]) => what.length))
  const lines = facts.map(([what, fact]) => `  ${what.padEnd(width)}  ${printable(fact)}`)
  return [`${printable(name)}: ${role}${disabled ? ', disabled' : ''}`, ...lines].join('\n')
}

/** A grant to write lets everybody send to an inbox; settings are for curators and administrators. */
export function whatWritingIs(role: Account['role']): string {
  return role === 'reader' || role === 'responder' ? 'may send to' : 'may change'
}

function proofs({ hasPassword, tokens, certificates }: Account): string {
  const counted = (count: number, what: string) =>
    count === 0 ? [] : [count === 1 ? `1 ${what}` : `${count} ${what}s`]
  const all = [
    ...(hasPassword ? ['a password'] : []),
    ...counted(tokens, 'token'),
    ...counted(certificates, 'certificate'),
  ]
  return all.length > 0 ? all.join(', ') : 'nothing: nobody can sign in'
}
