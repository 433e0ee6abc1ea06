import { createHash } from 'node:crypto'
import { appendFileSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'
import { keepEvidence } from './evidence.ts'

/** Those that hold credentials, or text that callers wrote. */
const always = [
  ...['accounts', 'tokens', 'account_certificates', 'account_addresses', 'grants'],
  ...['secrets', 'secret_key', 'idempotency_keys'],
  ...['sources', 'collections', 'judging', 'polls', 'overrides', 'recalls', 'rejections'],
]
// What feeds are made of is dumped while it is small: no caller writes to it.
const maxTableBytes = 256 * 1024
const pageBytes = 8192

const kept = new Set<string>()

/** Whether it is the first time that this process meets these bytes. */
function isNew(bytes: Uint8Array | string): boolean {
  const digest = createHash('sha1').update(bytes).digest('base64')
  if (kept.has(digest)) return false
  kept.add(digest)
  return true
}

type Query = (sql: string) => Promise<readonly unknown[]>

/** Keeps a database's tables as evidence, each row as PostgreSQL writes it: bytes in hexadecimal. */
export async function keepTables(query: Query): Promise<void> {
  if (process.env.TEST_EVIDENCE_DIR === undefined) return
  const names = always.map((name) => `'${name}'`).join(', ')
  const tables = (await query(`
    select relname as name from pg_class
      where relnamespace = 'public'::regnamespace and relkind = 'r'
        and (relname in (${names}) or pg_table_size(oid) < ${maxTableBytes})`)) as {
    name: string
  }[]
  if (tables.length === 0) return
  const reads = tables.map(({ name }) => {
    const table = pg.escapeIdentifier(name)
    return `select ${pg.escapeLiteral(name)} as name, string_agg(row::text, e'\\n') as rows from ${table} as row`
  })
  const dumped = (await query(reads.join(' union all '))) as { name: string; rows: string | null }[]
  for (const { name, rows } of dumped) {
    if (rows !== null && isNew(rows)) keepEvidence('database', `table ${name}`, rows)
  }
}

/** Keeps a test's database before it is dropped; whoever is still connected to it is cut off. */
export async function keepPostgresDatabase(connectionString: string): Promise<void> {
  if (process.env.TEST_EVIDENCE_DIR === undefined) return
  const client = new pg.Client({ connectionString })
  try {
    await client.connect()
    await client.query(`
      select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and pid <> pg_backend_pid()`)
    await keepTables(async (query) => (await client.query(query)).rows)
  } catch (error) {
    // The test has dropped it itself.
    if ((error as { code?: string }).code !== '3D000') throw error
  } finally {
    await client.end()
  }
}

/**
 * Keeps what an embedded database has written to its folder, write-ahead log and deleted rows included, page
 * by page. It is not opened: that would take a second each. What PostgreSQL has compressed (values of more
 * than 2 kB) cannot be searched so.
 */
export function keepDataDir(folder: string): void {
  const database = join(folder, 'pglite')
  const evidence = process.env.TEST_EVIDENCE_DIR
  if (evidence === undefined) return
  if (!statSync(database, { throwIfNoEntry: false })?.isDirectory()) return
  const known = readKnownPages(evidence)
  const added: string[] = []
  for (const entry of readdirSync(database, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const bytes = readFileSync(join(entry.parentPath, entry.name))
    const pages: Buffer[] = []
    for (let at = 0; at < bytes.length; at += pageBytes) {
      const page = bytes.subarray(at, at + pageBytes)
      const digest = createHash('sha1').update(page).digest('base64')
      if (known.has(digest)) continue
      known.add(digest)
      added.push(`${digest}\n`)
      pages.push(page)
    }
    if (pages.length > 0) keepEvidence('database', `pglite/${entry.name}`, Buffer.concat(pages))
  }
  appendFileSync(pagesFile(evidence), added.join(''))
}

const pagesFile = (evidence: string) => join(evidence, 'pages')
let knownPages: Set<string> | undefined

/** Most pages are the same in every new database: those that another process has kept are not kept again. */
function readKnownPages(evidence: string): Set<string> {
  if (knownPages === undefined) {
    appendFileSync(pagesFile(evidence), '')
    knownPages = new Set(readFileSync(pagesFile(evidence), 'utf8').split('\n'))
  }
  return knownPages
}
