import { sql } from 'kysely'
import type { Db } from './db.ts'

/** The moment up to which the last sweep looked; undefined before the first. */
export async function readSweptUntil(db: Db): Promise<Date | undefined> {
  const row = await db.selectFrom('feed_clock').select('swept_until').executeTakeFirstOrThrow()
  return row.swept_until ?? undefined
}

/** Never back: a sweep that took long may end after one that began later. */
export async function saveSweptUntil(db: Db, moment: Date): Promise<void> {
  await sql`
    update feed_clock set swept_until = greatest(swept_until, ${moment}::timestamptz)`.execute(db)
}
