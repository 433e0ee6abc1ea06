import { Command } from 'commander'
import { readConfig } from '../config.ts'
import { createLog } from '../log.ts'
import { ConfigError } from '../model/errors.ts'
import { resetSecretKey } from '../secret-keys.ts'
import { openMigratedStore } from '../service.ts'

/** It opens the store itself: a server whose key is lost does not start. */
export function secretResetCommand(): Command {
  return new Command('reset')
    .description(
      'forget everything that is sealed, for a store whose key is lost, and go on with the key that is given now',
    )
    .option('--yes', 'say that it may be forgotten')
    .addHelpText(
      'after',
      '\nStop every server on the store first. Accounts, passwords and tokens stay; JWTs end.\n\nExample:\n  taxiway secret reset --yes',
    )
    .action(async ({ yes }: { readonly yes?: true }) => {
      if (!yes) {
        throw new ConfigError(
          'what is sealed in the store is gone for good after this: give --yes if its key is lost; to change a key that you have, use "taxiway secret rotate"',
        )
      }
      const config = readConfig()
      const log = createLog(config.logLevel === 'info' ? 'warn' : config.logLevel)
      const store = await openMigratedStore(config, log)
      try {
        const { secrets, answers, keyId } = await resetSecretKey({ config, store, log })
        const names = secrets.length === 0 ? 'no secret' : `the secrets ${secrets.join(', ')}`
        console.log(
          `forgot ${names} and ${answers} kept answers; the store is on the key ${keyId} now`,
        )
      } finally {
        await store.close()
      }
    })
}
