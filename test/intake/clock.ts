import { sql } from 'kysely'
import type { Db } from '../../src/store/db.ts'

/** Lets the test set how far the database's clock is ahead, in microseconds; labels are made from it. */
export async function steerClock(db: Db) {
  await sql`create table if not exists test_clock (ahead bigint not null)`.execute(db)
  await sql`truncate test_clock`.execute(db)
  await sql`insert into test_clock values (0)`.execute(db)
  await sql`
    create or replace function taxiway_micros() returns bigint language sql volatile as
    $$ select (extract(epoch from clock_timestamp()) * 1000000)::bigint + (select ahead from test_clock) $$`.execute(
    db,
  )
  return {
    async advance(micros: number): Promise<void> {
      await sql`update test_clock set ahead = ahead + ${micros}::bigint`.execute(db)
    },
  }
}

export const hour = 3_600_000_000
export const day = 24 * hour
