import pg from 'pg'
import t from 'tap'
import { createTemplate, createTestDatabase, getTestDatabaseUrl } from './postgres.ts'

async function query(url: string, sql: string, values: unknown[] = []) {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query(sql, values)).rows
  } finally {
    await client.end()
  }
}

t.test('a test database is empty, of its own, and gone after its test', async (t) => {
  const names: string[] = []
  await t.test('while the test runs', async (t) => {
    const one = await createTestDatabase(t)
    const other = await createTestDatabase(t)
    names.push(one.name, other.name)
    await query(one.url, 'CREATE TABLE mine (id int)')
    const tables = `SELECT count(*)::int AS count FROM pg_tables WHERE tablename = 'mine'`
    t.same(await query(one.url, tables), [{ count: 1 }])
    t.same(await query(other.url, tables), [{ count: 0 }])
  })
  const left = 'SELECT datname FROM pg_database WHERE datname = ANY($1)'
  t.equal(names.length, 2)
  t.same(await query(getTestDatabaseUrl(), left, [names]), [])
})

t.test('a database with a connection still open is dropped too', async (t) => {
  let ended: Promise<unknown> | undefined
  await t.test('whose test leaves its connection', async (t) => {
    const { url } = await createTestDatabase(t)
    const client = new pg.Client({ connectionString: url })
    ended = new Promise((resolve) => client.on('error', resolve))
    await client.connect()
    t.pass()
  })
  t.match(await ended, { message: /terminat/ })
})

t.test('a template is filled once, and its content copied', async (t) => {
  let filled = 0
  const fill = async (url: string) => {
    filled++
    await query(url, 'CREATE TABLE kept AS SELECT 7 AS value')
  }
  const name = `of_${process.pid}_${Date.now()}`
  const templates = await Promise.all([createTemplate(name, fill), createTemplate(name, fill)])
  t.equal(filled, 1)
  t.equal(templates[0], templates[1])

  const { url } = await createTestDatabase(t, { template: templates[0] })
  t.same(await query(url, 'SELECT value FROM kept'), [{ value: 7 }])
  await query(getTestDatabaseUrl(), `DROP DATABASE ${templates[0]}`)
})

t.test('a template whose filling failed is made anew', async (t) => {
  const name = `again_${process.pid}_${Date.now()}`
  const failure = new Error('a migration failed')
  await t.rejects(
    createTemplate(name, () => Promise.reject(failure)),
    failure,
  )
  const template = await createTemplate(name, async (url) => {
    await query(url, 'CREATE TABLE second (id int)')
  })
  const { url } = await createTestDatabase(t, { template })
  t.same(await query(url, 'SELECT * FROM second'), [])
  await query(getTestDatabaseUrl(), `DROP DATABASE ${template}`)
})
