import { writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { sql } from 'kysely'
import t from 'tap'
import { ConfigError, StoreUnavailable } from '../../src/model/errors.ts'
import { lockDataDir } from '../../src/store/data-dir-lock.ts'
import { openStore } from '../../src/store/db.ts'
import { migrate } from '../../src/store/migrate.ts'
import { createTestDatabase, getTestDatabaseUrl } from '../helpers/postgres.ts'
import { runProgram } from '../helpers/program.ts'
import { secret } from '../helpers/secrets.ts'
import { forEachStore, makeFolder } from '../helpers/stores.ts'

const dataDir = ''

/** A port where nothing listens. */
async function closedPort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return port
}

t.test('a database that does not answer is StoreUnavailable, without its password', async (t) => {
  const password = secret('database password')
  const down = `postgres://taxiway:${password}@127.0.0.1:${await closedPort()}/taxiway`
  const wrongPassword = new URL(getTestDatabaseUrl())
  wrongPassword.password = password
  const missing = new URL(getTestDatabaseUrl())
  missing.pathname = '/there_is_no_such_database'
  for (const databaseUrl of [down, wrongPassword.href, missing.href]) {
    const error = await openStore({ databaseUrl, dataDir }).then(
      async (store) => store.close(),
      (error: unknown) => error,
    )
    t.type(error, StoreUnavailable)
    t.match((error as Error).message, /TAXIWAY_DATABASE_URL/)
    t.notMatch((error as Error).message, password)
    t.ok((error as Error).cause instanceof Error)
  }
})

t.test(
  'a connection that the server ends is reported, and the next query has another',
  async (t) => {
    const { url } = await createTestDatabase(t)
    const broken: Error[] = []
    let noticed = () => {}
    const notice = new Promise<void>((resolve) => {
      noticed = resolve
    })
    const store = await openStore({
      databaseUrl: url,
      dataDir,
      onConnectionError: (error) => {
        broken.push(error)
        noticed()
      },
    })
    t.teardown(() => store.close())
    const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(store.db)
    const other = await openStore({ databaseUrl: url, dataDir })
    await sql`select pg_terminate_backend(${rows[0]?.pid})`.execute(other.db)
    await other.close()
    await notice
    t.equal(broken.length, 1)
    t.same((await sql`select 1 as one`.execute(store.db)).rows, [{ one: 1 }])
  },
)

t.test('a query under way when the server ends its connection is StoreUnavailable', async (t) => {
  const { url } = await createTestDatabase(t)
  const store = await openStore({ databaseUrl: url, dataDir })
  t.teardown(() => store.close())
  await t.rejects(
    sql`select pg_terminate_backend(pg_backend_pid())`.execute(store.db),
    StoreUnavailable,
  )
})

t.test(
  'an embedded database that cannot be opened says where it is, and its folder is free again',
  async (t) => {
    const folder = makeFolder(t)
    writeFileSync(join(folder, 'pglite'), 'a file where a folder should be')
    const opened = openStore({ databaseUrl: undefined, dataDir: folder })
    await t.rejects(opened, StoreUnavailable)
    await t.rejects(opened, { message: folder })
    await (await lockDataDir(folder))()
  },
)

t.test('ids and labels come back as exact numbers, arrays of them too', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const large = Number.MAX_SAFE_INTEGER
    const read = (value: string) =>
      sql<{ value: unknown }>`select ${sql.raw(value)} as value`.execute(db)
    t.same((await read(`${large}::bigint`)).rows, [{ value: large }])
    t.same((await read(`array[1, ${large}]::bigint[]`)).rows, [{ value: [1, large] }])
    t.same((await read(`'{}'::bigint[]`)).rows, [{ value: [] }])
    await t.rejects(read(`${large}::bigint + 1`), RangeError)
  })
})

t.test('migrating a second time changes nothing', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    const schema = () =>
      sql`select table_name, column_name, data_type from information_schema.columns
        where table_schema = 'public' order by 1, 2`.execute(db)
    const before = await schema()
    t.ok(before.rows.length > 50)
    t.same(await migrate(db), [])
    t.same((await schema()).rows, before.rows)
    t.same((await sql`select high_water_mark from feed_clock`.execute(db)).rows, [
      { high_water_mark: 0 },
    ])
  })
})

t.test('a store that a newer version has changed is refused, and left as it is', async (t) => {
  await forEachStore(t, async (t, { db }) => {
    await sql`insert into kysely_migration values ('9999-of-tomorrow', now())`.execute(db)
    await t.rejects(migrate(db), {
      code: 'STORE_NEWER',
      message:
        /newer version .*\(9999-of-tomorrow\).* Run the newer version, or restore the backup/,
    })
  })
})

const migratingProcess = fileURLToPath(new URL('migrating-process.ts', import.meta.url))

t.test('several processes may migrate one empty database at once', async (t) => {
  for (let round = 0; round < 3; round++) {
    const { url } = await createTestDatabase(t)
    const processes = Array.from({ length: 3 }, () => runProgram(t, migratingProcess, [url]))
    for (const one of processes) t.equal(await one.nextLine(), 'ready')
    for (const one of processes) one.write('go\n')
    const applied = await Promise.all(processes.map((one) => one.nextLine()))
    const codes = await Promise.all(processes.map((one) => one.ended))
    t.same(codes, [0, 0, 0], processes.map((one) => one.errors()).join(''))
    const counts = applied.map((line) => JSON.parse(line ?? 'null').length).sort()
    t.same(counts.slice(0, 2), [0, 0], 'two found nothing to do')
    t.ok(counts[2] > 1, 'one applied all')
  }
})

t.test('a URL that is none is a mistake in the settings', async (t) => {
  await t.rejects(openStore({ databaseUrl: 'not a url', dataDir }), ConfigError)
})
