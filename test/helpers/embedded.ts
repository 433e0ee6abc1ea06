import { sql } from 'kysely'
import { type Db, openStore, type Store } from '../../src/store/db.ts'
import { keepTables } from './dump.ts'

interface Opened {
  readonly store: Store
  /** what made up the schema when it was opened; a test may have changed it since */
  readonly schema: string
  /** the rows that the migrations put in, by table */
  readonly rows: ReadonlyMap<string, string>
}

/** The part of tap's `t` that this needs. */
export interface Teardown {
  teardown(work: () => Promise<void>): void
  readonly parent?: object | undefined
}

const idle: Opened[] = []

/**
 * An embedded store as the migrations leave it, which is `t`'s own until it ends. To open one costs many times
 * what emptying it costs, so the next test of this process gets the same one, emptied.
 * @param makeDataDir makes a folder with a migrated store, which is there until its `t` ends
 */
export async function borrowEmbeddedStore(
  t: Teardown,
  makeDataDir: (t: Teardown) => Promise<string>,
): Promise<Store> {
  const opened = (await takeEmptied()) ?? (await open(rootOf(t), makeDataDir))
  t.teardown(async () => {
    await keepTables(async (query) => (await sql.raw(query).execute(opened.store.db)).rows)
    idle.push(opened)
  })
  return opened.store
}

/** What ends with the test file. */
function rootOf(t: Teardown): Teardown {
  return t.parent === undefined ? t : rootOf(t.parent as Teardown)
}

async function open(
  root: Teardown,
  makeDataDir: (t: Teardown) => Promise<string>,
): Promise<Opened> {
  const dataDir = await makeDataDir(root)
  const store = await openStore({ databaseUrl: undefined, dataDir })
  root.teardown(() => store.close())
  const rows = new Map<string, string>()
  for (const table of await findFilled(store.db)) {
    const found = await sql<{ rows: string }>`
      select json_agg(rows)::text as rows from ${sql.table(table)} as rows`.execute(store.db)
    rows.set(table, String(found.rows[0]?.rows))
  }
  return { store, schema: await readSchema(store.db), rows }
}

async function takeEmptied(): Promise<Opened | undefined> {
  for (;;) {
    const opened = idle.pop()
    if (opened === undefined) return undefined
    if ((await readSchema(opened.store.db)) === opened.schema) {
      await empty(opened)
      return opened
    }
    // The rows can be put back, but not every change of the schema: this one is not used again.
  }
}

async function empty({ store: { db }, rows }: Opened): Promise<void> {
  await sql`reset all`.execute(db)
  await sql`select pg_advisory_unlock_all()`.execute(db)
  await db.transaction().execute(async (trx) => {
    // Foreign keys and triggers are for what the tests do, not for putting it back.
    await sql`set local session_replication_role = replica`.execute(trx)
    for (const table of await findFilled(trx)) {
      await sql`delete from ${sql.table(table)}`.execute(trx)
    }
    for (const [table, json] of rows) {
      await sql`
        insert into ${sql.table(table)} overriding system value
          select * from json_populate_recordset(null::${sql.table(table)}, ${json})`.execute(trx)
    }
    await sql`
      select setval(format('%I.%I', schemaname, sequencename)::regclass, start_value, false)
        from pg_sequences where last_value is not null`.execute(trx)
  })
  await sql`vacuum`.execute(db)
}

async function findFilled(db: Db): Promise<string[]> {
  const tables = await sql<{ name: string }>`
    select relname as name from pg_class
      where relnamespace = 'public'::regnamespace and relkind = 'r'`.execute(db)
  const looks = tables.rows.map(
    ({ name }) => sql`select ${name}::text as name where exists (select from ${sql.table(name)})`,
  )
  const filled = await sql<{ name: string }>`${sql.join(looks, sql` union all `)}`.execute(db)
  return filled.rows.map(({ name }) => name)
}

/** Names all that a test could have made, replaced or dropped: relations, columns, functions, triggers. */
async function readSchema(db: Db): Promise<string> {
  const { rows } = await sql<{ digest: string }>`
    select md5(string_agg(item, ' ' order by item)) as digest from (
      select concat_ws(' ', oid, relname) from pg_class where relnamespace = 'public'::regnamespace
      union all select concat_ws(' ', attrelid, attname, atttypid, attnotnull) from pg_attribute
        join pg_class on pg_class.oid = attrelid
        where relnamespace = 'public'::regnamespace and relkind = 'r'
      union all select concat_ws(' ', oid, proname, prosrc) from pg_proc
        where pronamespace = 'public'::regnamespace
      union all select concat_ws(' ', oid, tgname, tgenabled) from pg_trigger
      union all select concat_ws(' ', oid, conname, convalidated) from pg_constraint
    ) as items (item)`.execute(db)
  return String(rows[0]?.digest)
}
