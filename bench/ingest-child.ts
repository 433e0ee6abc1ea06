// One walk through OTX into an empty store with three collections, as the service does it.
import { walkOtx } from '../src/ingest/walk-otx.ts'
import { createOtxClient } from '../src/sources/otx/client.ts'
import { openStore } from '../src/store/db.ts'
import { benchCollection, makeFeeds } from './fill.ts'

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
await walkOtx(intake, {
  client,
  defaultTlp: 'white',
  confidence: 25,
  onProgress: (done) => {
    totals.assertions += done.assertions
    totals.published += done.published
  },
})
const seconds = (performance.now() - begin) / 1000
await client.close()
await store.close()
process.send?.({ ...totals, seconds, peakMb: process.resourceUsage().maxRSS / 1000 })
