import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import { type Static, Type } from 'typebox'
import { getCaller } from '../http/who-is-asking.ts'
import type { Account } from '../model/account.ts'
import { AccountNotFound, CollectionNotFound, InboxBlockNotFound } from '../model/errors.ts'
import { findReadable } from '../store/collection-access.ts'
import type { Db } from '../store/db.ts'
import {
  findInboxEntry,
  findKeptContent,
  type InboxEntry,
  readInboxEntries,
} from '../store/inbox-list.ts'
import { findSubscriber } from '../store/subscription-views.ts'
import { decodeCursor, encodeCursor } from './cursor.ts'
import { InboxBlock, InboxPage, InboxQuery } from './inbox-schema.ts'
import { readMoment } from './moment.ts'
import type { AdminParts } from './parts.ts'
import { answer, toPage, usualPerPage } from './schemas.ts'
import type { AdminScope } from './scope.ts'

const Id = Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER })
const IdParameter = Type.Object({ id: Id })
const CursorKey = Type.Tuple([Id])
const tags = ['inbox']
const whoSees =
  'Others than administrators see what they sent themselves and what was sent to collections that they may read.'

export function inboxRoutes(scope: AdminScope, { db }: AdminParts): void {
  scope.get(
    '/api/v1/inbox',
    {
      config: { permission: 'ledger:read' },
      schema: {
        operationId: 'listInbox',
        summary: 'What was sent by Inbox_Messages, and what became of it',
        description: whoSees,
        tags,
        querystring: InboxQuery,
        response: { 200: answer('The newest first.', InboxPage) },
      },
    },
    async (request): Promise<InboxPage> => {
      const {
        limit = usualPerPage,
        cursor,
        since,
        ...filter
      } = request.query as Static<typeof InboxQuery>
      const [before] = cursor === undefined ? [] : decodeCursor('inbox', cursor, CursorKey)
      const reader = getCaller(request).account
      await checkNames(db, reader, filter)
      const found = await readInboxEntries(db, {
        ...filter,
        reader,
        since: since === undefined ? undefined : readMoment('since', since),
        before,
        limit: limit + 1,
      })
      const { page, next } = toPage(found, limit, ({ id }) => encodeCursor('inbox', [id]))
      return { blocks: page.map(entryToJson), next }
    },
  )

  scope.get(
    '/api/v1/inbox/:id',
    {
      config: { permission: 'ledger:read' },
      schema: {
        operationId: 'getInboxBlock',
        summary: 'One content block',
        description: whoSees,
        tags,
        params: IdParameter,
        response: { 200: answer('What became of it.', InboxBlock) },
      },
    },
    async (request) => {
      const { id } = request.params
      const found = await findInboxEntry(db, getCaller(request).account, id)
      if (!found) throw new InboxBlockNotFound(id)
      return entryToJson(found)
    },
  )

  scope.get(
    '/api/v1/inbox/:id/content',
    {
      config: { permission: 'ledger:read' },
      schema: {
        operationId: 'getInboxContent',
        summary: 'What a block holds of which nothing was understood',
        description:
          'As XML, with the elements in their order; comments are not kept. For administrators and for who sent it.',
        tags,
        params: IdParameter,
        response: {
          200: {
            description: 'The STIX package.',
            content: { 'application/xml': { schema: { type: 'string' } } },
          },
        },
      },
    },
    async (request, reply) => {
      const { id } = request.params
      const { account } = getCaller(request)
      const found = await findInboxEntry(db, account, id)
      const isOwn = found?.account === account.name || account.role === 'administrator'
      const content = found && isOwn ? await findKeptContent(db, id) : undefined
      if (!content) throw new InboxBlockNotFound(id, found !== undefined)
      const xml = await promisify(gunzip)(content)
      // Somebody else's words: no browser is to take them for a page of ours.
      return reply
        .header('Content-Type', 'application/xml; charset=utf-8')
        .header('Content-Disposition', `attachment; filename="inbox-${id}.xml"`)
        .send(xml as never)
    },
  )
}

/** Who may know of all is told of a name that there is not; to others it is like one they know nothing of. */
async function checkNames(
  db: Db,
  reader: Account,
  { account, collection }: { readonly account?: string; readonly collection?: string },
): Promise<void> {
  if (reader.role !== 'administrator') return
  if (account !== undefined && (await findSubscriber(db, reader, account)) === undefined) {
    throw new AccountNotFound(account)
  }
  if (collection === undefined) return
  const [found] = await findReadable(db, reader, [collection])
  if (!found) throw new CollectionNotFound(collection)
}

function entryToJson(entry: InboxEntry): InboxBlock {
  return {
    id: entry.id,
    receivedAt: entry.receivedAt.toISOString(),
    account: entry.account,
    messageId: entry.messageId,
    sentTo: [...entry.sentTo],
    contentBinding: entry.contentBinding,
    packageId: entry.packageId ?? null,
    digest: entry.digest,
    size: entry.bytes,
    outcome: entry.outcome,
    observables: entry.observables,
    notUnderstood: entry.notUnderstood,
    detail: entry.detail,
    isKept: entry.keptBytes !== undefined,
  }
}
