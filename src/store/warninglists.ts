import type { Db } from './db.ts'

/** Lists that are enabled, as curation reads them, by name. */
export async function readEnabledWarninglists(db: Db) {
  const rows = await db
    .selectFrom('warninglists')
    .select(['name', 'title', 'kind', 'effect', 'types', 'entries', 'digest'])
    .where('enabled', '=', true)
    .orderBy('name')
    .execute()
  return rows.map((row) => ({ ...row, entries: row.entries === '' ? [] : row.entries.split('\n') }))
}
