/**
 * Walks OTX once, as the service does; the test that starts it kills it in the middle.
 *
 *     node ingest-process.ts OTX_URL DATABASE_URL_OR_EMPTY DATA_DIR [STATEMENT STOP_THERE]
 *
 * Before the given statement it writes a line. Told to stop there it waits to be killed just at this point;
 * else it goes on, and the signal meets it somewhere behind. When all is done it writes how many statements
 * there were.
 */
import { writeSync } from 'node:fs'
import type { KyselyPlugin } from 'kysely'
import { walkOtx } from '../../src/ingest/walk-otx.ts'
import { makeAuthorCollections } from '../../src/intake/author-collections.ts'
import { writeInTurn } from '../../src/intake/intake.ts'
import { createReadJudging } from '../../src/intake/judging.ts'
import { createOtxClient } from '../../src/sources/otx/client.ts'
import { defaultIdNamespace } from '../../src/stix/ids.ts'
import { openStore } from '../../src/store/db.ts'

const [url = '', databaseUrl = '', dataDir = '', statement = '0', stopThere = ''] =
  process.argv.slice(2)
let statements = 0

const counting: KyselyPlugin = {
  transformQuery: ({ node }) => {
    statements += 1
    if (statements === Number(statement)) {
      writeSync(1, 'here\n')
      if (stopThere) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
    }
    return node
  },
  transformResult: async ({ result }) => result,
}

const store = await openStore({ databaseUrl: databaseUrl || undefined, dataDir })
const client = createOtxClient({ url, apiKey: 'k3y-of-the-tests', pageSize: 2 })
const intake = {
  db: store.db.withPlugin(counting),
  producer: { name: 'Taxiway', idNamespace: defaultIdNamespace },
  readJudging: createReadJudging(),
  clock: () => new Date('2026-06-01T00:00:00Z'),
}
await walkOtx(intake, {
  client,
  defaultTlp: 'white',
  confidence: 25,
  firstSyncDays: 90,
  onMe: async (username) => {
    await writeInTurn(intake, (trx) => makeAuthorCollections(trx, 'otx', [username]))
  },
  beforeTakeIn: async (trx, authors) => {
    await makeAuthorCollections(trx, 'otx', authors)
  },
})
await client.close()
await store.close()
writeSync(1, `whole ${statements}\n`)
