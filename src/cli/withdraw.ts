import { userInfo } from 'node:os'
import { Command, Option } from 'commander'
import { type RecallRequest, recall, settleRecalls, undoRecall } from '../intake/recall.ts'
import { ConfigError } from '../model/errors.ts'
import { observableTypes } from '../model/observable.ts'
import { createIntake } from '../service.ts'
import { findHolders } from '../store/holders.ts'
import { readRecalls } from '../store/recalls.ts'
import { describeHolders } from './holders-text.ts'
import { getNamedIndicators, readValues, type ValuesOptions } from './named-values.ts'
import { parseCount } from './parse-count.ts'
import { formatTable } from './table.ts'
import { withStore } from './with-store.ts'

interface Why {
  readonly reason: string
  readonly by: string
}

/** Also there as `taxiway indicator withdraw`. */
export function withdrawIndicatorCommand(name: string): Command {
  const command = new Command(name)
    .description('take indicators out of every feed')
    .argument('[value...]', 'in any usual spelling, defanged too')
    .addOption(new Option('--type <type>', 'only of this type').choices(observableTypes))
    .option('--file <file>', 'values, one a line; what follows a # after a blank is left out')
    .action(async (values: string[], options: Why & ValuesOptions) => {
      const all = await readValues(values, options)
      await withStore(async (store, config) => {
        const undone = 'nothing was withdrawn'
        const indicators = await getNamedIndicators(store.db, all, options.type, undone)
        await withdraw(createIntake(config, store), { subject: { indicators }, ...why(options) })
      })
    })
  return withWhy(command)
}

function withWhy(command: Command): Command {
  return command
    .requiredOption('--reason <text>', 'for whoever asks later why it is not served')
    .option('--by <name>', 'who decided it', userInfo().username)
}

export function withdrawCommand(): Command {
  const indicator = withdrawIndicatorCommand('indicator')
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
  for (const command of [report, source]) withWhy(command)
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
  console.log(describeHolders(`Withdrawal ${id}`, holders, new Date()))
  console.log(`To undo it: taxiway withdraw undo ${id}`)
}
