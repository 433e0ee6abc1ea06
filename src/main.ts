#!/usr/bin/env node
import { Command } from 'commander'
import { accountCommand } from './cli/account.ts'
import { applyCommand } from './cli/apply.ts'
import { collectionCommand } from './cli/collection.ts'
import { demoCommand } from './cli/demo.ts'
import { migrateCommand } from './cli/migrate.ts'
import { rejectionsCommand } from './cli/rejections.ts'
import { reportFailure } from './cli/report-failure.ts'
import { serveCommand } from './cli/serve.ts'
import { suppressionsCommand } from './cli/suppressions.ts'
import { version } from './service.ts'

const program = new Command('taxiway')
  .description(
    'Takes in threat intelligence, judges it, and publishes curated STIX over TAXII 1.1.',
  )
  .version(version)
  .showHelpAfterError('(--help shows what there is)')
  .addCommand(serveCommand())
  .addCommand(demoCommand())
  .addCommand(migrateCommand())
  .addCommand(applyCommand())
  .addCommand(collectionCommand())
  .addCommand(accountCommand())
  .addCommand(suppressionsCommand())
  .addCommand(rejectionsCommand())

try {
  await program.parseAsync()
} catch (error) {
  reportFailure(error)
}
