import { chmod, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { PGlite, types as pgliteTypes } from '@electric-sql/pglite'
import {
  Kysely,
  PGliteDialect,
  PostgresDialect,
  type PostgresPool,
  type PostgresPoolClient,
  sql,
} from 'kysely'
import pg from 'pg'
import { ConfigError, StoreUnavailable } from '../model/errors.ts'
import { lockDataDir } from './data-dir-lock.ts'
import type { Tables } from './tables.ts'

/** The store: one SQL dialect, on PostgreSQL or on the embedded PGlite. Also what a transaction is. */
export type Db = Kysely<Tables>

export interface Store {
  readonly db: Db
  readonly kind: 'postgresql' | 'embedded'
  close(): Promise<void>
}

export interface StoreOptions {
  /** `postgres://…`; undefined: the embedded database in `dataDir` */
  readonly databaseUrl: string | undefined
  readonly dataDir: string
  readonly maxConnections?: number
  /** connections that break while idle are reported here; the pool replaces them by itself */
  readonly onConnectionError?: (error: Error) => void
}

const minimumServerVersion = 150_000

/**
 * Opens the store. It may still be empty: run `migrate` before use.
 * @throws DataDirLocked when another process has the embedded database open
 * @throws StoreUnavailable when PostgreSQL does not answer
 * @throws ConfigError when PostgreSQL is older than 15 or the URL is none
 */
export async function openStore(options: StoreOptions): Promise<Store> {
  return options.databaseUrl === undefined
    ? openEmbedded(options.dataDir)
    : openPostgres(options.databaseUrl, options)
}

async function openEmbedded(dataDir: string): Promise<Store> {
  await mkdir(dataDir, { recursive: true, mode: 0o700 })
  const unlock = await lockDataDir(dataDir)
  try {
    const folder = join(dataDir, 'pglite')
    await makePrivate(folder)
    const pglite = await PGlite.create({
      dataDir: folder,
      parsers: { [pgliteTypes.INT8]: exactNumber, [pgliteTypes.BYTEA]: bytesFromHex },
      // PGlite's own goes through an array of strings, one a byte.
      serializers: { [pgliteTypes.BYTEA]: bytesToHex },
    })
    const db = new Kysely<Tables>({ dialect: new PGliteDialect({ pglite }) })
    // The dialect closes PGlite only once it has run a query.
    await sql`select 1`.execute(db)
    return {
      db,
      kind: 'embedded',
      close: async () => {
        await db.destroy()
        await unlock()
      },
    }
  } catch (cause) {
    await unlock()
    throw new StoreUnavailable(
      `the embedded database in ${dataDir} does not open: ${(cause as Error).message ?? "a file of it could not be read or written. Is its disk full, or the folder not this user's?"}`,
      { cause },
    )
  }
}

/** PGlite lets everybody read and write its files: in a data folder that others may look into, this one keeps them out. */
async function makePrivate(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  try {
    await chmod(folder, 0o700)
  } catch (error) {
    // It was made by another user, whose it is to close; or the file system has no modes.
    const { code = '' } = error as NodeJS.ErrnoException
    if (!['EPERM', 'ENOTSUP', 'EROFS'].includes(code)) throw error
  }
}

async function openPostgres(url: string, options: StoreOptions): Promise<Store> {
  // node-postgres would look for a server named "base".
  if (!URL.canParse(url)) throw new ConfigError('TAXIWAY_DATABASE_URL must be a postgres:// URL')
  const pool = new pg.Pool({
    connectionString: url,
    max: options.maxConnections ?? 10,
    connectionTimeoutMillis: 5_000,
    application_name: 'taxiway',
    keepAlive: true,
    // Else a connection that died without a sign would be waited for two hours, the system's own default.
    keepAliveInitialDelayMillis: 10_000,
    // A process frozen inside a transaction must not hold the writers' lock for ever: no longer than its
    // leases last, so that who takes these over need not wait for the lock much longer.
    idle_in_transaction_session_timeout: 15_000,
    types: { getTypeParser: typeParser },
  })
  pool.on('error', (error) => options.onConnectionError?.(error))
  // The pool does not listen to a connection that it has lent out. The query under way is told by itself,
  // but an 'error' that nobody hears ends the process.
  pool.on('connect', (client) => client.on('error', () => {}))
  const db = new Kysely<Tables>({ dialect: new PostgresDialect({ pool: reportingPool(pool) }) })
  try {
    await checkServer(db)
  } catch (error) {
    await db.destroy()
    throw error
  }
  return { db, kind: 'postgresql', close: () => db.destroy() }
}

async function checkServer(db: Db): Promise<void> {
  const { rows } = await sql<{ version: string; isolation: string }>`
    select current_setting('server_version_num') as version,
      current_setting('default_transaction_isolation') as isolation`.execute(db)
  const [found] = rows
  if (Number(found?.version) < minimumServerVersion) {
    throw new ConfigError(
      'TAXIWAY_DATABASE_URL: the server is older than PostgreSQL 15; upgrade it',
    )
  }
  // What is read after a lock must include what was committed while waiting for it.
  if (found?.isolation !== 'read committed') {
    throw new ConfigError(
      `TAXIWAY_DATABASE_URL: default_transaction_isolation is "${found?.isolation}" there; set it to "read committed" for this database`,
    )
  }
}

/** The pool as Kysely uses it, with broken connections told apart from refused statements. */
function reportingPool(pool: pg.Pool): PostgresPool {
  return {
    connect: async () => {
      const client = await pool.connect().catch(rethrow)
      const query = (...args: Parameters<pg.PoolClient['query']>) =>
        (client.query(...args) as unknown as Promise<pg.QueryResult>).catch(rethrow)
      return {
        query,
        release: (destroy?: boolean) => client.release(destroy),
      } as unknown as PostgresPoolClient
    },
    end: () => pool.end(),
    options: pool.options,
  }
}

// Connection exceptions (class 08), shutdowns (57P…), a transaction that idled too long (25P03), too many
// connections, and what the socket says.
const connectionFault =
  /^(08...|57P..|25P03|53300|ECONN\w+|ETIMEDOUT|EPIPE|EHOSTUNREACH|ENOTFOUND|EAI_AGAIN|28...|3D000)$/

function rethrow(error: Error & { code?: string }): never {
  const ended = /^Connection terminated|timeout exceeded when trying to connect|^Client has/
  throw connectionFault.test(error.code ?? '') || ended.test(error.message)
    ? unavailable(error)
    : error
}

function unavailable(cause: unknown): StoreUnavailable {
  // node-postgres reports several refused addresses as an AggregateError without a message.
  const error = cause as Error & { code?: string }
  return new StoreUnavailable(
    `the database named by TAXIWAY_DATABASE_URL does not answer: ${error.message || error.code}`,
    { cause },
  )
}

function typeParser(oid: number, format?: 'text' | 'binary') {
  if (oid === pg.types.builtins.INT8 && format !== 'binary') return exactNumber
  if (oid === int8ArrayOid && format !== 'binary') {
    return (text: string) => (text === '{}' ? [] : text.slice(1, -1).split(',').map(exactNumber))
  }
  return pg.types.getTypeParser(oid, format as 'text')
}

function bytesFromHex(text: string): Uint8Array {
  return Buffer.from(text.slice('\\x'.length), 'hex')
}

function bytesToHex(bytes: Uint8Array): string {
  return `\\x${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex')}`
}

const int8ArrayOid = 1016

/** Ids and labels stay below 2^53; anything else is a defect that must not pass in silence. */
function exactNumber(text: string): number {
  const value = Number(text)
  if (!Number.isSafeInteger(value)) throw new RangeError(`${text} is beyond 2^53`)
  return value
}
