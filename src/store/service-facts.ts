import { sql } from 'kysely'
import type { Db } from './db.ts'

export interface LeaseFacts {
  readonly name: string
  /** undefined: nobody has it now */
  readonly holder: string | undefined
}

/** All leases that were ever held, by name. */
export async function readLeases(db: Db): Promise<readonly LeaseFacts[]> {
  const { rows } = await sql<{ name: string; holder: string | null }>`
    select name, case when expires_at > clock_timestamp() then holder end as holder
    from leases order by name`.execute(db)
  return rows.map(({ name, holder }) => ({ name, holder: holder ?? undefined }))
}

/** The name of the last migration that the store has seen. */
export async function readSchemaVersion(db: Db): Promise<string | undefined> {
  const { rows } = await sql<{ name: string }>`
    select name from kysely_migration order by name desc limit 1`.execute(db)
  return rows[0]?.name
}
