import type { Test } from 'tap'
import { openStore } from '../../src/store/db.ts'
import { makeFolder, makeStore } from '../helpers/stores.ts'
import type { Ended } from '../helpers/taxiway.ts'
import { createTestIntake } from '../intake/reports.ts'
import { createCommandRunner } from './command-runner.ts'

/** A store of its own on PostgreSQL, and what runs a command on it. */
export async function openCommandStore(t: Test, ...command: readonly string[]) {
  const place = await makeStore(t, 'postgresql')
  const store = await openStore(place)
  t.teardown(() => store.close())
  const { db } = store
  const folder = makeFolder(t)
  const runCommand = createCommandRunner(t, {
    TAXIWAY_DATABASE_URL: place.databaseUrl as string,
    TAXIWAY_DATA_DIR: folder,
  })
  const run = (...args: string[]): Promise<Ended> => runCommand([...command, ...args])
  return { db, folder, intake: createTestIntake(t, db), run }
}
