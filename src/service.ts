import { setTimeout as sleep } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'
import type { AdminParts } from './admin/parts.ts'
import { openAdminSocket } from './admin-socket.ts'
import { buildApp } from './app.ts'
import { createStoreCheck } from './check-store.ts'
import type { Config } from './config.ts'
import { ensureDataDir } from './data-dir.ts'
import { ensureAdministrator } from './first-administrator.ts'
import { type Connections, trackConnections } from './http/connections.ts'
import { createEndings } from './http/endings.ts'
import { observeInbox } from './inbox-metrics.ts'
import type { OtxWalkProgress } from './ingest/walk-otx.ts'
import type { Intake } from './intake/intake.ts'
import { createReadJudging } from './intake/judging.ts'
import { sweep } from './intake/sweep.ts'
import { repeatUntil, startRepeating } from './jobs/repeat.ts'
import { warnOfShortLedger } from './ledger-days.ts'
import { findPlace, listen } from './listen.ts'
import type { Log } from './log.ts'
import { createMetrics, observeConnections } from './metrics.ts'
import { checkPlainHttp } from './plain-http.ts'
import { createReconciling } from './reconciling.ts'
import { openSecretKeys } from './secret-keys.ts'
import { knownMs } from './security/authenticate.ts'
import { createIdentify } from './security/identify.ts'
import { createSharedWork, reportFailures } from './shared-work.ts'
import { observeSources } from './source-metrics.ts'
import { saveHighWaterMark } from './store/blocks.ts'
import { openStore, type Store } from './store/db.ts'
import { pruneInbox } from './store/inbox-retention.ts'
import { releaseAllLeases } from './store/leases.ts'
import { migrate } from './store/migrate.ts'
import { pruneLedger } from './store/polls.ts'
import { purge } from './store/purge.ts'
import { pruneNetworks } from './store/sign-in.ts'
import { createStoredFeed } from './taxii/stored-feed.ts'
import { createStoredInbox } from './taxii/stored-inbox.ts'
import { followTls, observeTls, openTls } from './tls.ts'
import { version } from './version.ts'
import { createStarterSync, createWarninglistSync } from './warninglist-folder.ts'

export interface Service {
  /** where it listens, such as http://127.0.0.1:9000 */
  readonly address: string
  readonly intake: Intake
  readonly store: Store
  /** Reads again what can change without a new start: the files of TLS. What is wrong with them is logged. */
  reload(): Promise<void>
  /**
   * Lets what is under way finish, for at most 10 s, then closes the store. What this process does for all
   * ends first, so that another takes it over at once. Resolves also when a database that hangs keeps
   * something from its end.
   */
  stop(): Promise<void>
}

export interface ServiceOptions {
  /** runs when the store is open and before anything is served or taken in */
  readonly prepare?: (store: Store, intake: Intake) => Promise<void>
  readonly onWalkProgress?: (progress: OtxWalkProgress) => void
  readonly onWalk?: (outcome: { readonly error?: Error }) => void
  /** after so long without a sign of this process another one takes over what it does for all */
  readonly leaseTtlMs?: number
}

const defaultLeaseTtlMs = 15_000
// Nobody else can take over there, and on a slow machine one transaction may take as long as a minute.
const embeddedLeaseTtlMs = 600_000
const sweepMs = 60_000
const purgeMs = 3_600_000
const highWaterMarkMs = 1_000
const followKeyMs = 5_000
const stopMs = 10_000
const storeCloseMs = 2_000

/** Opens the store and brings its schema up to date. */
export async function openMigratedStore(config: Config, log: Log): Promise<Store> {
  if (config.databaseUrl === undefined) await ensureDataDir(config.dataDir)
  const store = await openStore({
    databaseUrl: config.databaseUrl,
    dataDir: config.dataDir,
    onConnectionError: (err) => log.warn({ err }, 'a connection to the database broke'),
  })
  try {
    const applied = await migrate(store.db)
    if (applied.length > 0) {
      log.info({ migrations: applied }, 'the schema was brought up to date')
      await createStarterSync(log)(createIntake(config, store))
    }
    return store
  } catch (error) {
    await store.close()
    throw error
  }
}

export function createIntake(config: Config, store: Store): Intake {
  return {
    db: store.db,
    producer: config.producer,
    readJudging: createReadJudging(),
    clock: () => new Date(),
  }
}

/** Starts everything: store, first administrator, HTTP, then the loops that fill and tend the feeds. */
export async function startService(
  config: Config,
  log: Log,
  options: ServiceOptions = {},
): Promise<Service> {
  const startedAt = new Date()
  for (const warning of config.warnings) log.warn(warning)
  const place = await findPlace(config.host, config.port)
  checkPlainHttp(config, place.address, log)
  const tls = config.tls && (await openTls(config.tls, { log, clock: () => new Date() }))
  const store = await openMigratedStore(config, log)
  // What stands on the store; none of it needs another.
  const closers: (() => Promise<void>)[] = []
  const stop = async () => {
    const ended = Promise.all(closers.splice(0).map((close) => close()))
    // The ledger is told of connections that were cut, and waited for.
    await endWithin(ended, stopMs + 1_500, 'the tasks under way', log)
    await endWithin(store.close(), storeCloseMs, 'closing the database', log)
  }
  try {
    await ensureAdministrator(store, config, log)
    await warnOfShortLedger(store.db, config, log)
    const metrics = createMetrics()
    observeSources(metrics.registry, store.db)
    const intake = createIntake(config, store)
    const keys = await openSecretKeys({ config, store, log })
    const { keyring } = keys
    await options.prepare?.(store, intake)
    const reconciling = createReconciling(intake, log)
    closers.push(() => reconciling.stop())
    const admin: AdminParts = {
      db: store.db,
      intake,
      keyring,
      keys,
      log,
      version,
      followCollections: reconciling.follow,
      service: { storeKind: store.kind, startedAt, findCertificate: () => tls?.findCertificate() },
    }
    const { jwtSeconds } = config
    const identify = createIdentify({ db: store.db, keyring, jwtSeconds, metrics, log })
    const { limits, trustedProxies } = config
    const onEnded = createEndings({
      limits,
      log,
      count: (ending) => metrics.connectionEnded(ending),
    })
    const app = await buildApp({
      admin,
      feed: createStoredFeed(store.db, config.resultSetSeconds),
      inbox: createStoredInbox(intake, config.inbox, observeInbox(metrics, store.db)),
      identify,
      checkStore: createStoreCheck(store.db),
      metrics,
      log,
      publicUrl: config.publicUrl,
      tls: tls?.serverOptions,
      trustedProxies,
      limits,
      onEnded,
      version,
    })
    const connections = trackConnections(app.server, { limits, trustedProxies, onEnded })
    observeConnections(metrics.registry, connections)
    closers.push(async () => {
      await closeApp(app, connections, log)
      await identify.settle()
    })
    if (tls) {
      observeTls(metrics.registry, tls)
      closers.push(followTls(tls, app.server, { connections, log }))
    }
    const address = await listen(app, place)
    const socket = await openAdminSocket(admin, config, log)
    closers.push(() => socket.close(stopMs))

    const following = reportFailures(log, 'following the secret key')
    closers.push(startRepeating(followKeyMs, () => keys.follow(), following))
    const saving = reportFailures(log, 'saving the high-water mark')
    closers.push(startRepeating(highWaterMarkMs, () => saveHighWaterMark(store.db), saving))
    const isEmbedded = store.kind === 'embedded'
    // Its folder is locked: whoever had them is dead.
    if (isEmbedded) await releaseAllLeases(store.db)
    const ttlMs = isEmbedded ? embeddedLeaseTtlMs : defaultLeaseTtlMs
    const { leaseTtlMs = ttlMs } = options
    const share = createSharedWork({ db: store.db, metrics, log, leaseTtlMs })
    const syncWarninglists = createWarninglistSync(config, log)
    // Before anything is taken in: what is published for a minute, clients hold for days.
    const failed = reportFailures(log, 'reading the warninglists')
    await syncWarninglists(intake).catch((error) => failed(error, 1))
    closers.push(
      share('sweep', async ({ signal, fence }) => {
        const sweepOnce = async () => {
          await syncWarninglists({ ...intake, fence })
          const settingsAreFollowed = reconciling.isUnderWay()
          metrics.swept(await sweep({ ...intake, fence, signal }, { settingsAreFollowed }))
        }
        const purgeOnce = async () => {
          const polls = await pruneLedger(store.db, config.ledgerDays)
          await pruneNetworks(store.db, new Date(Date.now() - knownMs))
          const sent = await pruneInbox(store.db, config.inbox.days, intake.clock())
          log.debug({ ...(await purge(store.db, config)), polls, sent }, 'purged')
        }
        await Promise.all([
          repeatUntil(signal, sweepMs, sweepOnce, reportFailures(log, 'the sweep')),
          repeatUntil(signal, purgeMs, purgeOnce, reportFailures(log, 'the purge')),
        ])
      }),
    )
    if (config.otx) {
      // Loaded when the service answers already: OTX's client and schemas are a third of its start.
      const { createOtxLoop } = await import('./otx-loop.ts')
      const loop = createOtxLoop(config.otx, { intake, metrics, log, version, options })
      const stopWalking = share('otx', (lease) => loop.run(lease))
      closers.push(async () => {
        await stopWalking()
        await loop.close()
      })
    }
    if (!config.otx) log.info('TAXIWAY_OTX_API_KEY is not set: OTX is not polled')
    return { address, intake, store, reload: async () => tls?.reload(), stop }
  } catch (error) {
    await stop()
    throw error
  }
}

/** Stops listening at once; connections that still owe an answer after 10 s are cut. */
async function closeApp(app: FastifyInstance, connections: Connections, log: Log): Promise<void> {
  const cut = setTimeout(() => {
    log.warn('connections were still busy after 10 s and are cut')
    connections.cut()
  }, stopMs)
  try {
    connections.endIdle()
    await app.close()
  } finally {
    clearTimeout(cut)
  }
}

/** A database that neither answers nor breaks the connection must not hold up the end. */
async function endWithin(end: Promise<unknown>, ms: number, what: string, log: Log): Promise<void> {
  const over = new AbortController()
  const late = sleep(ms, true, { signal: over.signal }).catch(() => false)
  if (await Promise.race([late, end.then(() => false)])) log.warn(`${what}: no end after ${ms} ms`)
  over.abort()
}
