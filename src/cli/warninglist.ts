import { Argument, Command, Option } from 'commander'
import { type WarninglistEffect, warninglistEffects } from '../curation/warninglists.ts'
import { writeInTurn } from '../intake/intake.ts'
import { ConfigError, WarninglistNotFound } from '../model/errors.ts'
import { type ObservableType, observableTypes } from '../model/observable.ts'
import { createIntake } from '../service.ts'
import type { Db } from '../store/db.ts'
import {
  countKeptOut,
  findWarninglist,
  readWarninglistEntries,
  readWarninglists,
  removeWarninglist,
  type StoredWarninglist,
  setWarninglistEffect,
  setWarninglistEnabled,
} from '../store/warninglists.ts'
import { parseCount } from './parse-count.ts'
import { rejudgeWithProgress } from './rejudging.ts'
import { formatTable, printable } from './table.ts'
import { printRejudged, warninglistAddCommand } from './warninglist-add.ts'
import { warninglistTestCommand } from './warninglist-test.ts'
import { withStore } from './with-store.ts'

export function warninglistCommand(): Command {
  const list = new Command('list')
    .description('list the warninglists and what each does')
    .option('--json', 'one JSON object a line')
    .action(({ json }: Json) =>
      withStore(async ({ db }) => {
        const lists = await readWarninglists(db)
        if (json) {
          for (const one of lists) console.log(JSON.stringify(one))
          return
        }
        const rows = lists.map((one) => [
          one.name,
          one.enabled ? one.effect : 'disabled',
          one.kind,
          one.entries,
          one.origin,
          one.title,
        ])
        console.log(formatTable(['LIST', 'EFFECT', 'KIND', 'ENTRIES', 'ORIGIN', 'TITLE'], rows))
      }),
    )
  const show = new Command('show')
    .description('show a warninglist and its entries')
    .argument('<name>')
    .option('--limit <entries>', 'show at most so many', parseCount, 20)
    .option('--json', 'one JSON object')
    .action((name: string, { limit, json }: Json & { limit: number }) =>
      withStore(async ({ db }) => {
        const found = await getList(db, name)
        const entries = (await readWarninglistEntries(db, name)).slice(0, limit)
        const keepsOut = await countKeptOut(db, name)
        if (json) console.log(JSON.stringify({ ...found, keepsOut, first: entries }))
        else describe(found, keepsOut, entries)
      }),
    )
  return new Command('warninglist')
    .description('see and change the lists of what is known to be harmless')
    .addCommand(warninglistAddCommand())
    .addCommand(list)
    .addCommand(show)
    .addCommand(warninglistTestCommand())
    .addCommand(
      changeCommand('remove', 'remove a warninglist and judge anew', async (db, name, now) => {
        const { origin } = await getList(db, name)
        if (origin === 'folder') {
          throw new ConfigError(
            `"${name}" is in the folder of TAXIWAY_WARNINGLISTS_DIR and would come back; take it out there, or: taxiway warninglist disable ${name}`,
          )
        }
        if (origin === 'added') {
          await removeWarninglist(db, name)
          return `"${name}" is removed.`
        }
        await setWarninglistEnabled(db, name, false, now)
        return `"${name}" comes with Taxiway: it stays in the list, disabled.`
      }),
    )
    .addCommand(
      changeCommand('enable', 'let a warninglist count, and judge anew', (db, name, now) =>
        enable(db, name, true, now),
      ),
    )
    .addCommand(
      changeCommand('disable', 'let a warninglist not count, and judge anew', (db, name, now) =>
        enable(db, name, false, now),
      ),
    )
    .addCommand(
      changeCommand(
        'effect',
        'decide what a warninglist does, whatever its file says, and judge anew',
        async (db, name, now, effect) => {
          const changed = await setWarninglistEffect(db, name, effect, now)
          if (changed === undefined) throw new WarninglistNotFound(name)
          return changed ? `"${name}" has the effect ${effect} now.` : `"${name}" had it already.`
        },
      ).addArgument(new Argument('<effect>').choices(warninglistEffects)),
    )
}

interface Json {
  readonly json?: boolean
}

type Change = (db: Db, name: string, now: Date, effect: WarninglistEffect) => Promise<string>

function changeCommand(verb: string, description: string, change: Change): Command {
  return new Command(verb)
    .description(description)
    .argument('<name>')
    .addOption(new Option('--json', 'one JSON object'))
    .action((name: string, ...rest: readonly unknown[]) =>
      withStore(async (store, config) => {
        const command = rest.at(-1) as Command
        const [, effect] = command.args as [string, WarninglistEffect]
        const intake = createIntake(config, store)
        const said = await writeInTurn(intake, (trx, now) => change(trx, name, now, effect))
        const json = command.opts<Json>().json
        if (!json) console.log(said)
        const rejudged = await rejudgeWithProgress(intake)
        const list = await findWarninglist(store.db, name)
        if (json) console.log(JSON.stringify({ list: list ?? null, rejudged }))
        else printRejudged(rejudged)
      }),
    )
}

async function enable(db: Db, name: string, enabled: boolean, now: Date): Promise<string> {
  const changed = await setWarninglistEnabled(db, name, enabled, now)
  if (changed === undefined) throw new WarninglistNotFound(name)
  const state = enabled ? 'enabled' : 'disabled'
  return changed ? `"${name}" is ${state} now.` : `"${name}" was ${state} already.`
}

async function getList(db: Db, name: string): Promise<StoredWarninglist> {
  const found = await findWarninglist(db, name)
  if (!found) throw new WarninglistNotFound(name)
  return found
}

function describe(list: StoredWarninglist, keepsOut: number, entries: readonly string[]): void {
  const decided = list.effectSetByOperator ? ', decided here' : ''
  const all = list.types.length === observableTypes.length
  const rows = [
    ['list', list.name],
    ['title', list.title],
    ['description', list.description],
    ['version', String(list.version)],
    ['effect', `${list.effect}${decided}${list.enabled ? '' : ' (but it is disabled)'}`],
    ['kind', list.kind],
    ['speaks of', all ? 'all types' : (list.types as readonly ObservableType[]).join(', ')],
    ['origin', list.origin],
    ['changed', list.changedAt.toISOString()],
    ['keeps out', `${keepsOut} assertions`],
    ['entries', String(list.entries)],
  ]
  for (const [what = '', text = ''] of rows) console.log(`${what.padEnd(12)} ${printable(text)}`)
  for (const entry of entries) console.log(`    ${printable(entry)}`)
  const more = list.entries - entries.length
  if (more > 0) console.log(`    and ${more} more; --limit shows more`)
}
