import { type Static, Type } from 'typebox'
import { getCaller } from '../http/who-is-asking.ts'
import type { Account } from '../model/account.ts'
import { AccountNotFound, CollectionNotFound } from '../model/errors.ts'
import { findReadable } from '../store/collection-access.ts'
import type { Db } from '../store/db.ts'
import {
  findSubscriber,
  readSubscriptionViews,
  type SubscriptionView,
} from '../store/subscription-views.ts'
import { decodeCursor, encodeCursor } from './cursor.ts'
import type { AdminParts } from './parts.ts'
import { answer, toPage, usualPerPage } from './schemas.ts'
import type { AdminScope } from './scope.ts'
import {
  type SubscriptionJson,
  SubscriptionPage,
  SubscriptionQuery,
} from './subscription-schema.ts'

const CursorKey = Type.Tuple([
  Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }),
  Type.String({ maxLength: 64 }),
])

export function subscriptionRoutes(scope: AdminScope, { db }: AdminParts): void {
  scope.get(
    '/api/v1/subscriptions',
    {
      config: { permission: 'ledger:read' },
      schema: {
        operationId: 'listSubscriptions',
        summary: 'Who subscribed to what over TAXII',
        description:
          'Others than administrators see the subscriptions to collections that they may read.',
        tags: ['ledger'],
        querystring: SubscriptionQuery,
        response: { 200: answer('The newest first.', SubscriptionPage) },
      },
    },
    async (request) => {
      const { limit = usualPerPage, cursor } = request.query
      const { account } = getCaller(request)
      const [createdAt, id] =
        cursor === undefined ? [] : decodeCursor('subscriptions', cursor, CursorKey)
      const found = await readSubscriptionViews(db, {
        ...(await findIds(db, account, request.query)),
        reader: account,
        after: createdAt !== undefined && id !== undefined ? { createdAt, id } : undefined,
        limit: limit + 1,
      })
      const { page, next } = toPage(found, limit, (last) =>
        encodeCursor('subscriptions', [last.createdMicros, last.id]),
      )
      return { subscriptions: page.map(toJson), next }
    },
  )
}

/** Whom and what the caller knows nothing of is not there. */
async function findIds(db: Db, reader: Account, query: Static<typeof SubscriptionQuery>) {
  const { account, collection } = query
  const [known] = collection === undefined ? [] : await findReadable(db, reader, [collection])
  if (collection !== undefined && !known) throw new CollectionNotFound(collection)
  const accountId = account === undefined ? undefined : await findSubscriber(db, reader, account)
  if (account !== undefined && accountId === undefined) throw new AccountNotFound(account)
  return { accountId, collectionId: known?.id }
}

function toJson({
  createdMicros: _,
  createdAt,
  changedAt,
  ...view
}: SubscriptionView): SubscriptionJson {
  return {
    ...view,
    contentBindings: [...view.contentBindings],
    createdAt: createdAt.toISOString(),
    changedAt: changedAt.toISOString(),
  }
}
