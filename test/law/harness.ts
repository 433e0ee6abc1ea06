import { type Db, openStore } from '../../src/store/db.ts'
import type { StorePlace } from '../helpers/stores.ts'
import { createBackends, prepareDatabase, type Query, resetDatabase } from './database.ts'
import { type GatedStore, openGatedStore, shareStore } from './gated-store.ts'
import type { Backends } from './scheduler.ts'

/** A database on which one schedule is played after the other. */
export interface Harness {
  /** statements of several actors can be under way at once */
  readonly interleaves: boolean
  readonly query: Query
  readonly backends: Backends
  /** on a connection of its own */
  readonly db: Db
  /** The store of an actor; the same one again until it has been dropped. */
  storeOf(actor: string): Promise<GatedStore>
  /** Closes the store of a process that was killed. */
  drop(actor: string): Promise<void>
  /** Closes all stores, whatever their connections are at. */
  dropAll(): Promise<void>
  /** Empties the database for another schedule. */
  reset(tick: number): Promise<void>
  close(): Promise<void>
}

export const pollerNames = Array.from({ length: 6 }, (_, index) => `poller ${index}`)

// Deleted rows stay in the tables until then.
const schedulesUntilTruncated = 100

export async function openHarness(place: StorePlace): Promise<Harness> {
  const shared = place.databaseUrl === undefined ? await openStore(place) : undefined
  const open = () => (shared ? Promise.resolve(shareStore(shared)) : openGatedStore(place))
  const monitor = await open()
  await prepareDatabase(monitor.db, pollerNames)
  const stores = new Map<string, GatedStore>()
  let schedules = 0
  return {
    interleaves: shared === undefined,
    query: monitor.query,
    backends: createBackends(monitor.query),
    db: monitor.db,
    storeOf: async (actor) => {
      const store = stores.get(actor) ?? (await open())
      stores.set(actor, store)
      return store
    },
    drop: async (actor) => {
      const store = stores.get(actor)
      stores.delete(actor)
      await store?.close()
    },
    reset: async (tick) => {
      await resetDatabase(monitor.query, tick, schedules % schedulesUntilTruncated === 0)
      schedules += 1
    },
    dropAll: async () => {
      for (const store of stores.values()) await store.close()
      stores.clear()
    },
    close: async () => {
      for (const store of stores.values()) await store.close()
      await monitor.close()
      await shared?.close()
    },
  }
}
