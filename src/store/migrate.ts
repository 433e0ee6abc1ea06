import { sql } from 'kysely'
import { DEFAULT_MIGRATION_TABLE, type Migration, Migrator } from 'kysely/migration'
import { StoreNewer } from '../model/errors.ts'
import type { Db } from './db.ts'
import * as foundation from './migrations/0001-foundation.ts'
import * as lawOfTheFeed from './migrations/0002-law-of-the-feed.ts'
import * as leases from './migrations/0003-leases.ts'
import * as judging from './migrations/0004-judging.ts'
import * as shapes from './migrations/0005-shapes.ts'
import * as accounts from './migrations/0006-accounts.ts'
import * as inbox from './migrations/0007-inbox.ts'
import * as inboxRetention from './migrations/0008-inbox-retention.ts'
import * as pollsTogether from './migrations/0009-polls-together.ts'

// Named here rather than found in the folder: the built package and the sources differ in endings.
const migrations: Record<string, Migration> = {
  '0001-foundation': foundation,
  '0002-law-of-the-feed': lawOfTheFeed,
  '0003-leases': leases,
  '0004-judging': judging,
  '0005-shapes': shapes,
  '0006-accounts': accounts,
  '0007-inbox': inbox,
  '0008-inbox-retention': inboxRetention,
  '0009-polls-together': pollsTogether,
}

/**
 * Brings the schema up to date. Several processes may call it at once: one works, the others wait.
 * @returns the names of the migrations that were applied now
 * @throws StoreNewer when a newer version has been here
 */
export async function migrate(db: Db): Promise<readonly string[]> {
  const unknown = (await readApplied(db)).filter((name) => !Object.hasOwn(migrations, name))
  if (unknown.length > 0) throw new StoreNewer(unknown)
  const migrator = new Migrator({ db, provider: { getMigrations: async () => migrations } })
  const { error, results = [] } = await migrator.migrateToLatest()
  if (error) throw error
  return results.map((result) => result.migrationName)
}

async function readApplied(db: Db): Promise<readonly string[]> {
  const table = await sql<{ found: boolean }>`
    select to_regclass(${DEFAULT_MIGRATION_TABLE}) is not null as found`.execute(db)
  if (!table.rows[0]?.found) return []
  const { rows } = await sql<{ name: string }>`
    select name from ${sql.table(DEFAULT_MIGRATION_TABLE)} order by name`.execute(db)
  return rows.map(({ name }) => name)
}
