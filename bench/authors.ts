import { makeAuthorCollections } from '../src/intake/author-collections.ts'
import { type Intake, writeInTurn } from '../src/intake/intake.ts'
import { takeIn } from '../src/intake/take-in.ts'
import { isRejection, pulseToReport } from '../src/sources/otx/pulse.ts'
import { openStore, type Store } from '../src/store/db.ts'
import { getSourceId } from '../src/store/sources.ts'
import { withDatabase } from './database.ts'
import { benchCollection, makeFeeds } from './fill.ts'
import { atMost, type Line, plain, summarize } from './measure.ts'
import { syntheticPulses } from './synthetic.ts'

const pulses = 40
const indicatorsPerPulse = 500
const otherAuthors = Array.from({ length: 199 }, (_, index) => `Other${index}`)

interface Side {
  readonly store: Store
  readonly intake: Intake
  readonly sourceId: number
  readonly ms: number[]
}

/**
 * What it costs an ingest that there are 200 collections of authors: that of the author of all that is taken
 * in, which gets a block of each indicator in any case, and those of 199 others. Pulse by pulse into three
 * stores in turn, so that whatever else the machine does hits them alike.
 */
export async function benchAuthors(runs: number): Promise<readonly Line[]> {
  const medians: number[][] = []
  for (let run = 0; run < runs; run += 1) {
    await withDatabase((none) =>
      withDatabase((one) =>
        withDatabase(async (all) => {
          medians.push(
            await ingest([
              await open(none, []),
              await open(one, ['Author']),
              await open(all, ['Author', ...otherAuthors]),
            ]),
          )
        }),
      ),
    )
  }
  const of = (side: number) => summarize(medians.map((run) => Number(run[side])))
  const overhead = medians.map(([, one, all]) => 100 * (Number(all) / Number(one) - 1))
  return [
    plain('500 indicators without collections of authors', of(0), 'ms'),
    plain('  with that of the one author of them', of(1), 'ms'),
    plain('  with those of 199 more', of(2), 'ms'),
    atMost('  what these cost', summarize(overhead), '%', 20),
  ]
}

async function open(databaseUrl: string, authors: readonly string[]): Promise<Side> {
  const store = await openStore({ databaseUrl, dataDir: '' })
  const intake = await makeFeeds(store.db, [
    benchCollection({ name: 'esa-network', rule: { type: ['ipv4', 'domain', 'url'] } }),
    benchCollection({ name: 'esa-hashes', rule: { type: ['md5', 'sha256'] } }),
    benchCollection({ name: 'everything', profile: 'full' }),
  ])
  await writeInTurn(intake, (trx) => makeAuthorCollections(trx, 'otx', authors))
  return { store, intake, sourceId: await getSourceId(store.db, 'otx'), ms: [] }
}

/** @returns the median of each side, in milliseconds a pulse */
async function ingest(sides: readonly Side[]): Promise<number[]> {
  for (const pulse of syntheticPulses({ pulses, indicatorsPerPulse, duplicates: 0 })) {
    const settings = { defaultTlp: 'white', confidence: 25, now: new Date() } as const
    const report = pulseToReport({ ...pulse, author_name: 'Author' }, settings)
    if (isRejection(report)) throw new Error(report.detail)
    for (const { intake, sourceId, ms } of sides) {
      const begin = performance.now()
      await takeIn(intake, { sourceId, reports: [report], rejections: [] })
      ms.push(performance.now() - begin)
    }
  }
  for (const { store } of sides) await store.close()
  return sides.map(({ ms }) => summarize(ms).median)
}
