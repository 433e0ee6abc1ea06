#!/usr/bin/env node
import { Command } from 'commander'
import { reportFailure } from './cli/report-failure.ts'
import { version } from './version.ts'

// The one that is asked for is loaded, and all of them for the help.
const commands = {
  serve: async () => (await import('./cli/serve.ts')).serveCommand(),
  demo: async () => (await import('./cli/demo.ts')).demoCommand(),
  migrate: async () => (await import('./cli/migrate.ts')).migrateCommand(),
  apply: async () => (await import('./cli/apply.ts')).applyCommand(),
  collection: async () => (await import('./cli/collection.ts')).collectionCommand(),
  account: async () => (await import('./cli/account.ts')).accountCommand(),
  source: async () => (await import('./cli/source.ts')).sourceCommand(),
  ledger: async () => (await import('./cli/ledger.ts')).ledgerCommand(),
  indicator: async () => (await import('./cli/indicator.ts')).indicatorCommand(),
  judging: async () => (await import('./cli/judging.ts')).judgingCommand(),
  warninglist: async () => (await import('./cli/warninglist.ts')).warninglistCommand(),
  suppressions: async () => (await import('./cli/suppressions.ts')).suppressionsCommand(),
  poll: async () => (await import('./cli/poll.ts')).pollCommand(),
  withdraw: async () => (await import('./cli/withdraw.ts')).withdrawCommand(),
  rejections: async () => (await import('./cli/rejections.ts')).rejectionsCommand(),
}

const program = new Command('taxiway')
  .description(
    'Takes in threat intelligence, judges it, and publishes curated STIX over TAXII 1.1.',
  )
  .version(version)
  .showHelpAfterError('(--help shows what there is)')

const [asked = ''] = process.argv.slice(2)
const wanted = Object.entries(commands).filter(([name]) => name === asked)
for (const [, load] of wanted.length > 0 ? wanted : Object.entries(commands)) {
  program.addCommand(await load())
}

// Whoever reads our output may stop, as `head` does: what the command was asked for is done all the same.
let unwritable = false
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE' || unwritable) return
  unwritable = true
  console.error(
    `taxiway: standard output cannot be written (${error.message}): what it holds is not whole; see to the disk that it goes to`,
  )
  process.once('exit', () => {
    process.exitCode = process.exitCode || 1
  })
})

try {
  await program.parseAsync()
} catch (error) {
  reportFailure(error)
}
