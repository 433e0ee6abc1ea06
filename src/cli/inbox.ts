import { Command, Option } from 'commander'
import { getInboxBlock, listInbox } from '../admin/client/inbox.ts'
import type { InboxBlock } from '../admin/inbox-schema.ts'
import { inboxOutcomes } from '../store/inbox.ts'
import { asking } from './asking.ts'
import { parseCount } from './parse-count.ts'
import { parseMoment } from './parse-moment.ts'
import { type AskingOptions, askingCommand, jsonLines, jsonObject } from './server-options.ts'
import { formatTable, printable } from './table.ts'

export function inboxCommand(): Command {
  return new Command('inbox')
    .description('look at what was sent by TAXII Inbox_Messages')
    .addCommand(listCommand())
    .addCommand(showCommand())
    .addHelpText('after', '\nExample:\n  taxiway inbox list --since 1d')
}

interface ListOptions extends AskingOptions {
  readonly account?: string
  readonly collection?: string
  readonly outcome?: string
  readonly since?: Date
  readonly limit: number
}

const mostPerPage = 500

function listCommand(): Command {
  const command = new Command('list')
    .description('list the content blocks that were sent, the newest first')
    .option('--account <name>', 'sent by this account')
    .option('--collection <name>', 'sent to this collection')
    .addOption(
      new Option('--outcome <word>', 'only those of which this became').choices(inboxOutcomes),
    )
    .option('--since <moment>', 'came since, such as 2026-11-21 or 7d', (text) => parseMoment(text))
    .option('--limit <rows>', 'at most so many', parseCount, 100)
    .addHelpText('after', '\nExample:\n  taxiway inbox list --outcome not-understood --since 7d')
    .action((options: ListOptions) =>
      asking(options, async (connection) => {
        const { limit, json } = options
        const rows: (readonly (string | number)[])[] = []
        let left = limit
        for await (const page of listInbox(connection, options, Math.min(limit, mostPerPage))) {
          const taken = page.slice(0, left)
          left -= taken.length
          if (json) for (const one of taken) console.log(JSON.stringify(one))
          else rows.push(...taken.map(toRow))
          if (left === 0) break
        }
        if (json) return
        console.log(rows.length > 0 ? formatTable(headings, rows) : 'Nothing was sent.')
        if (left === 0) console.log(`(the newest ${limit}; --limit shows more)`)
      }),
    )
  return askingCommand(command, jsonLines)
}

const headings = ['ID', 'RECEIVED', 'ACCOUNT', 'SENT TO', 'PACKAGE', 'OUTCOME', 'VALUES', 'DETAIL']

function toRow(block: InboxBlock): readonly (string | number)[] {
  return [
    block.id,
    block.receivedAt,
    block.account,
    block.sentTo.join(' '),
    block.packageId ?? '',
    block.outcome,
    block.observables,
    block.detail,
  ]
}

function showCommand(): Command {
  const command = new Command('show')
    .description('show one content block, and what of it was not understood')
    .argument('<id>', 'as "taxiway inbox list" tells it', parseCount)
    .addHelpText('after', '\nExample:\n  taxiway inbox show 12')
    .action((id: number, options: AskingOptions) =>
      asking(options, async (connection) => {
        const block = await getInboxBlock(connection, id)
        console.log(options.json ? JSON.stringify(block) : formatInboxBlock(block))
      }),
    )
  return askingCommand(command, jsonObject)
}

// What a shell takes as it stands: the id is the sender's, and the line is for copying.
const plainId = /^[\w:.-]+$/

function whereServed({ account, packageId, observables }: InboxBlock): readonly string[][] {
  if (observables === 0 || packageId === null || !plainId.test(packageId)) return []
  const command = `taxiway indicator search --source account:${account} --report ${packageId}`
  return [['Where it is served', command]]
}

/** What `show` prints: what came from outside moves no cursor. */
export function formatInboxBlock(block: InboxBlock): string {
  const lines = [
    ['Block', String(block.id)],
    ['Received', block.receivedAt],
    ['Account', block.account],
    ['Message', block.messageId],
    ['Sent to', block.sentTo.join(', ')],
    ['Content binding', block.contentBinding],
    ['Package', block.packageId ?? 'without an id'],
    ['Digest', block.digest],
    ['Outcome', block.outcome],
    ['Values taken in', String(block.observables)],
    ['Not understood', String(block.notUnderstood)],
    ['Detail', block.detail || 'everything in it was understood'],
    ...whereServed(block),
    ['Content', block.isKept ? `kept: GET /api/v1/inbox/${block.id}/content` : 'not kept'],
  ]
  const width = Math.max(...lines.map(([name = '']) => name.length))
  return lines
    .map(([name = '', value = '']) => `${name.padEnd(width)}  ${printable(value)}`.trimEnd())
    .join('\n')
}
