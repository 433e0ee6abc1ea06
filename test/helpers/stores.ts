import { createHash } from 'node:crypto'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Test } from 'tap'
import { openStore, type Store } from '../../src/store/db.ts'
import { migrate } from '../../src/store/migrate.ts'
import { keepDataDir } from './dump.ts'
import { borrowEmbeddedStore, type Teardown } from './embedded.ts'
import { createTemplate, createTestDatabase } from './postgres.ts'

export type StoreKind = Store['kind']

export const storeKinds = ['postgresql', 'embedded'] as const satisfies readonly StoreKind[]

const labels: Readonly<Record<StoreKind, string>> = {
  postgresql: 'on PostgreSQL',
  embedded: 'on the embedded database',
}

/** Runs the same test on each kind of store, each time on one of its own: migrated and empty. */
export async function forEachStore(
  t: Test,
  work: (t: Test, store: Store) => Promise<void>,
): Promise<void> {
  for (const kind of storeKinds) {
    await t.test(labels[kind], async (t) => work(t, await openTestStore(t, kind)))
  }
}

export interface StorePlace {
  readonly databaseUrl: string | undefined
  readonly dataDir: string
}

/**
 * A store of this kind as the migrations leave it, which is this test's own until `t` ends. On PostgreSQL it is a
 * new database; embedded ones are emptied and used again by the tests of one process.
 */
export async function openTestStore(t: Teardown, kind: StoreKind): Promise<Store> {
  if (kind === 'embedded') return borrowEmbeddedStore(t, makeDataDir)
  const store = await openStore(await makeStore(t, kind))
  t.teardown(() => store.close())
  return store
}

/** Makes a new store, migrated and empty, for a process of its own to open; it is gone when `t` ends. */
export async function makeStore(t: Teardown, kind: StoreKind): Promise<StorePlace> {
  if (kind === 'embedded') return { databaseUrl: undefined, dataDir: await makeDataDir(t) }
  const template = await createTemplate(`store_${schemaDigest}`, (databaseUrl) =>
    fill({ databaseUrl, dataDir: '' }),
  )
  const { url } = await createTestDatabase(t, { template })
  return { databaseUrl: url, dataDir: '' }
}

/** Copies a store that nobody has open; the copy is gone when `t` ends. */
export async function copyStore(t: Teardown, place: StorePlace): Promise<StorePlace> {
  if (place.databaseUrl === undefined) {
    const folder = makeFolder(t)
    cpSync(place.dataDir, folder, { recursive: true })
    return { databaseUrl: undefined, dataDir: folder }
  }
  const template = new URL(place.databaseUrl).pathname.slice(1)
  const { url } = await createTestDatabase(t, { template })
  return { databaseUrl: url, dataDir: '' }
}

/**
 * Makes a new database that `fill` has filled, once for all test files.
 * @param name says what with
 */
export async function makeFilledDatabase(
  t: Teardown,
  name: string,
  fill: (databaseUrl: string) => Promise<void>,
): Promise<string> {
  const template = await createTemplate(`${name}_${schemaDigest}`, fill)
  return (await createTestDatabase(t, { template })).url
}

/** A folder that is there while `t` runs. */
export function makeFolder(t: Teardown): string {
  const folder = mkdtempSync(join(tmpdir(), 'taxiway-store-'))
  t.teardown(async () => {
    keepDataDir(folder)
    rmSync(folder, { recursive: true, force: true })
  })
  return folder
}

async function makeDataDir(t: Teardown): Promise<string> {
  const folder = makeFolder(t)
  cpSync(await embeddedTemplate(), folder, { recursive: true })
  return folder
}

const root = fileURLToPath(new URL('../../', import.meta.url))
const embeddedFolders = join(root, '.cache', 'embedded')
const schemaDigest = digestOfSchema()

/** Names what a store is made of, so that a store kept from an earlier run is not taken for today's. */
function digestOfSchema(): string {
  const hash = createHash('sha256')
  const migrations = join(root, 'src', 'store', 'migrations')
  for (const name of readdirSync(migrations).sort())
    hash.update(readFileSync(join(migrations, name)))
  hash.update(readFileSync(join(root, 'node_modules/@electric-sql/pglite/package.json')))
  return hash.digest('hex').slice(0, 16)
}

/** Making an embedded database takes seconds and copying it milliseconds: one is kept for all runs. */
async function embeddedTemplate(): Promise<string> {
  const template = join(embeddedFolders, schemaDigest)
  if (existsSync(template)) return template
  const draft = `${template}.${process.pid}`
  mkdirSync(embeddedFolders, { recursive: true })
  await fill({ databaseUrl: undefined, dataDir: draft })
  try {
    renameSync(draft, template)
  } catch (error) {
    // Another test file was faster.
    if (!existsSync(template)) throw error
    rmSync(draft, { recursive: true, force: true })
  }
  return template
}

async function fill(place: StorePlace): Promise<void> {
  const store = await openStore(place)
  try {
    await migrate(store.db)
  } finally {
    await store.close()
  }
}
