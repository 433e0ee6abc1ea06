import { Command } from 'commander'
import { readConfig } from '../config.ts'
import { createLog } from '../log.ts'
import { openStore } from '../store/db.ts'
import { migrate } from '../store/migrate.ts'

export function migrateCommand(): Command {
  return new Command('migrate')
    .description("bring the database's schema up to date; the service does so itself at its start")
    .action(async () => {
      const { databaseUrl, dataDir, logLevel } = readConfig()
      const log = createLog(logLevel)
      const store = await openStore({
        databaseUrl,
        dataDir,
        onConnectionError: (err) => log.warn({ err }, 'a connection to the database broke'),
      })
      try {
        const applied = await migrate(store.db)
        console.log(applied.length > 0 ? `applied ${applied.join(', ')}` : 'nothing to do')
      } finally {
        await store.close()
      }
    })
}
