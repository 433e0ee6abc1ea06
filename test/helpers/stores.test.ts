import { sql } from 'kysely'
import t from 'tap'
import { forEachStore } from './stores.ts'

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
