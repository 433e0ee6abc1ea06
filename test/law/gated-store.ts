import {
  CompiledQuery,
  type DatabaseConnection,
  type Driver,
  Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
} from 'kysely'
import { type Db, openStore, type Store } from '../../src/store/db.ts'
import type { Tables } from '../../src/store/tables.ts'
import type { StorePlace } from '../helpers/stores.ts'
import type { Query } from './database.ts'
import { Killed, type Turn } from './scheduler.ts'

/** The store of one actor, as a process of its own would open it, each of whose statements waits its turn. */
export interface GatedStore {
  readonly db: Db
  /** Whose turn its statements wait for; undefined: they run at once. */
  turn: Turn['statement'] | undefined
  /** Runs a text on the store's connection, whosever turn it is. */
  readonly query: Query
  close(): Promise<void>
}

/** Opens the store on one connection, kept until it is closed. */
export async function openGatedStore(place: StorePlace): Promise<GatedStore> {
  const store = await openStore({ ...place, maxConnections: 1 })
  const held = await hold(store.db)
  const { rows } = await held.connection.executeQuery<{ pid: number }>(
    CompiledQuery.raw('select pg_backend_pid() as pid'),
  )
  const { pid = 0 } = rows[0] ?? {}
  return gate(
    async () => ({ connection: held.connection, release: () => {} }),
    pid,
    async () => {
      held.release()
      await store.close()
    },
  )
}

/** Another actor on a store that can be opened only once; they take turns by transactions. */
export function shareStore(store: Store): GatedStore {
  return gate(
    () => hold(store.db),
    0,
    async () => {},
  )
}

interface Held {
  readonly connection: DatabaseConnection
  readonly release: () => void
}

function hold(db: Db): Promise<Held> {
  return new Promise((resolve, reject) => {
    db.getExecutor()
      .provideConnection(
        (connection) =>
          new Promise<void>((release) => {
            resolve({ connection, release })
          }),
      )
      .catch(reject)
  })
}

function gate(acquire: () => Promise<Held>, pid: number, close: () => Promise<void>): GatedStore {
  const releases = new WeakMap<DatabaseConnection, () => void>()
  let dead: Killed | undefined

  function wrap({ connection, release }: Held): DatabaseConnection {
    const wrapped: DatabaseConnection = {
      executeQuery: async <R>(query: CompiledQuery) => {
        const run = () => connection.executeQuery<R>(query)
        if (!store.turn) return run()
        if (dead) throw dead
        const frees = /^(commit|rollback)/.test(query.sql)
        const statement = { text: query.sql, pid, frees, query: queryOn(connection) }
        return store.turn(statement, run).catch((error) => {
          // A dead process rolls nothing back; the database does.
          if (error instanceof Killed) dead = error
          throw error
        })
      },
      streamQuery: () => {
        throw new Error('streamed queries are not played')
      },
    }
    releases.set(wrapped, release)
    return wrapped
  }

  const driver: Driver = {
    init: async () => {},
    acquireConnection: async () => wrap(await acquire()),
    beginTransaction: async (connection, settings) => {
      if (settings.isolationLevel ?? settings.accessMode) throw new Error('is not played')
      await connection.executeQuery(CompiledQuery.raw('begin'))
    },
    commitTransaction: async (connection) => {
      await connection.executeQuery(CompiledQuery.raw('commit'))
    },
    rollbackTransaction: async (connection) => {
      await connection.executeQuery(CompiledQuery.raw('rollback'))
    },
    releaseConnection: async (connection) => releases.get(connection)?.(),
    destroy: async () => {},
  }
  const db = new Kysely<Tables>({
    dialect: {
      createAdapter: () => new OneConnection(),
      createDriver: () => driver,
      createIntrospector: (db) => new PostgresIntrospector(db),
      createQueryCompiler: () => new PostgresQueryCompiler(),
    },
  })
  const store: GatedStore = {
    db,
    turn: undefined,
    query: async (text, parameters = []) => {
      const { connection, release } = await acquire()
      try {
        return await queryOn(connection)(text, parameters)
      } finally {
        release()
      }
    },
    close,
  }
  return store
}

function queryOn(connection: DatabaseConnection): Query {
  return async (text, parameters = []) =>
    (await connection.executeQuery(CompiledQuery.raw(text, [...parameters]))).rows
}

class OneConnection extends PostgresAdapter {
  override get supportsMultipleConnections(): boolean {
    return false
  }
}
