import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { keepPostgresDatabase } from './dump.ts'

/** The part of tap's `t` that this needs. */
interface Teardown {
  teardown(work: () => Promise<void>): void
}

export interface TestDatabase {
  name: string
  url: string
}

/** PostgreSQL's server for the tests, its administrative database; `npm test` provides it. */
export function getTestDatabaseUrl(): string {
  const url = process.env.TEST_DATABASE_URL
  if (!url) throw new Error('TEST_DATABASE_URL is not set: run the tests by `npm test`')
  return url
}

/**
 * Creates a database for one test or one file; it is dropped when `t` ends, with force, so a
 * connection left open does not keep it.
 * @param options.template a database made by `createTemplate`, whose content is copied
 */
export async function createTestDatabase(
  t: Teardown,
  options: { template?: string } = {},
): Promise<TestDatabase> {
  const name = `taxiway_test_${randomBytes(8).toString('hex')}`
  const template = pg.escapeIdentifier(options.template ?? 'template0')
  // Copying files takes a third of what writing each page to the log does.
  const statement = `CREATE DATABASE ${name} TEMPLATE ${template} STRATEGY file_copy`
  await administrate((client) => client.query(statement))
  t.teardown(async () => {
    await keepPostgresDatabase(databaseUrl(name))
    await administrate((client) => client.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`))
  })
  return { name, url: databaseUrl(name) }
}

/**
 * Makes a database once for all test files, for instance with the migrations applied, so that
 * `createTestDatabase` copies it in milliseconds. Callers in several processes wait for the first.
 * @param name says what is in it: what was made under a name is not made again on the same server
 * @param fill must have closed its connections when it returns, else the database cannot be copied
 */
export function createTemplate(
  name: string,
  fill: (url: string) => Promise<void>,
): Promise<string> {
  const template = templates.get(name) ?? findOrFill(`taxiway_template_${name}`, fill)
  templates.set(name, template)
  // Whoever asks next tries again.
  template.catch(() => templates.delete(name))
  return template
}

/** Those that this process has asked for. */
const templates = new Map<string, Promise<string>>()

async function findOrFill(template: string, fill: (url: string) => Promise<void>): Promise<string> {
  // Its end releases the lock.
  const client = await connect()
  try {
    await client.query(`SELECT pg_advisory_lock(hashtext('taxiway_template'))`)
    const made = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [template])
    if (made.rowCount !== 0) return template
    const unfinished = `${template}_unfinished`
    await client.query(`DROP DATABASE IF EXISTS ${pg.escapeIdentifier(unfinished)} WITH (FORCE)`)
    await client.query(`CREATE DATABASE ${pg.escapeIdentifier(unfinished)} TEMPLATE template0`)
    await fill(databaseUrl(unfinished))
    await client.query(
      `ALTER DATABASE ${pg.escapeIdentifier(unfinished)} RENAME TO ${pg.escapeIdentifier(template)}`,
    )
    return template
  } finally {
    await client.end()
  }
}

function databaseUrl(name: string): string {
  const url = new URL(getTestDatabaseUrl())
  url.pathname = `/${name}`
  return url.href
}

// The types leave these two out.
type Client = pg.Client & { ref(): void; unref(): void }

let administrator: Promise<Client> | undefined
let working = 0

/** On one connection for all of this process, which keeps it alive only while it works. */
async function administrate(work: (client: pg.Client) => Promise<unknown>): Promise<void> {
  administrator ??= connectAnew()
  const client = await administrator
  working++
  client.ref()
  try {
    await work(client)
  } finally {
    working--
    if (working === 0) client.unref()
  }
}

function connectAnew(): Promise<Client> {
  const connecting = connect()
  const forget = () => {
    if (administrator === connecting) administrator = undefined
  }
  connecting.then((client) => client.once('error', forget), forget)
  return connecting
}

async function connect(): Promise<Client> {
  const client = new pg.Client({ connectionString: getTestDatabaseUrl() }) as Client
  await client.connect()
  return client
}
