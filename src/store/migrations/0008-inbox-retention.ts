import { type Kysely, sql } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  // The purge finds by it what nobody has sent for long.
  await sql`create index inbox_blocks_received on inbox_blocks (received_at)`.execute(db)
}
