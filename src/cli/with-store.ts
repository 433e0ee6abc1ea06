import { type Config, readConfig } from '../config.ts'
import { createLog, type Log } from '../log.ts'
import { DataDirLocked } from '../model/errors.ts'
import { openMigratedStore } from '../service.ts'
import type { Store } from '../store/db.ts'

/** Opens the store that the settings name for the time of one command. */
export async function withStore<T>(
  work: (store: Store, config: Config, log: Log) => Promise<T>,
): Promise<T> {
  const config = readConfig()
  const log = createLog(config.logLevel === 'info' ? 'warn' : config.logLevel)
  const store = await openMigratedStore(config, log).catch((error) => {
    throw error instanceof DataDirLocked ? new DataDirLocked(`${error.message}\n${advice}`) : error
  })
  try {
    return await work(store, config, log)
  } finally {
    await store.close()
  }
}

const advice =
  'This command needs the store to itself. These ask the running service and go on beside it: account, source, collection list, show and apply, ledger, inbox, subscription, secret, health, whoami.'
