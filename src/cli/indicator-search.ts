import { Command, InvalidArgumentError, Option } from 'commander'
import { type Reason, reasonNames } from '../curation/reasons.ts'
import { CollectionNotFound, ConfigError } from '../model/errors.ts'
import { type ObservableType, observableTypes } from '../model/observable.ts'
import { parseSearchText } from '../model/search.ts'
import { readCollections } from '../store/collections.ts'
import { searchIndicators } from '../store/search.ts'
import { parseCount } from './parse-count.ts'
import { foundTable } from './story-text.ts'
import { withStore } from './with-store.ts'

interface SearchOptions {
  readonly type?: ObservableType
  readonly source?: string
  readonly author?: string
  readonly report?: string
  readonly tag?: string
  readonly collection?: string
  readonly suppressed?: boolean
  readonly reason?: Reason
  readonly limit: number
  readonly after?: number
  readonly timeout: number
  readonly json?: boolean
}

export function indicatorSearchCommand(): Command {
  return new Command('search')
    .description('find indicators by a part of their value and by what is said of them')
    .argument('[text]', "a part of the value; 'evil*', '*.evil.com', or a network: 192.0.2.0/24")
    .addOption(new Option('--type <type>', 'of this type').choices(observableTypes))
    .option('--source <name>', 'asserted by this source')
    .option('--author <name>', 'asserted in a report of this author')
    .option('--report <id>', 'asserted in this report')
    .option('--tag <tag>', 'asserted in a report with this tag')
    .option('--collection <name>', 'that this collection serves now')
    .option('--suppressed', 'of which no assertion survives judging')
    .addOption(
      new Option('--reason <reason>', 'with an assertion that this speaks against').choices(
        reasonNames,
      ),
    )
    .option('--limit <rows>', 'at most so many', parseCount, 50)
    .option('--after <cursor>', 'go on behind this cursor', parseCursor)
    .option('--timeout <seconds>', 'how long the database may look', parseCount, 1)
    .option('--json', 'one JSON object a line')
    .addHelpText(
      'after',
      '\nExamples:\n' +
        "  taxiway indicator search '*.evil.example' --type domain\n" +
        '  taxiway indicator search 198.51.100.0/24\n' +
        '  taxiway indicator search --report 5f0e1d2c3b4a59687f6e5d4c --suppressed',
    )
    .action(async (text: string | undefined, options: SearchOptions) => {
      const { json, timeout, limit, after, ...filters } = options
      const asked = parseSearchText(text ?? '')
      if (asked.kind === 'any' && Object.keys(filters).length === 0) {
        throw new ConfigError('say what to look for: a text, or one of the filters in --help')
      }
      await withStore(async ({ db }) => {
        const { collection } = filters
        if (collection !== undefined) {
          const known = (await readCollections(db)).some(({ name }) => name === collection)
          if (!known) throw new CollectionNotFound(collection)
        }
        const timeoutMs = timeout * 1000
        const page = await searchIndicators(db, {
          ...filters,
          text: asked,
          limit,
          after,
          timeoutMs,
        })
        if (json) {
          for (const { id, ...one } of page.found) {
            console.log(JSON.stringify({ ...one, cursor: id }))
          }
          return
        }
        if (page.found.length === 0) {
          console.log('No indicator is like that.')
          return
        }
        console.log(foundTable(page.found))
        if (page.next !== undefined) {
          console.log(`(the first ${limit}; --after ${page.next} shows those behind them)`)
        }
      })
    })
}

function parseCursor(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('must be a cursor as a search prints it.')
}
