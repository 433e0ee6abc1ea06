import pg from 'pg'
import type { Test } from 'tap'
import { readConfig } from '../../../src/config.ts'
import { applyCollections } from '../../../src/intake/apply-collections.ts'
import { reconcileCollections } from '../../../src/intake/reconcile.ts'
import { takeIn } from '../../../src/intake/take-in.ts'
import type { Role } from '../../../src/model/account.ts'
import type { CollectionSettings } from '../../../src/model/collection.ts'
import { startService } from '../../../src/service.ts'
import { putGrant } from '../../../src/store/account-changes.ts'
import { createAccount } from '../../../src/store/accounts.ts'
import { readCollections } from '../../../src/store/collections.ts'
import type { Db } from '../../../src/store/db.ts'
import { getSourceId } from '../../../src/store/sources.ts'
import { readXml } from '../../../src/xml/read.ts'
import { cheapHash } from '../../helpers/cheap-hash.ts'
import { createTestLog } from '../../helpers/log.ts'
import { secret } from '../../helpers/secrets.ts'
import { makeFolder, makeStore } from '../../helpers/stores.ts'
import { aCollection, anAssertion, reportOn } from '../../intake/reports.ts'
import { type Answer, basic, taxiiHeaders } from '../server.ts'

export const stix12 = 'urn:stix.mitre.org:xml:1.2'
export const stix111 = 'urn:stix.mitre.org:xml:1.1.1'

/** How many blocks `indicators` has, and the page that `paged` cuts them into exactly. */
export const blockCount = 30
export const pageSize = 10

const all = { source: 'otx' } as const
const nothing = { source: 'nobody' } as const

const collections: readonly CollectionSettings[] = [
  aCollection({ name: 'indicators', rule: all, bindings: [stix12, stix111] }),
  aCollection({ name: 'paged', rule: all, pageSize }),
  aCollection({ name: 'exact', rule: all, pageSize: blockCount }),
  aCollection({ name: 'set', rule: all, type: 'data-set' }),
  aCollection({ name: 'paged-set', rule: all, type: 'data-set', pageSize }),
  aCollection({ name: 'empty', rule: nothing }),
  aCollection({ name: 'hidden', rule: all }),
  aCollection({ name: 'inbox', rule: nothing, inbox: true }),
  aCollection({ name: 'second-inbox', rule: nothing, inbox: true }),
  aCollection({ name: 'drop-box', rule: nothing, inbox: true }),
  aCollection({ name: 'others-inbox', rule: nothing, inbox: true }),
  aCollection({ name: 'no-inbox', rule: nothing }),
].map((one) => ({ ...one, maxTlp: 'amber' as const }))

type Grants = Readonly<Record<string, 'r' | 'w' | 'rw'>>
const read: Grants = Object.fromEntries(
  ['indicators', 'paged', 'exact', 'set', 'paged-set', 'empty', 'others-inbox'].map((name) => [
    name,
    'r',
  ]),
)
const sends: Grants = { inbox: 'rw', 'second-inbox': 'rw', 'drop-box': 'w', 'no-inbox': 'rw' }

/** `esa` reads, `sensor` sends too, `stranger` has no grant at all, and `root` needs none. */
const accounts = {
  esa: { role: 'reader', grants: read },
  esa2: { role: 'reader', grants: read },
  sensor: { role: 'reader', grants: { ...read, ...sends } },
  stranger: { role: 'reader', grants: {} },
  root: { role: 'administrator', grants: {} },
} as const satisfies Record<string, { role: Role; grants: Grants }>
export type AccountName = keyof typeof accounts

export interface Sent {
  /** default: esa */
  readonly as?: AccountName | 'nobody'
  /** default: /taxii/poll */
  readonly path?: string
  /** undefined takes one away */
  readonly headers?: Readonly<Record<string, string | undefined>>
}

/** A running service with collections of each kind, and clients of it. */
export interface World {
  readonly url: string
  readonly db: Db
  passwordOf(account: AccountName): string
  post(body: string | Uint8Array<ArrayBuffer>, options?: Sent): Promise<Answer>
  /** Publishes one more block in every collection that has some. */
  publishAnother(): Promise<void>
  /** The same store served with other settings. */
  serveAgain(settings: Readonly<Record<string, string>>): Promise<World>
  /** how many statements this process has sent to its database */
  queries(): number
  /** every TAXII message that was answered to `post` */
  readonly answers: string[]
}

export async function startWorld(t: Test): Promise<World> {
  const { databaseUrl = '' } = await makeStore(t, 'postgresql')
  const passwords = Object.fromEntries(
    Object.keys(accounts).map((name) => [name, secret(`password of ${name}`)]),
  ) as Record<AccountName, string>
  const key = secret('secret key')
  const answers: string[] = []
  let queries = 0
  const { query } = pg.Client.prototype
  pg.Client.prototype.query = function count(this: pg.Client, ...args: unknown[]) {
    queries += 1
    return Reflect.apply(query, this, args)
  } as typeof query
  t.teardown(() => {
    pg.Client.prototype.query = query
  })

  const serve = async (settings: Readonly<Record<string, string>>) => {
    const config = readConfig({
      TAXIWAY_DATABASE_URL: databaseUrl,
      TAXIWAY_DATA_DIR: makeFolder(t),
      TAXIWAY_PORT: '0',
      TAXIWAY_SECRET_KEY: key,
      TAXIWAY_ADMIN_PASSWORD: passwords.root,
      ...settings,
    })
    const service = await startService(config, createTestLog())
    t.teardown(() => service.stop())
    return service
  }
  const service = await serve({})
  const { db } = service.store

  let published = 0
  const publish = async (count: number) => {
    const values = Array.from(
      { length: count },
      (_, n) => `bad-${published + n}.harbour-loaders.com`,
    )
    published += count
    const validFrom = new Date()
    const assertions = values.map((value) => anAssertion(value, { validFrom }))
    await takeIn(service.intake, {
      sourceId: await getSourceId(db, 'otx'),
      reports: [reportOn(assertions, { externalId: `report-${published}` })],
      rejections: [],
    })
  }
  await applyCollections(db, collections)
  await reconcileCollections(service.intake)
  await publish(blockCount)

  const stored = new Map((await readCollections(db)).map(({ name, id }) => [name, id]))
  for (const [name, { role, grants }] of Object.entries(accounts)) {
    const hash = cheapHash(passwords[name as AccountName])
    const account = await createAccount(db, name, hash, role)
    if (!account) throw new Error(`there is an account ${name} already`)
    for (const [collection, grant] of Object.entries(grants)) {
      const id = stored.get(collection)
      if (id === undefined) throw new Error(`there is no collection ${collection}`)
      await putGrant(db, account.id, id, { read: grant.includes('r'), write: grant.includes('w') })
    }
  }

  const worldAt = (url: string): World => ({
    url,
    db,
    answers,
    queries: () => queries,
    passwordOf: (account) => passwords[account],
    async post(body, { as = 'esa', path = '/taxii/poll', headers = {} } = {}) {
      const all: Record<string, string | undefined> = {
        ...taxiiHeaders,
        ...(as !== 'nobody' && { Authorization: basic(as, passwords[as]) }),
        ...headers,
      }
      const sent = Object.entries(all).flatMap(([name, value]) =>
        value === undefined ? [] : [[name, value] as [string, string]],
      )
      const response = await fetch(url + path, { method: 'POST', headers: sent, body })
      const text = await response.text()
      const { status } = response
      answers.push(text)
      return { status, headers: response.headers, body: text, root: readXml(Buffer.from(text)) }
    },
    publishAnother: () => publish(1),
    serveAgain: async (settings) => worldAt((await serve(settings)).address),
  })
  return worldAt(service.address)
}
