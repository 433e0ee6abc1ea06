import { Command } from 'commander'
import { listSubscriptions } from '../admin/client/subscriptions.ts'
import type { SubscriptionJson } from '../admin/subscription-schema.ts'
import { asking } from './asking.ts'
import { printList } from './print-list.ts'
import { type AskingOptions, askingCommand, jsonLines } from './server-options.ts'

interface ListOptions extends AskingOptions {
  readonly account?: string
  readonly collection?: string
}

export function subscriptionCommand(): Command {
  return new Command('subscription')
    .description('look at what clients have subscribed to over TAXII')
    .addCommand(listCommand())
}

function listCommand(): Command {
  const command = new Command('list')
    .description('list the subscriptions, the newest first, with those that are ended')
    .option('--account <name>', 'of this account')
    .option('--collection <name>', 'to this collection')
    .addHelpText('after', '\nExample:\n  taxiway subscription list --collection esa-urls')
    .action((options: ListOptions) =>
      asking(options, (connection) =>
        printList(listSubscriptions(connection, options, mostPerPage), options.json, {
          headings: ['ID', 'ACCOUNT', 'COLLECTION', 'STATUS', 'ANSWER', 'BINDINGS', 'SINCE'],
          toRow,
          none: 'Nobody has subscribed to anything: clients may poll without a subscription.',
        }),
      ),
    )
  return askingCommand(command, jsonLines)
}

const mostPerPage = 500

function toRow(one: SubscriptionJson): readonly string[] {
  return [
    one.id,
    one.account,
    one.collection,
    one.status,
    one.responseType,
    one.contentBindings.join(', ') || 'any',
    one.changedAt,
  ]
}
