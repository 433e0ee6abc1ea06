import { Command, type CommanderError } from 'commander'
import { version } from '../version.ts'
import { exitCodes, exitCodesText } from './exit-codes.ts'
import { addExamples } from './help-examples.ts'

// The one that is asked for is loaded, and all of them for the help.
const commands: Readonly<Record<string, () => Promise<Command>>> = {
  serve: async () => (await import('./serve.ts')).serveCommand(),
  demo: async () => (await import('./demo.ts')).demoCommand(),
  migrate: async () => (await import('./migrate.ts')).migrateCommand(),
  apply: async () => (await import('./apply.ts')).applyCommand(),
  collection: async () => (await import('./collection.ts')).collectionCommand(),
  account: async () => (await import('./account.ts')).accountCommand(),
  source: async () => (await import('./source.ts')).sourceCommand(),
  inbox: async () => (await import('./inbox.ts')).inboxCommand(),
  ledger: async () => (await import('./ledger.ts')).ledgerCommand(),
  subscription: async () => (await import('./subscription.ts')).subscriptionCommand(),
  secret: async () => (await import('./secret.ts')).secretCommand(),
  health: async () => (await import('./health.ts')).healthCommand(),
  whoami: async () => (await import('./whoami.ts')).whoamiCommand(),
  completion: async () => (await import('./completion.ts')).completionCommand(),
  indicator: async () => (await import('./indicator.ts')).indicatorCommand(),
  judging: async () => (await import('./judging.ts')).judgingCommand(),
  warninglist: async () => (await import('./warninglist.ts')).warninglistCommand(),
  suppressions: async () => (await import('./suppressions.ts')).suppressionsCommand(),
  poll: async () => (await import('./poll.ts')).pollCommand(),
  withdraw: async () => (await import('./withdraw.ts')).withdrawCommand(),
  rejections: async () => (await import('./rejections.ts')).rejectionsCommand(),
}

/**
 * The command line. A wrong use of it throws a CommanderError, after the words about it were printed.
 * @param asked the command that is to be run: the others are not loaded where it is one
 */
export async function buildProgram(asked: string | undefined): Promise<Command> {
  const program = new Command('taxiway')
    .description(
      'Takes in threat intelligence, judges it, and publishes curated STIX over TAXII 1.1.',
    )
    .version(version)
    .showHelpAfterError('(--help shows what there is)')
    .addHelpText('after', `\n${exitCodesText} docs/cli.md tells more.`)
  const wanted = Object.entries(commands).filter(([name]) => name === asked)
  for (const [, load] of wanted.length > 0 ? wanted : Object.entries(commands)) {
    program.addCommand(await load())
  }
  addExamples(program)
  throwInsteadOfExit(program)
  return program
}

/** What a use of the command line that Commander has answered itself ends with: help and version are none. */
export function exitCodeOfUsage({ exitCode }: CommanderError): number {
  return exitCode === 0 ? exitCodes.done : exitCodes.wrongUsage
}

function throwInsteadOfExit(command: Command): void {
  command.exitOverride()
  for (const one of command.commands) throwInsteadOfExit(one)
}
