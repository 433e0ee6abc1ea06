import { Command, Option } from 'commander'
import { type WarninglistEffect, warninglistEffects } from '../curation/warninglists.ts'
import { writeInTurn } from '../intake/intake.ts'
import { previewWarninglists, type WarninglistPreview } from '../intake/preview-warninglists.ts'
import { ConfigError } from '../model/errors.ts'
import { createIntake } from '../service.ts'
import type { Db } from '../store/db.ts'
import { findWarninglist, type WarninglistChange, writeWarninglist } from '../store/warninglists.ts'
import { type ReadWarninglist, readWarninglists } from '../warninglist-files.ts'
import { rejudgeWithProgress, showProgress } from './rejudging.ts'
import { formatTable, printable } from './table.ts'
import { withStore } from './with-store.ts'

interface AddOptions {
  readonly effect?: WarninglistEffect
  readonly dryRun?: boolean
  readonly json?: boolean
}

const namedOnScreen = 50

export function warninglistAddCommand(): Command {
  return new Command('add')
    .description("add lists in MISP's format, or bring them up to date, and judge anew at once")
    .argument('<path...>', 'a list.json, a folder with one, or a folder of such folders')
    .addOption(
      new Option(
        '--effect <effect>',
        'what they do, instead of what follows from their files',
      ).choices(warninglistEffects),
    )
    .option('--dry-run', 'show what would be kept out that is served now, and change nothing')
    .option('--json', 'one JSON object a line')
    .addHelpText(
      'after',
      `
Example, with MISP's own lists:
  git clone https://github.com/MISP/misp-warninglists
  taxiway warninglist add misp-warninglists/lists --dry-run
  taxiway warninglist add misp-warninglists/lists`,
    )
    .action(async (paths: readonly string[], options: AddOptions) => {
      const { read, faults } = await readWarninglists(paths)
      if (read.length === 0) throw new ConfigError(faults.map(printable).join('\n'))
      await withStore(async (store, config) => {
        const intake = createIntake(config, store)
        if (options.dryRun) {
          const lists = await asTheyWouldCount(store.db, read, options.effect)
          const { progress, end } = showProgress('indicators looked at')
          let seen = 0
          const preview = await previewWarninglists(store.db, lists, intake.clock(), (count) => {
            seen += count
            progress(seen)
          })
          end()
          printPreview(preview, read, options.json)
          return
        }
        const added = []
        for (const one of read) {
          const change = await writeInTurn(intake, (trx, now) =>
            writeWarninglist(trx, withEffect(one, options.effect), 'added', now, {
              effectSetByOperator: options.effect !== undefined,
            }),
          )
          const stored = await findWarninglist(store.db, one.list.name)
          added.push({ one, change, effect: stored?.effect ?? one.list.effect })
        }
        printAdded(added, options.json)
        const done = await rejudgeWithProgress(intake)
        if (options.json) console.log(JSON.stringify({ rejudged: done }))
        else printRejudged(done)
      })
      for (const fault of faults) console.error(`taxiway: ${printable(fault)}`)
      if (faults.length > 0) process.exitCode = 2
    })
}

export function printRejudged(done: {
  readonly changed: number
  readonly published: number
  readonly withdrawn: number
}): void {
  console.log(
    `${done.changed} assertions are judged otherwise now: ${done.published} blocks published, ${done.withdrawn} withdrawn.`,
  )
}

function withEffect({ list }: ReadWarninglist, effect: WarninglistEffect | undefined) {
  return effect === undefined ? list : { ...list, effect }
}

/** With what an operator has decided of those that are there already. */
async function asTheyWouldCount(
  db: Db,
  read: readonly ReadWarninglist[],
  effect: WarninglistEffect | undefined,
) {
  const lists = []
  for (const one of read) {
    const stored = await findWarninglist(db, one.list.name)
    if (stored?.enabled === false) continue
    const kept = stored?.effectSetByOperator ? (stored.effect as WarninglistEffect) : undefined
    lists.push(withEffect(one, effect ?? kept))
  }
  return lists
}

interface Added {
  readonly one: ReadWarninglist
  readonly change: WarninglistChange
  readonly effect: string
}

function printAdded(added: readonly Added[], json = false): void {
  if (json) {
    for (const { one, change, effect } of added) {
      const { name, title, kind, types, entries } = one.list
      const { unusable, unknownAttributes } = one
      console.log(
        JSON.stringify({
          name,
          change,
          effect,
          title,
          kind,
          types,
          entries: entries.length,
          unusable,
          unknownAttributes,
        }),
      )
    }
    return
  }
  const rows = added.map(({ one, change, effect }) => {
    const { name, kind, entries, title } = one.list
    return [name, change, effect, kind, entries.length, one.unusable.count, title]
  })
  const headings = ['LIST', 'IS', 'EFFECT', 'KIND', 'ENTRIES', 'LEFT OUT', 'TITLE']
  console.log(formatTable(headings, rows))
  printLeftOut(added.map(({ one }) => one))
}

function printLeftOut(read: readonly ReadWarninglist[]): void {
  for (const { path, unusable } of read) {
    const { count, first } = unusable
    if (count === 0) continue
    console.log(`${printable(path)}: left out ${count === 1 ? 'one entry' : `${count} entries`}:`)
    for (const problem of first) console.log(`    ${printable(problem)}`)
    if (count > first.length) console.log(`    and ${count - first.length} more`)
  }
}

function printPreview(
  preview: WarninglistPreview,
  read: readonly ReadWarninglist[],
  json = false,
): void {
  const { named, ...counts } = preview
  if (json) {
    for (const one of named) console.log(JSON.stringify(one))
    console.log(JSON.stringify(counts))
    return
  }
  if (named.length > 0) {
    const rows = named
      .slice(0, namedOnScreen)
      .map(({ type, value, list, entry }) => [type, value, list, entry])
    console.log(formatTable(['TYPE', 'VALUE', 'LIST', 'ENTRY'], rows))
    if (counts.keptOut > rows.length) console.log(`(and ${counts.keptOut - rows.length} more)`)
  }
  printLeftOut(read)
  console.log(
    `${counts.keptOut} of ${counts.indicators} indicators are served now and would be kept out; ${counts.lowered} would be served with less confidence.`,
  )
  console.log('Nothing was changed: this was a dry run.')
}
