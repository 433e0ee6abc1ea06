import { readFile } from 'node:fs/promises'
import { userInfo } from 'node:os'
import { Command, Option } from 'commander'
import { type RecallRequest, recall, settleRecalls, undoRecall } from '../intake/recall.ts'
import { ConfigError } from '../model/errors.ts'
import { type ObservableType, observableTypes } from '../model/observable.ts'
import { createIntake } from '../service.ts'
import { findHolders } from '../store/holders.ts'
import { findNamedIndicators } from '../store/named-indicators.ts'
import { readRecalls } from '../store/recalls.ts'
import { describe } from './indicator.ts'
import { parseCount } from './parse-count.ts'
import { formatTable } from './table.ts'
import { withStore } from './with-store.ts'

interface Why {
  readonly reason: string
  readonly by: string
}

export function withdrawCommand(): Command {
  const indicator = new Command('indicator')
    .description('take indicators out of every feed')
    .argument('[value...]', 'in any usual spelling, defanged too')
    .addOption(new Option('--type <type>', 'only of this type').choices(observableTypes))
    .option('--file <file>', 'values, one a line; what follows a # after a blank is left out')
    .action(async (values: string[], options: Why & { type?: ObservableType; file?: string }) => {
      const all = [...values, ...(options.file ? await readValues(options.file) : [])]
      if (all.length === 0) throw new ConfigError('name a value, or a --file of them')
      await withStore(async (store, config) => {
        const found = await findNamedIndicators(store.db, all, options.type)
        const unknown = all.filter((_, index) => found[index]?.length === 0)
        if (unknown.length > 0) throw notInStore(unknown)
        const request = { subject: { indicators: found.flat() }, ...why(options) }
        await withdraw(createIntake(config, store), request)
      })
    })
  const report = new Command('report')
    .description('take out what a report asserts, such as an OTX pulse')
    .argument('<id>', 'as its source names it')
    .option('--source <name>', 'the source that published it', 'otx')
    .action((externalId: string, options: Why & { source: string }) =>
      withStore(async (store, config) => {
        const subject = { report: { source: options.source, externalId } }
        await withdraw(createIntake(config, store), { subject, ...why(options) })
      }),
    )
  const source = new Command('source')
    .description('take out all that a source asserts')
    .argument('<name>', 'such as otx')
    .action((name: string, options: Why) =>
      withStore((store, config) =>
        withdraw(createIntake(config, store), { subject: { source: name }, ...why(options) }),
      ),
    )
  for (const command of [indicator, report, source]) {
    command
      .requiredOption('--reason <text>', 'for whoever asks later why it is not served')
      .option('--by <name>', 'who decided it', userInfo().username)
  }
  const undo = new Command('undo')
    .description('publish again what a withdrawal keeps out')
    .argument('<number>', 'as `taxiway withdraw list` shows it', parseCount)
    .option('--by <name>', 'who decided it', userInfo().username)
    .action((id: number, options: { by: string }) =>
      withStore(async (store, config) => {
        const intake = createIntake(config, store)
        await undoRecall(intake, id, options.by)
        const { published } = await settleRecalls(intake)
        console.log(`Withdrawal ${id} is undone. Blocks published again: ${published}.`)
      }),
    )
  const list = new Command('list')
    .description('list what was withdrawn, the newest first')
    .option('--json', 'one JSON object a line')
    .action((options: { json?: boolean }) =>
      withStore(async ({ db }) => {
        const recalls = await readRecalls(db)
        if (options.json) {
          for (const one of recalls) console.log(JSON.stringify(one))
          return
        }
        const rows = recalls.map((one) => [
          one.id,
          one.recalledAt.toISOString(),
          one.recalledBy,
          one.subject,
          one.reason,
          one.undoneAt ? `${one.undoneAt.toISOString()} by ${one.undoneBy}` : '',
        ])
        console.log(formatTable(['NUMBER', 'WITHDRAWN', 'BY', 'WHAT', 'REASON', 'UNDONE'], rows))
      }),
    )
  return new Command('withdraw')
    .description('take something out of every feed at once, until that is undone')
    .addCommand(indicator)
    .addCommand(report)
    .addCommand(source)
    .addCommand(list)
    .addCommand(undo)
    .addHelpText(
      'after',
      '\nExamples:\n' +
        '  taxiway withdraw indicator mail.example.org --reason "our own mail host"\n' +
        '  taxiway withdraw report 5f0e1d2c3b4a59687f6e5d4c --reason "a list of CDN addresses"\n' +
        '  taxiway withdraw undo 3',
    )
}

function why({ reason, by }: Why): Why {
  if (reason.trim() === '') throw new ConfigError('--reason must say why')
  return { reason, by }
}

async function withdraw(intake: ReturnType<typeof createIntake>, request: RecallRequest) {
  const { id, indicators } = await recall(intake, request)
  // Said before the rest is done: it is out from here on, whatever happens to this process.
  console.log(
    `Withdrawal ${id}: polls from now on get none of it. Indicators served until now: ${indicators}.`,
  )
  const { published } = await settleRecalls(intake)
  if (published > 0) {
    console.log(`Blocks published again, for what others assert: ${published}.`)
  }
  const holders = await findHolders(intake.db, { recallId: id })
  console.log(describe(`Withdrawal ${id}`, holders, new Date()))
  console.log(`To undo it: taxiway withdraw undo ${id}`)
}

async function readValues(file: string): Promise<readonly string[]> {
  const text = await readFile(file, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    throw new ConfigError(`${file} cannot be read (${cause.code})`, { cause })
  })
  // A URL may hold a #, so that only one after a blank begins a comment.
  const lines = text.split(/\r?\n/).map((line) => line.replace(/(^|\s)#.*$/, '').trim())
  return lines.filter((line) => line !== '')
}

function notInStore(values: readonly string[]): ConfigError {
  const more = values.length > 5 ? ` and ${values.length - 5} more` : ''
  return new ConfigError(
    `no indicator in the store: ${values.slice(0, 5).join(', ')}${more}; nothing was withdrawn`,
  )
}
