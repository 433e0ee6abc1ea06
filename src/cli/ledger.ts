import { Command } from 'commander'
import { listPolls } from '../admin/client/ledger.ts'
import type { LedgerEntry } from '../admin/ledger-schema.ts'
import { asking } from './asking.ts'
import { parseCount } from './parse-count.ts'
import { parseMoment } from './parse-moment.ts'
import { type AskingOptions, askingCommand, jsonLines } from './server-options.ts'
import { formatTable } from './table.ts'

interface LedgerOptions extends AskingOptions {
  readonly account?: string
  readonly collection?: string
  readonly since?: Date
  readonly limit: number
}

export function ledgerCommand(): Command {
  const command = new Command('ledger')
    .description('show who polled what, and how much was sent, the newest first')
    .option('--account <name>', 'of this account')
    .option('--collection <name>', 'of this collection')
    .option(
      '--since <moment>',
      'begun since, such as 2026-11-21, 2026-11-21T09:00, 12h or 7d',
      (text) => parseMoment(text),
    )
    .option('--limit <rows>', 'at most so many', parseCount, 100)
    .addHelpText(
      'after',
      '\nA poll that is "under way" for long is of a process that died; it may have been sent everything.' +
        '\n\nExample:\n  taxiway ledger --account esa1 --since 7d',
    )
    .action((options: LedgerOptions) =>
      asking(options, async (connection) => {
        const { limit, json } = options
        const rows: (readonly (string | number)[])[] = []
        let left = limit
        for await (const page of listPolls(connection, options, Math.min(limit, mostPerPage))) {
          const taken = page.slice(0, left)
          left -= taken.length
          if (json) for (const one of taken) console.log(JSON.stringify(toJson(one)))
          else rows.push(...taken.map(toRow))
          if (left === 0) break
        }
        if (json) return
        console.log(formatTable(headings, rows))
        if (left === 0) console.log(`(the newest ${limit}; --limit shows more)`)
      }),
    )
  return askingCommand(command, jsonLines)
}

const mostPerPage = 500

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

function toRow(poll: LedgerEntry): readonly (string | number)[] {
  // A part that is fetched by itself asks for a number, not for a window.
  const byPart = poll.part !== null && poll.part > 1
  return [
    poll.startedAt,
    poll.account ?? '(gone)',
    poll.address,
    poll.client,
    poll.collection ?? '(gone)',
    poll.binding,
    byPart ? '' : window(poll.askedBegin, poll.askedEnd),
    window(poll.consideredBegin, poll.consideredEnd),
    poll.part ?? '',
    poll.countsOnly ? 'count only' : (poll.blocks ?? ''),
    poll.bytes ?? '',
    poll.durationMs === null ? '' : (poll.durationMs / 1000).toFixed(3),
    poll.status,
  ]
}

function window(begin: string | null, end: string | null): string {
  return `(${begin ?? ''}, ${end ?? ''}]`
}

/** `started` is called so since before there was a REST interface. */
function toJson({ startedAt, ...poll }: LedgerEntry): object {
  return { started: startedAt, ...poll }
}
