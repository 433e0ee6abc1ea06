import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { readCollectionsFile } from '../../src/collections-file.ts'
import { readConfig } from '../../src/config.ts'
import { applyCollections } from '../../src/intake/apply-collections.ts'
import { applyPolicy } from '../../src/intake/apply-policy.ts'
import { reconcileCollections } from '../../src/intake/reconcile.ts'
import { rejudge } from '../../src/intake/rejudge.ts'
import { readJudgingFile } from '../../src/judging-file.ts'
import { createLog } from '../../src/log.ts'
import {
  type CollectionSettings,
  type ContentBinding,
  contentBindings,
} from '../../src/model/collection.ts'
import { startService } from '../../src/service.ts'
import { buildOtxStandin } from '../../src/standins/otx.ts'
import { loadSeedPulses } from '../../src/standins/seeds.ts'
import { createAccount } from '../../src/store/accounts.ts'
import { bindingNumber } from '../../src/store/collections.ts'
import { type Db, openStore } from '../../src/store/db.ts'
import { cheapHash } from '../helpers/cheap-hash.ts'
import type { Login } from '../helpers/poll.ts'
import { createTemplate, createTestDatabase } from '../helpers/postgres.ts'
import { secret } from '../helpers/secrets.ts'

/** The part of tap's `t` that this needs. */
interface Teardown {
  teardown(work: () => Promise<void>): void
}

export interface SeededService {
  /** such as http://127.0.0.1:40123 */
  readonly url: string
  readonly login: Login
  readonly db: Db
}

const root = fileURLToPath(new URL('../../', import.meta.url))
const seed = (name: string) => join(root, 'seeds', name)
const login: Login = { name: 'reader-of-all', password: secret('password of reader-of-all') }
const log = createLog('error')

/** The rule of the seeds' `everything`, in the shapes that the seeds do not have. */
const everythingAs = (
  name: string,
  shape: Pick<CollectionSettings, 'profile' | 'packaging' | 'cidr'>,
): CollectionSettings => ({
  name,
  description: `Everything as ${name}`,
  rule: { all: [] },
  maxTlp: 'green',
  type: 'data-feed',
  inbox: false,
  nonPublic: false,
  bindings: contentBindings,
  pageSize: undefined,
  refreshDays: undefined,
  ...shape,
})

const more = [
  everythingAs('everything-esa', { profile: 'esa', packaging: 'indicator', cidr: 'omit' }),
  everythingAs('everything-tid', { profile: 'tid', packaging: 'indicator', cidr: 'omit' }),
  everythingAs('reports-esa', { profile: 'esa', packaging: 'report', cidr: 'omit' }),
  everythingAs('reports-address', { profile: 'full', packaging: 'report', cidr: 'address' }),
]

/**
 * The service on PostgreSQL with the demo's collections and pulses, and with `everything` in more shapes. OTX
 * is walked once for all test files: each gets a copy of what came of it.
 */
export async function startSeeded(t: Teardown): Promise<SeededService> {
  const { url } = await createSeededDatabase(t)
  const { address, store, stop } = await startService(configOf(url), log)
  t.teardown(stop)
  return { url: address, login, db: store.db }
}

/** @returns the database alone, for a service that is a process of its own, and an administrator's login */
export async function createSeededDatabase(
  t: Teardown,
): Promise<{ readonly url: string; readonly login: Login }> {
  const template = await createTemplate(`seeded_${digestOfSources()}`, fill)
  const { url } = await createTestDatabase(t, { template })
  await makeOwn(url)
  return { url, login }
}

/**
 * The copy is of what another process made, with a password and a secret key of its own: each service brings
 * its own key, for nothing is sealed.
 */
async function makeOwn(databaseUrl: string): Promise<void> {
  const store = await openStore({ databaseUrl, dataDir: '', onConnectionError: () => {} })
  try {
    await store.db.deleteFrom('secret_key').execute()
    await store.db
      .updateTable('accounts')
      .set({ password_hash: cheapHash(login.password) })
      .where('name', '=', login.name)
      .execute()
  } finally {
    await store.close()
  }
}

function configOf(databaseUrl: string, settings: NodeJS.ProcessEnv = {}) {
  return readConfig({ TAXIWAY_DATABASE_URL: databaseUrl, TAXIWAY_PORT: '0', ...settings })
}

async function fill(databaseUrl: string): Promise<void> {
  const { pulses: all } = loadSeedPulses(new Date())
  // The first 23 are of one mould: some of them stand for all.
  const pulses = all.filter((_, n) => n >= 23 || n % 4 === 0)
  const apiKey = secret('OTX key')
  const standin = buildOtxStandin({ pulses, apiKey })
  const TAXIWAY_OTX_URL = await standin.app.listen({ host: '127.0.0.1', port: 0 })
  try {
    const config = configOf(databaseUrl, {
      TAXIWAY_OTX_URL,
      TAXIWAY_OTX_API_KEY: apiKey,
      TAXIWAY_OTX_FIRST_SYNC_DAYS: '36500',
    })
    const walked = Promise.withResolvers<void>()
    const service = await startService(config, log, {
      prepare: async ({ db }, intake) => {
        await createAccount(db, login.name, cheapHash(login.password), 'administrator')
        await applyCollections(db, [...readCollectionsFile(seed('collections.yaml')), ...more])
        await reconcileCollections(intake)
        await applyPolicy(intake, readJudgingFile(seed('judging.yaml')))
        await rejudge(intake)
      },
      onWalk: ({ error }) => (error ? walked.reject(error) : walked.resolve()),
    })
    try {
      await walked.promise
    } finally {
      await service.stop()
    }
  } finally {
    await standin.app.close()
  }
}

/** So that on a server that stays, nothing that older sources made of the seeds is taken for today's. */
function digestOfSources(): string {
  const hash = createHash('sha256').update(new Date().toISOString().slice(0, 'YYYY-MM-DD'.length))
  for (const folder of ['src', 'seeds']) {
    const files = readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    for (const file of files) {
      if (file.isFile()) hash.update(readFileSync(join(file.parentPath, file.name)))
    }
  }
  return hash.digest('hex').slice(0, 16)
}

/** The live blocks of a stream, by the store. */
export async function countLive(db: Db, name: string, binding: ContentBinding): Promise<number> {
  const rows = await db
    .selectFrom('publications')
    .innerJoin('collections', 'collections.id', 'publications.collection_id')
    .where('name', '=', name)
    .where('binding', '=', bindingNumber(binding))
    .select((e) => e.fn.sum<number>('live_count').as('blocks'))
    .executeTakeFirstOrThrow()
  return Number(rows.blocks)
}
