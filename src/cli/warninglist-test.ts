import { Command, Option } from 'commander'
import { compileWarninglists, type Warninglist } from '../curation/warninglists.ts'
import { ConfigError } from '../model/errors.ts'
import { normalForm } from '../model/normal-form.ts'
import { type ObservableType, observableTypes } from '../model/observable.ts'
import { readEnabledWarninglists } from '../store/warninglists.ts'
import { formatTable } from './table.ts'
import { withStore } from './with-store.ts'

interface TestOptions {
  readonly type?: ObservableType
  readonly json?: boolean
}

export function warninglistTestCommand(): Command {
  return new Command('test')
    .description('tell which enabled warninglists know a value, and what follows for it')
    .argument('<value...>', 'in any spelling')
    .addOption(new Option('--type <type>', 'what they are').choices(observableTypes))
    .option('--json', 'one JSON object a line')
    .addHelpText('after', '\nExample:\n  taxiway warninglist test gmail.com https://github.com/a/b')
    .action((values: readonly string[], { type, json }: TestOptions) => {
      const forms = values.map((value) => getForm(value, type))
      return withStore(async ({ db }) => {
        const lists = (await readEnabledWarninglists(db)) as readonly Warninglist[]
        const find = compileWarninglists(lists)
        const rows = forms.flatMap(({ type, value }) => {
          const matches = find(type, value).map(({ list, entry, whole }) => {
            const effect = whole ? list.effect : 'inform'
            return { list: list.name, entry, whole, effect }
          })
          if (json) console.log(JSON.stringify({ type, value, matches }))
          if (matches.length === 0) return [[type, value, '–', '', 'nothing: no list knows it']]
          return matches.map(({ list, entry, whole, effect }) => [
            type,
            value,
            list,
            entry,
            follows(effect, whole),
          ])
        })
        if (!json)
          console.log(formatTable(['TYPE', 'VALUE', 'LIST', 'ENTRY', 'WHAT FOLLOWS'], rows))
      })
    })
}

function follows(effect: string, whole: boolean): string {
  if (!whole) return 'only noted: the entry is not about the value itself'
  if (effect === 'block') return 'kept out'
  return effect === 'lower' ? 'less confidence' : 'only noted'
}

// The first that fits is meant: other types take any text.
const guesses = ['domain', 'email', 'sha256', 'cve', 'url', 'uri'] as const

function getForm(value: string, type: ObservableType | undefined) {
  const tried = type ? [type] : guesses
  for (const one of tried) {
    const form = normalForm(one, value)
    if (form.ok) return form
  }
  throw new ConfigError(`"${value}" is of no type that can be told by looking; name it with --type`)
}
