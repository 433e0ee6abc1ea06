import { makeAuthorCollections } from '../src/intake/author-collections.ts'
import { writeInTurn } from '../src/intake/intake.ts'
import { takeIn } from '../src/intake/take-in.ts'
import { isRejection, pulseToReport } from '../src/sources/otx/pulse.ts'
import { openStore } from '../src/store/db.ts'
import { getSourceId } from '../src/store/sources.ts'
import { withDatabase } from './database.ts'
import { benchCollection, makeFeeds } from './fill.ts'
import { atMost, type Line, plain, summarize } from './measure.ts'
import { syntheticPulses } from './synthetic.ts'

const pulses = 80
const indicatorsPerPulse = 250
const otherAuthors = 199

/**
 * What it costs an ingest that there are 200 collections of authors: of the author of all that is taken in,
 * whose collection gets a block of each indicator in any case, and of 199 others.
 */
export async function benchAuthors(runs: number): Promise<readonly Line[]> {
  const seconds: Record<'none' | 'one' | 'all', number[]> = { none: [], one: [], all: [] }
  for (let run = 0; run < runs; run += 1) {
    seconds.none.push(await ingest([]))
    seconds.one.push(await ingest(['Author']))
    seconds.all.push(await ingest(['Author', ...Array.from({ length: otherAuthors }, nameOf)]))
  }
  const overhead = seconds.all.map((all, run) => 100 * (all / Number(seconds.one[run]) - 1))
  return [
    plain('ingest without collections of authors', summarize(seconds.none), 's'),
    plain('  with that of the one author of it all', summarize(seconds.one), 's'),
    plain(`  with those of ${otherAuthors} more`, summarize(seconds.all), 's'),
    atMost('  what the others cost', summarize(overhead), '%', 20),
  ]
}

const nameOf = (_: unknown, index: number) => `Other${index}`

function ingest(authors: readonly string[]): Promise<number> {
  return withDatabase(async (databaseUrl) => {
    const store = await openStore({ databaseUrl, dataDir: '' })
    try {
      const intake = await makeFeeds(store.db, [
        benchCollection({ name: 'esa-network', rule: { type: ['ipv4', 'domain', 'url'] } }),
        benchCollection({ name: 'esa-hashes', rule: { type: ['md5', 'sha256'] } }),
        benchCollection({ name: 'everything', profile: 'full' }),
      ])
      await writeInTurn(intake, (trx) => makeAuthorCollections(trx, 'otx', authors))
      const sourceId = await getSourceId(store.db, 'otx')
      const begin = performance.now()
      for (const pulse of syntheticPulses({ pulses, indicatorsPerPulse, duplicates: 0 })) {
        const settings = { defaultTlp: 'white', confidence: 25, now: new Date() } as const
        const report = pulseToReport({ ...pulse, author_name: 'Author' }, settings)
        if (isRejection(report)) throw new Error(report.detail)
        const before = async () => {}
        await takeIn(intake, { sourceId, reports: [report], rejections: [], before })
      }
      return (performance.now() - begin) / 1000
    } finally {
      await store.close()
    }
  })
}
