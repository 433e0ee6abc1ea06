import { Command } from 'commander'
import { collectionCalls } from '../admin/client/collections.ts'
import { sourceCalls } from '../admin/client/sources.ts'
import type { Resync, Source } from '../admin/source-schema.ts'
import { authorCollectionName } from '../model/author-collection.ts'
import { ConfigError } from '../model/errors.ts'
import { asking } from './asking.ts'
import { parseMoment } from './parse-moment.ts'
import { printList } from './print-list.ts'
import { type AskingOptions, askingCommand, jsonLines, jsonObject } from './server-options.ts'
import { sourceToText } from './source-text.ts'

export function sourceCommand(): Command {
  return new Command('source')
    .description('look at where indicators come from')
    .addCommand(listCommand())
    .addCommand(showCommand())
    .addCommand(resyncCommand())
}

function listCommand(): Command {
  const command = new Command('list')
    .description('list the sources and how each is')
    .addHelpText('after', '\nExample:\n  taxiway source list')
    .action((options: AskingOptions) =>
      asking(options, (connection) =>
        printList(sourceCalls(connection).list(), options.json, {
          headings: ['SOURCE', 'STATUS', 'SINCE', 'LAST WHOLE WALK', 'NEXT TRY', 'WHY'],
          toRow,
          none: 'No source has been walked: set TAXIWAY_OTX_API_KEY and start the service.',
        }),
      ),
    )
  return askingCommand(command, jsonLines)
}

function toRow(source: Source): readonly string[] {
  return [
    source.name,
    source.status,
    source.degradedSince ?? '',
    source.lastWholeWalkAt ?? (source.status === 'by inbox' ? '' : 'never'),
    source.nextTryAt ?? '',
    source.problems[0]?.code ?? '',
  ]
}

function showCommand(): Command {
  const command = new Command('show')
    .description('show how a source is, why, what to do about it, and what it has brought')
    .argument('<name>', 'such as otx')
    .addHelpText('after', '\nExample:\n  taxiway source show otx')
    .action((name: string, options: AskingOptions) =>
      asking(options, async (connection) => {
        const source = await sourceCalls(connection).get(name)
        if (options.json) return console.log(JSON.stringify(source))
        const present = new Set<string>()
        for (const { author } of source.authors) {
          const collection = authorCollectionName(author)
          const found = collection && (await collectionCalls(connection).find(collection))
          if (found) present.add(found.name)
        }
        console.log(sourceToText(source, present))
      }),
    )
  return askingCommand(command, jsonObject)
}

interface ResyncOptions extends AskingOptions {
  readonly since: Date
}

function resyncCommand(): Command {
  const command = new Command('resync')
    .description('let the next walk begin with what has changed at the source since a moment')
    .argument('<name>', 'such as otx')
    .requiredOption('--since <moment>', 'a date, or so many days ago: 2026-01-01, 90d', parseMoment)
    .addHelpText('after', '\nExample:\n  taxiway source resync otx --since 90d')
    .action((name: string, { since, ...options }: ResyncOptions) =>
      asking(options, async (connection) => {
        if (since > new Date()) throw new ConfigError('--since must lie in the past')
        const asked = await sourceCalls(connection).resync(name, since)
        if (options.json) return console.log(JSON.stringify(asked))
        console.log(`The next walk takes in what ${name} has changed since ${asked.since}.`)
        const begins = whenItBegins(asked)
        if (begins !== undefined) console.log(begins)
      }),
    )
  return askingCommand(command, jsonObject)
}

function whenItBegins({ begins, nextTryAt }: Resync): string | undefined {
  if (begins === 'when somebody walks it') {
    return 'Nobody walks it now: it begins when the service starts.'
  }
  if (begins === 'after the walk under way') return 'It begins after the walk that is under way.'
  return nextTryAt === null ? undefined : `It begins at ${nextTryAt}.`
}
