import { sql } from 'kysely'
import t, { type Test } from 'tap'
import { forEachStore, openTestStore } from './stores.ts'

t.test('each store is migrated, empty and its own', async (t) => {
  const kinds: string[] = []
  for (const name of ['one', 'other']) {
    await forEachStore(t, async (t, { db, kind }) => {
      kinds.push(kind)
      t.same((await sql`select name from sources`.execute(db)).rows, [])
      await sql`insert into sources (name) values (${name})`.execute(db)
      t.same((await sql`select name from sources`.execute(db)).rows, [{ name }])
    })
  }
  t.same(kinds, ['postgresql', 'embedded', 'postgresql', 'embedded'])
})

t.test('what a test leaves in an embedded store is not there for the next', async (t) => {
  const leave = [
    ['rows', sql`insert into sources (name) values ('otx') returning id`],
    ['rows of the migrations', sql`update judging set version = 99 returning version`],
    ['no rows of the migrations', sql`delete from judging returning 1`],
    ['settings', sql`select set_config('work_mem', '99MB', false)`],
    ['locks', sql`select pg_advisory_lock(99)`],
    ['a table', sql`create table left_behind ()`],
    ['a column', sql`alter table sources add column left_behind text`],
    [
      'another function',
      sql`create or replace function taxiway_micros() returns bigint language sql as 'select 1::bigint'`,
    ],
  ] as const
  const seen = async (t: Test) => {
    const { db } = await openTestStore(t, 'embedded')
    const look = [
      sql`insert into sources (name) values ('first') returning *`,
      sql`select version from judging`,
      sql`select current_setting('work_mem') as setting`,
      sql`select count(*) as locks from pg_locks where locktype = 'advisory'`,
      sql`select relname from pg_class where relname = 'left_behind'`,
      sql`select prosrc from pg_proc where proname = 'taxiway_micros'`,
    ]
    const found = []
    for (const query of look) found.push((await query.execute(db)).rows)
    return { db, found }
  }
  const fresh: unknown[] = []
  await t.test('a fresh one', async (t) => fresh.push(...(await seen(t)).found))
  for (const [what, query] of leave) {
    await t.test(what, async (t) => {
      const { db, found } = await seen(t)
      t.strictSame(found, fresh)
      t.ok(await query.execute(db))
    })
  }
  await t.test('at last', async (t) => t.strictSame((await seen(t)).found, fresh))
})
