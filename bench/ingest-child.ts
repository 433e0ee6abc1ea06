// One walk through OTX into an empty store with three collections, as the service does it.
import { sql } from 'kysely'
import { walkOtx } from '../src/ingest/walk-otx.ts'
import { createOtxClient } from '../src/sources/otx/client.ts'
import { openStore } from '../src/store/db.ts'
import { benchCollection, makeFeeds } from './fill.ts'

export interface WalkMeasured {
  readonly seconds: number
  readonly peakMb: number
  readonly pulses: number
  readonly unfinished: number
  readonly problems: number
  /** judged, twice where they came with a pulse and on its pages */
  readonly assertions: number
  readonly published: number
  /** assertions in the store */
  readonly stored: number
}

const [databaseUrl = '', otxUrl = '', apiKey = ''] = process.argv.slice(2)
const store = await openStore({ databaseUrl, dataDir: '' })
const intake = await makeFeeds(store.db, [
  benchCollection({ name: 'everything' }),
  benchCollection({ name: 'network', rule: { type: ['ipv4', 'domain', 'url'] } }),
  benchCollection({ name: 'hashes', rule: { type: ['md5', 'sha256'] } }),
])
const client = createOtxClient({ url: otxUrl, apiKey })
const totals = { assertions: 0, published: 0 }
const begin = performance.now()
const { pulses, unfinished, problems } = await walkOtx(intake, {
  client,
  defaultTlp: 'white',
  confidence: 25,
  onProgress: (done) => {
    totals.assertions += done.assertions
    totals.published += done.published
  },
})
const seconds = (performance.now() - begin) / 1000
const peakMb = process.resourceUsage().maxRSS / 1000
const { rows } = await sql<{ stored: number }>`
  select count(*)::integer as stored from assertions`.execute(store.db)
await client.close()
await store.close()
const measured: WalkMeasured = {
  ...totals,
  seconds,
  peakMb,
  pulses,
  unfinished,
  problems: problems.length,
  stored: rows[0]?.stored ?? 0,
}
process.send?.(measured)
