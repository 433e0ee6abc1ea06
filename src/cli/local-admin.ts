import { createInjectTransport } from '../admin/client/inject.ts'
import type { AdminTransport } from '../admin/client/transport.ts'
import type { Config } from '../config.ts'
import { buildLocalAdmin } from '../local-admin.ts'
import { createLog } from '../log.ts'
import { createReconciling } from '../reconciling.ts'
import { openSecretKeys } from '../secret-keys.ts'
import { createIntake, openMigratedStore } from '../service.ts'
import { nameStore } from '../store-name.ts'
import { version } from '../version.ts'

/**
 * Opens the store and the REST interface on it, for the time of one command.
 * @throws DataDirLocked, StoreUnavailable
 */
export async function openLocalAdmin(config: Config): Promise<AdminTransport> {
  const log = createLog(config.logLevel === 'info' ? 'warn' : config.logLevel)
  const store = await openMigratedStore(config, log)
  try {
    const intake = createIntake(config, store)
    const reconciling = createReconciling(intake, log)
    const keys = await openSecretKeys({ config, store, log, forCommand: true })
    const parts = {
      db: store.db,
      intake,
      keyring: keys.keyring,
      keys,
      log,
      version,
      followCollections: reconciling.follow,
      service: {
        storeKind: store.kind,
        startedAt: new Date(),
        findCertificate: () => undefined,
      },
    }
    const app = await buildLocalAdmin(parts, log, nameStore(config.databaseUrl))
    const { settle } = reconciling
    return createInjectTransport(app, {
      settle,
      async close() {
        await settle()
        await app.close()
        await store.close()
      },
    })
  } catch (error) {
    await store.close()
    throw error
  }
}
