import { type Static, Type } from 'typebox'
import { getCaller } from '../http/who-is-asking.ts'
import type { Account } from '../model/account.ts'
import { AccountNotFound, CollectionNotFound } from '../model/errors.ts'
import { formatMicros, type Micros } from '../model/micros.ts'
import { findReadable } from '../store/collection-access.ts'
import type { Db } from '../store/db.ts'
import { findPoller, type LedgerPoll, readLedger } from '../store/ledger.ts'
import { decodeCursor, encodeCursor } from './cursor.ts'
import { type LedgerEntry, LedgerPage, LedgerQuery } from './ledger-schema.ts'
import { readMoment } from './moment.ts'
import type { AdminParts } from './parts.ts'
import { answer, toPage, usualPerPage } from './schemas.ts'
import type { AdminScope } from './scope.ts'

const safeInteger = { minimum: 0, maximum: Number.MAX_SAFE_INTEGER }
const CursorKey = Type.Tuple([Type.Integer(safeInteger), Type.Integer(safeInteger)])

export function ledgerRoutes(scope: AdminScope, { db }: AdminParts): void {
  scope.get(
    '/api/v1/ledger',
    {
      config: { permission: 'ledger:read' },
      schema: {
        operationId: 'listPolls',
        summary: 'Who polled what, and how much was sent',
        description: 'Others than administrators see the polls of collections that they may read.',
        tags: ['ledger'],
        querystring: LedgerQuery,
        response: { 200: answer('The newest first.', LedgerPage) },
      },
    },
    async (request) => {
      const { limit = usualPerPage, cursor, since } = request.query
      const { account } = getCaller(request)
      const [startedAt, id] = cursor === undefined ? [] : decodeCursor('ledger', cursor, CursorKey)
      const after = startedAt !== undefined && id !== undefined ? { startedAt, id } : undefined
      const polls = await readLedger(db, {
        ...(await findIds(db, account, request.query)),
        reader: account,
        since: since === undefined ? undefined : readMoment('since', since),
        after,
        limit: limit + 1,
      })
      const { page, next } = toPage(polls, limit, (last) =>
        encodeCursor('ledger', [last.startedMicros, last.id]),
      )
      return { polls: page.map(pollToJson), next }
    },
  )
}

/** Whom and what the caller knows nothing of is not there. */
async function findIds(db: Db, reader: Account, query: Static<typeof LedgerQuery>) {
  const { account, collection } = query
  const [polled] = collection === undefined ? [] : await findReadable(db, reader, [collection])
  if (collection !== undefined && !polled) throw new CollectionNotFound(collection)
  const accountId = account === undefined ? undefined : await findPoller(db, reader, account)
  if (account !== undefined && accountId === undefined) throw new AccountNotFound(account)
  return { accountId, collectionId: polled?.id }
}

function pollToJson(poll: LedgerPoll): LedgerEntry {
  const moment = (label: Micros | undefined) => (label === undefined ? null : formatMicros(label))
  return {
    startedAt: poll.startedAt.toISOString(),
    account: poll.account ?? null,
    address: poll.address,
    client: poll.userAgent,
    collection: poll.collection ?? null,
    binding: poll.binding,
    countsOnly: poll.countsOnly,
    askedBegin: moment(poll.askedBegin),
    askedEnd: moment(poll.askedEnd),
    consideredBegin: moment(poll.begin),
    consideredEnd: formatMicros(poll.end),
    resultId: poll.resultId ?? null,
    part: poll.part ?? null,
    blocks: poll.blocks ?? null,
    bytes: poll.bytes ?? null,
    durationMs: poll.durationMs ?? null,
    status: poll.status,
  }
}
