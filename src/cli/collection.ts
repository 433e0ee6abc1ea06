import { Command } from 'commander'
import { collectionCalls } from '../admin/client/collections.ts'
import type { CollectionView } from '../admin/collection-schema.ts'
import { applyCommand } from './apply.ts'
import { asking } from './asking.ts'
import { collectionLintCommand } from './collection-lint.ts'
import { sampleCommand } from './collection-sample.ts'
import { collectionToText } from './collection-text.ts'
import { type AskingOptions, askingCommand, jsonLines, jsonObject } from './server-options.ts'
import { formatTable } from './table.ts'

export function collectionCommand(): Command {
  return new Command('collection')
    .description('look at collections, and change them')
    .addCommand(listCommand())
    .addCommand(showCommand())
    .addCommand(applyCommand('collection apply'))
    .addCommand(sampleCommand())
    .addCommand(collectionLintCommand())
}

function listCommand(): Command {
  const command = new Command('list')
    .description('list the collections and how many blocks each has now')
    .addHelpText('after', '\nExample:\n  taxiway collection list')
    .action((options: AskingOptions) =>
      asking(options, async (connection) => {
        const rows: (readonly (string | number)[])[] = []
        for await (const page of collectionCalls(connection).list()) {
          if (options.json) for (const one of page) console.log(JSON.stringify(one))
          else rows.push(...page.flatMap(toRows))
        }
        const headings = ['COLLECTION', 'PROFILE', 'PACKAGING', 'MAX TLP', 'BINDING', 'BLOCKS']
        if (!options.json) console.log(formatTable(headings, rows))
      }),
    )
  return askingCommand(command, jsonLines)
}

function toRows({ name, profile, packaging, maxTlp, streams }: CollectionView) {
  return streams.map(({ binding, blocks }) => [name, profile, packaging, maxTlp, binding, blocks])
}

function showCommand(): Command {
  const command = new Command('show')
    .description("show a collection's settings, and what it publishes")
    .argument('<name>')
    .addHelpText('after', '\nExample:\n  taxiway collection show esa-network')
    .action((name: string, options: AskingOptions) =>
      asking(options, async (connection) => {
        const collection = await collectionCalls(connection).get(name)
        console.log(options.json ? JSON.stringify(collection) : collectionToText(collection))
      }),
    )
  return askingCommand(command, jsonObject)
}
