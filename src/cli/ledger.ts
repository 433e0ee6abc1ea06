import { Command } from 'commander'
import { CollectionNotFound } from '../model/errors.ts'
import { formatMicros, type Micros } from '../model/micros.ts'
import { findAccount } from '../store/accounts.ts'
import { readCollections } from '../store/collections.ts'
import type { Db } from '../store/db.ts'
import { type LedgerPoll, readLedger } from '../store/ledger.ts'
import { noSuchAccount } from './account.ts'
import { parseCount } from './parse-count.ts'
import { parseMoment } from './parse-moment.ts'
import { formatTable } from './table.ts'
import { withStore } from './with-store.ts'

interface LedgerOptions {
  readonly account?: string
  readonly collection?: string
  readonly since?: Date
  readonly limit: number
  readonly json?: boolean
}

export function ledgerCommand(): Command {
  return new Command('ledger')
    .description('show who polled what, and how much was sent, the newest first')
    .option('--account <name>', 'of this account')
    .option('--collection <name>', 'of this collection')
    .option(
      '--since <moment>',
      'begun since, such as 2026-11-21, 2026-11-21T09:00, 12h or 7d',
      (text) => parseMoment(text),
    )
    .option('--limit <rows>', 'at most so many', parseCount, 100)
    .option('--json', 'one JSON object a line')
    .addHelpText(
      'after',
      '\nA poll that is "under way" for long is of a process that died; it may have been sent everything.' +
        '\n\nExample:\n  taxiway ledger --account esa1 --since 7d',
    )
    .action((options: LedgerOptions) =>
      withStore(async ({ db }) => {
        const { since, limit, json } = options
        const found = await readLedger(db, { ...(await findIds(db, options)), since, limit })
        if (json) {
          for (const one of found) console.log(JSON.stringify(toJson(one)))
          return
        }
        console.log(formatTable(headings, found.map(toRow)))
        if (found.length === limit) console.log(`(the newest ${limit}; --limit shows more)`)
      }),
    )
}

async function findIds(db: Db, { account, collection }: LedgerOptions) {
  const found = account === undefined ? undefined : await findAccount(db, account)
  if (account !== undefined && !found) throw noSuchAccount(account)
  const collections = collection === undefined ? [] : await readCollections(db)
  const polled = collections.find(({ name }) => name === collection)
  if (collection !== undefined && !polled) throw new CollectionNotFound(collection)
  return { accountId: found?.account.id, collectionId: polled?.id }
}

const headings = [
  'STARTED',
  'ACCOUNT',
  'ADDRESS',
  'CLIENT',
  'COLLECTION',
  'BINDING',
  'ASKED',
  'CONSIDERED',
  'PART',
  'BLOCKS',
  'BYTES',
  'SECONDS',
  'STATUS',
]

function toRow(poll: LedgerPoll): readonly (string | number)[] {
  // A part that is fetched by itself asks for a number, not for a window.
  const byPart = poll.part !== undefined && poll.part > 1
  return [
    poll.startedAt.toISOString(),
    poll.account ?? '(gone)',
    poll.address,
    poll.userAgent,
    poll.collection ?? '(gone)',
    poll.binding,
    byPart ? '' : window(poll.askedBegin, poll.askedEnd),
    window(poll.begin, poll.end),
    poll.part ?? '',
    poll.countsOnly ? 'count only' : (poll.blocks ?? ''),
    poll.bytes ?? '',
    poll.durationMs === undefined ? '' : (poll.durationMs / 1000).toFixed(3),
    poll.status,
  ]
}

function window(begin: Micros | undefined, end: Micros | undefined): string {
  const text = (moment: Micros | undefined) => (moment === undefined ? '' : formatMicros(moment))
  return `(${text(begin)}, ${text(end)}]`
}

function toJson(poll: LedgerPoll): object {
  const moment = (label: Micros | undefined) => (label === undefined ? null : formatMicros(label))
  return {
    started: poll.startedAt.toISOString(),
    account: poll.account ?? null,
    address: poll.address,
    client: poll.userAgent,
    collection: poll.collection ?? null,
    binding: poll.binding,
    countsOnly: poll.countsOnly,
    askedBegin: moment(poll.askedBegin),
    askedEnd: moment(poll.askedEnd),
    consideredBegin: moment(poll.begin),
    consideredEnd: moment(poll.end),
    resultId: poll.resultId ?? null,
    part: poll.part ?? null,
    blocks: poll.blocks ?? null,
    bytes: poll.bytes ?? null,
    durationMs: poll.durationMs ?? null,
    status: poll.status,
  }
}
