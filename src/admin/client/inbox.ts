import type { InboxBlock } from '../inbox-schema.ts'
import type { AdminConnection } from './connection.ts'

export interface InboxFilter {
  readonly account?: string | undefined
  readonly collection?: string | undefined
  readonly outcome?: string | undefined
  /** came at or after */
  readonly since?: Date | undefined
}

/** What was sent, the newest first. @param pageSize 500 at most */
export function listInbox(
  { pages }: AdminConnection,
  { account, collection, outcome, since }: InboxFilter,
  pageSize: number,
): AsyncGenerator<readonly InboxBlock[]> {
  const query = { account, collection, outcome, since: since?.toISOString(), limit: pageSize }
  return pages<InboxBlock>('/inbox', 'blocks', query)
}

export function getInboxBlock({ ask }: AdminConnection, id: number): Promise<InboxBlock> {
  return ask<InboxBlock>('GET', `/inbox/${id}`)
}
