import { readFileSync } from 'node:fs'
import { Readable } from 'node:stream'
import t from 'tap'
import { readConfig } from '../../src/config.ts'
import { applyCollections } from '../../src/intake/apply-collections.ts'
import { createLog } from '../../src/log.ts'
import { openMigratedStore } from '../../src/service.ts'
import { poll, taxiiHeaders } from '../helpers/poll.ts'
import { makeFilledDatabase } from '../helpers/stores.ts'
import { startService } from '../helpers/taxiway.ts'
import { aCollection } from '../intake/reports.ts'
import {
  block,
  domain,
  inboxMessage,
  indicator,
  indicators,
  observing,
  stixPackage,
} from '../taxii/inbox-server.ts'
import { addAdministrator, administrator } from './big-feed.ts'

const observables = 5_000
const padding = '<indicator:Alternative_ID>ex:1</indicator:Alternative_ID>'.repeat(175)

/** A message of one package, with an indicator on each of so many domains. */
function* message(): Generator<Buffer> {
  const [before, after] = inboxMessage(block(stixPackage(indicators('@')))).split('@')
  yield Buffer.from(before as string)
  for (let n = 0; n < observables; n++) {
    const seen = observing(domain(`host-${n}.harbour-loaders.com`))
    yield Buffer.from(indicator(padding + seen))
  }
  yield Buffer.from(after as string)
}

const peakMb = (pid: number | undefined) =>
  Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1000

t.test('a package of nearly 50 MB is taken in without being held', async (t) => {
  const databaseUrl = await makeFilledDatabase(t, 'large_inbox', async (databaseUrl) => {
    const store = await openMigratedStore(
      readConfig({ TAXIWAY_DATABASE_URL: databaseUrl }),
      createLog('silent'),
    )
    await applyCollections(store.db, [
      aCollection({ name: 'in', rule: { source: 'nobody' }, maxTlp: 'amber', inbox: true }),
    ])
    await store.close()
  })
  await addAdministrator(databaseUrl)
  const service = await startService(t, { TAXIWAY_DATABASE_URL: databaseUrl })
  const before = peakMb(service.process.pid)

  let bytes = 0
  const counted = function* () {
    for (const piece of message()) {
      bytes += piece.length
      yield piece
    }
  }
  const response = await fetch(`${service.url}/taxii/inbox`, {
    method: 'POST',
    headers: taxiiHeaders(administrator) as Record<string, string>,
    body: Readable.toWeb(Readable.from(counted())),
    duplex: 'half',
  } as RequestInit)
  t.match(await response.text(), /status_type="SUCCESS"/)
  t.ok(bytes > 48e6 && bytes < 52e6, `${bytes} bytes`)
  const { text } = await poll(service.url, administrator, 'in', { responseType: 'COUNT_ONLY' })
  t.match(text, `<taxii_11:Record_Count>${observables}<`)
  const grown = peakMb(service.process.pid) - before
  // The 900,000 elements of one tree take more than that.
  t.ok(grown < 200, `${grown} MB more at its most`)
})
