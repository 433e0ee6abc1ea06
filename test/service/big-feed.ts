import { createHash } from 'node:crypto'
import { readConfig } from '../../src/config.ts'
import { applyCollections } from '../../src/intake/apply-collections.ts'
import type { Intake } from '../../src/intake/intake.ts'
import { takeIn } from '../../src/intake/take-in.ts'
import { createLog } from '../../src/log.ts'
import type { CollectionSettings } from '../../src/model/collection.ts'
import { hashPassword } from '../../src/security/passwords.ts'
import { createIntake, openMigratedStore } from '../../src/service.ts'
import { createAccount } from '../../src/store/accounts.ts'
import type { Store } from '../../src/store/db.ts'
import { getSourceId } from '../../src/store/sources.ts'
import type { Login } from '../helpers/poll.ts'
import { secret } from '../helpers/secrets.ts'
import { makeFilledDatabase } from '../helpers/stores.ts'

/** The part of tap's `t` that this needs. */
interface Teardown {
  teardown(work: () => Promise<void>): void
}

export const administrator: Login = { name: 'root', password: secret('password of root') }

const collection: CollectionSettings = {
  name: 'hashes',
  description: 'Many',
  rule: { all: [] },
  maxTlp: 'green',
  type: 'data-feed',
  inbox: false,
  nonPublic: false,
  bindings: ['urn:stix.mitre.org:xml:1.2'],
  profile: 'esa',
  packaging: 'indicator',
  cidr: 'omit',
  pageSize: undefined,
  refreshDays: undefined,
}

/** Fills an empty database with one collection, "hashes", of so many blocks, and an administrator. */
export async function fillFeed(databaseUrl: string, blocks: number): Promise<void> {
  await fillHashes(databaseUrl, blocks)
  await addAdministrator(databaseUrl)
}

// 24 MB: more than the sockets of both sides take without a reader, and read within the 10 s of an end on a busy machine.
export const blocks = 10_000

/** A database as `fillFeed` makes it, with so many blocks; it is gone when `t` ends. */
export async function makeBigFeed(t: Teardown): Promise<string> {
  const url = await makeFilledDatabase(t, 'big_feed', (url) => fillHashes(url, blocks))
  await addAdministrator(url)
  return url
}

function fillHashes(databaseUrl: string, blocks: number): Promise<void> {
  return work(databaseUrl, async (store, intake) => {
    await applyCollections(store.db, [collection])
    await takeInHashes(intake, blocks)
  })
}

export function addAdministrator(databaseUrl: string): Promise<void> {
  return work(databaseUrl, async ({ db }) => {
    const { name, password } = administrator
    // At its full cost: whoever guesses is to find the service as it is.
    await createAccount(db, name, await hashPassword(password), 'administrator')
  })
}

async function work(
  databaseUrl: string,
  task: (store: Store, intake: Intake) => Promise<void>,
): Promise<void> {
  const config = readConfig({ TAXIWAY_DATABASE_URL: databaseUrl })
  const store = await openMigratedStore(config, createLog('silent'))
  try {
    await task(store, createIntake(config, store))
  } finally {
    await store.close()
  }
}

async function takeInHashes(intake: Intake, count: number): Promise<void> {
  const now = new Date()
  await takeIn(intake, {
    sourceId: await getSourceId(intake.db, 'otx'),
    rejections: [],
    reports: [
      {
        rejections: [],
        report: {
          externalId: 'many',
          name: 'Many',
          description: '',
          author: 'tests',
          tlp: 'white',
          public: true,
          revision: '1',
          created: now,
          modified: now,
          adversary: '',
          tags: [],
          references: [],
          targetedCountries: [],
          industries: [],
          malwareFamilies: [],
          attackIds: [],
        },
        assertions: Array.from({ length: count }, (_, index) => ({
          type: 'sha256',
          value: createHash('sha256').update(String(index)).digest('hex'),
          externalId: String(index),
          title: '',
          description: '',
          role: '',
          tlp: 'white' as const,
          confidence: 50,
          validFrom: now,
          validUntil: undefined,
          active: true,
        })),
      },
    ],
  })
}
