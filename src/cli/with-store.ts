import { type Config, readConfig } from '../config.ts'
import { createLog, type Log } from '../log.ts'
import { openMigratedStore } from '../service.ts'
import type { Store } from '../store/db.ts'

/** Opens the store that the settings name for the time of one command. */
export async function withStore<T>(
  work: (store: Store, config: Config, log: Log) => Promise<T>,
): Promise<T> {
  const config = readConfig()
  const log = createLog(config.logLevel === 'info' ? 'warn' : config.logLevel)
  const store = await openMigratedStore(config, log)
  try {
    return await work(store, config, log)
  } finally {
    await store.close()
  }
}
