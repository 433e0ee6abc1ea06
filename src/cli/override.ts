import { userInfo } from 'node:os'
import { Command, InvalidArgumentError, Option } from 'commander'
import { addOverride, endOverride } from '../intake/override.ts'
import { observableTypes } from '../model/observable.ts'
import { createIntake } from '../service.ts'
import { readOverrides } from '../store/overrides.ts'
import { minute } from './moment-text.ts'
import { getNamedIndicators, readValues, type ValuesOptions } from './named-values.ts'
import { parseCount } from './parse-count.ts'
import { parseMoment } from './parse-moment.ts'
import { overrideState } from './story-text.ts'
import { formatTable, printable } from './table.ts'
import { withStore } from './with-store.ts'

interface AddOptions extends ValuesOptions {
  readonly reason: string
  readonly rule?: string
  readonly because: string
  readonly until: Date
  readonly by: string
}

export function overrideCommand(): Command {
  const add = new Command('add')
    .description('publish indicators although a reason speaks against them, for a time')
    .argument('[value...]', 'in any usual spelling, defanged too')
    .addOption(new Option('--type <type>', 'only of this type').choices(observableTypes))
    .option('--file <file>', 'values, one a line; what follows a # after a blank is left out')
    .requiredOption('--reason <reason>', 'the reason to be lifted, as `suppressions` names it')
    .option('--rule <rule>', 'lift this rule of it alone, as `indicator show` names it')
    .requiredOption('--because <text>', 'for whoever asks later why it is served all the same')
    .requiredOption('--until <moment>', 'when it ends: 12h, 30d or 2026-12-31', parseUntil)
    .option('--by <name>', 'who decided it', userInfo().username)
    .action(async (values: string[], options: AddOptions) => {
      const all = await readValues(values, options)
      await withStore(async (store, config) => {
        const { db } = store
        const { type, reason, rule, because, by, until } = options
        const named = await getNamedIndicators(db, all, type, 'nothing was overridden')
        const indicatorIds = named.map(({ id }) => id)
        const request = { indicatorIds, reason, rule, because, by, expiresAt: until }
        const { ids, published } = await addOverride(createIntake(config, store), request)
        await tellAdded(db, ids, published)
      })
    })
  const end = new Command('end')
    .description('end an override before its time')
    .argument('<number>', 'as `taxiway indicator override list` shows it', parseCount)
    .option('--by <name>', 'who decided it', userInfo().username)
    .action((id: number, { by }: { by: string }) =>
      withStore(async (store, config) => {
        const { withdrawn } = await endOverride(createIntake(config, store), id, by)
        console.log(`Override ${id} is ended. Blocks withdrawn: ${withdrawn}.`)
      }),
    )
  const list = new Command('list')
    .description('list the overrides that count, the newest first')
    .option('--all', 'those too that are over')
    .option('--json', 'one JSON object a line')
    .action(({ all, json }: { all?: boolean; json?: boolean }) =>
      withStore(async ({ db }) => {
        const now = new Date()
        const found = await readOverrides(db, all ? {} : { current: now })
        if (json) {
          for (const one of found) console.log(JSON.stringify(one))
          return
        }
        const rows = found.map((one) => [
          one.id,
          one.type,
          one.value,
          one.reason,
          one.rule ?? 'any',
          one.because,
          one.madeBy,
          minute(one.expiresAt),
          overrideState(one, now),
        ])
        const headings = [
          'NUMBER',
          'TYPE',
          'VALUE',
          'REASON',
          'RULE',
          'BECAUSE',
          'BY',
          'UNTIL',
          'STATE',
        ]
        console.log(formatTable(headings, rows))
      }),
    )
  return new Command('override')
    .description('publish indicators although a reason speaks against them; list and end that')
    .addCommand(add, { isDefault: true })
    .addCommand(list)
    .addCommand(end)
    .addHelpText(
      'after',
      '\nExamples:\n' +
        '  taxiway indicator override cdn.example.org --reason warninglist --because "case 4711" --until 30d\n' +
        '  taxiway indicator override list\n' +
        '  taxiway indicator override end 3',
    )
}

const mostTold = 20

async function tellAdded(
  db: Parameters<typeof readOverrides>[0],
  ids: readonly number[],
  published: number,
): Promise<void> {
  for (const id of ids.slice(0, mostTold)) {
    const [one] = await readOverrides(db, { id })
    if (!one) continue
    const what = one.rule === undefined ? one.reason : `${one.reason} (${printable(one.rule)})`
    const now = one.lifts > 0 ? '' : ' Nothing is kept out for that now; what comes will be let in.'
    console.log(
      `Override ${one.id}: ${what} keeps ${one.type} ${printable(one.value)} out no more, until ${minute(one.expiresAt)}.${now}`,
    )
  }
  if (ids.length > mostTold) console.log(`… and ${ids.length - mostTold} more overrides`)
  console.log(`Blocks published: ${published}.`)
  if (ids.length === 1) console.log(`To end it: taxiway indicator override end ${ids[0]}`)
}

/** How long from now, or a moment. */
function parseUntil(text: string): Date {
  const now = Date.now()
  const long = /^(\d{1,5})([mhd])$/.exec(text)
  // What is "ago" elsewhere is "from now" here.
  const moment = parseMoment(text, new Date(now))
  const until = long ? new Date(2 * now - moment.getTime()) : moment
  if (until.getTime() > now) return until
  throw new InvalidArgumentError('must be in the future.')
}
