// One walk through OTX into an empty store with three collections, as the service does it.
import { defaultJudgeSettings } from '../src/curation/judge.ts'
import { walkOtx } from '../src/ingest/walk-otx.ts'
import { applyCollections } from '../src/intake/apply-collections.ts'
import { reconcileCollections } from '../src/intake/reconcile.ts'
import type { CollectionSettings, Rule } from '../src/model/collection.ts'
import { createOtxClient } from '../src/sources/otx/client.ts'
import { defaultIdNamespace } from '../src/stix/ids.ts'
import { openStore } from '../src/store/db.ts'
import { migrate } from '../src/store/migrate.ts'

const [databaseUrl = '', otxUrl = '', apiKey = ''] = process.argv.slice(2)
const store = await openStore({ databaseUrl, dataDir: '' })
await migrate(store.db)
const collection = (name: string, rule: Rule): CollectionSettings => ({
  name,
  description: name,
  rule,
  maxTlp: 'green',
  bindings: ['urn:stix.mitre.org:xml:1.2'],
  profile: 'esa',
  packaging: 'indicator',
  pageSize: undefined,
  refreshDays: undefined,
})
await applyCollections(store.db, [
  collection('everything', { all: [] }),
  collection('network', { type: ['ipv4', 'domain', 'url'] }),
  collection('hashes', { type: ['md5', 'sha256'] }),
])
const intake = {
  db: store.db,
  producer: { name: 'Taxiway', idNamespace: defaultIdNamespace },
  judgeSettings: defaultJudgeSettings,
  clock: () => new Date(),
}
await reconcileCollections(intake)
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
