import type { LedgerEntry } from '../ledger-schema.ts'
import type { AdminConnection } from './connection.ts'

export interface LedgerFilter {
  readonly account?: string | undefined
  readonly collection?: string | undefined
  /** began at or after */
  readonly since?: Date | undefined
}

/** The polls that the ledger has, the newest first. @param pageSize 500 at most */
export function listPolls(
  { pages }: AdminConnection,
  { account, collection, since }: LedgerFilter,
  pageSize: number,
): AsyncGenerator<readonly LedgerEntry[]> {
  const query = { account, collection, since: since?.toISOString(), limit: pageSize }
  return pages<LedgerEntry>('/ledger', 'polls', query)
}
