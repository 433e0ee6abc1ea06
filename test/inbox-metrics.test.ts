import { Registry } from 'prom-client'
import t from 'tap'
import { observeInbox } from '../src/inbox-metrics.ts'
import { createMetrics } from '../src/metrics.ts'
import type { Db } from '../src/store/db.ts'
import { openTestStore } from './helpers/stores.ts'
import {
  block,
  inboxMessage,
  packageOn,
  startInboxServer,
  stixPackage,
} from './taxii/inbox-server.ts'

const one = 'one.harbour-loaders.com'
const two = 'two.harbour-loaders.com'

t.test(
  'Inbox_Messages are counted by their answers and their blocks by what they became',
  async (t) => {
    const { db } = await openTestStore(t, 'postgresql')
    const metrics = createMetrics()
    const server = await startInboxServer(t, db, {}, [], observeInbox(metrics, db))
    const told = async () => {
      const lines = (await metrics.registry.metrics()).split('\n')
      const isOurs = /^taxiway_(inbox|assertions|blocks_published)/
      return new Map(
        lines
          .filter((line) => isOurs.test(line))
          .map((line) => line.split(/ (?=[^ ]+$)/) as [string, string]),
      )
    }
    const before = await told()
    t.equal(before.get('taxiway_inbox_messages_total{answer="RETRY"}'), '0', 'before the first')
    t.equal(before.get('taxiway_inbox_kept_bytes'), '0')

    const empty = block(stixPackage('', 'id="ex:empty"'))
    await server.send(inboxMessage(block(packageOn([one, '10.0.0.256'])) + empty))
    await server.send(inboxMessage(block(packageOn([one, '10.0.0.256']))))
    await server.send(inboxMessage(block(packageOn([two])), ['missing']))
    await server.send(inboxMessage(block('<a/>')))
    const after = await told()
    const kept = await db.selectFrom('inbox_blocks').select('content').execute()
    const bytes = kept.reduce((sum, { content }) => sum + (content?.length ?? 0), 0)
    t.ok(bytes > 0)
    const changed = [...after].filter(
      ([name, value]) => !name.includes('_bucket') && before.get(name) !== value,
    )
    t.strictSame(Object.fromEntries(changed.filter(([name]) => !name.endsWith('_sum'))), {
      'taxiway_assertions_total{verdict="survived"}': '1',
      'taxiway_assertions_total{verdict="suppressed"}': '1',
      taxiway_blocks_published_total: '1',
      'taxiway_inbox_messages_total{answer="SUCCESS"}': '2',
      'taxiway_inbox_messages_total{answer="BAD_MESSAGE"}': '1',
      'taxiway_inbox_messages_total{answer="NOT_FOUND"}': '1',
      'taxiway_inbox_blocks_total{outcome="taken-in"}': '1',
      'taxiway_inbox_blocks_total{outcome="not-understood"}': '1',
      'taxiway_inbox_blocks_total{outcome="known"}': '1',
      taxiway_inbox_message_seconds_count: '2',
      taxiway_inbox_kept_bytes: String(bytes),
    })
  },
)

t.test('a store that is away leaves the bytes out and fails no scrape', async (t) => {
  const registry = new Registry()
  observeInbox({ registry, takenIn: () => {} }, undefined as unknown as Db)
  const told = await registry.metrics()
  t.match(told, 'taxiway_inbox_messages_total{answer="SUCCESS"} 0')
  t.notMatch(told, /^taxiway_inbox_kept_bytes/m)
})
