import type { SubscriptionJson } from '../subscription-schema.ts'
import type { AdminConnection } from './connection.ts'

export interface SubscriptionFilter {
  readonly account?: string | undefined
  readonly collection?: string | undefined
}

/** Who subscribed to what, the newest first. @param pageSize 500 at most */
export function listSubscriptions(
  { pages }: AdminConnection,
  { account, collection }: SubscriptionFilter,
  pageSize: number,
): AsyncGenerator<readonly SubscriptionJson[]> {
  const query = { account, collection, limit: pageSize }
  return pages<SubscriptionJson>('/subscriptions', 'subscriptions', query)
}
