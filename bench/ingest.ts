import { startChild } from './child.ts'
import { withDatabase } from './database.ts'
import type { WalkMeasured } from './ingest-child.ts'
import { atLeast, atMost, type Line, plain, summarize } from './measure.ts'

/** From OTX's pages over HTTP to published blocks on PostgreSQL: fetch, parse, judge, store, render, publish. */
export async function benchIngest(runs: number): Promise<readonly Line[]> {
  const pulses = 400
  const indicatorsPerPulse = 500
  const indicators = pulses * indicatorsPerPulse
  const key = 'bench'
  const options = JSON.stringify({ pulses, indicatorsPerPulse, duplicates: 0.2 })
  const otx = startChild('./otx-child.ts', [options, key])
  try {
    const { url } = await otx.next<{ url: string }>()
    const results: WalkMeasured[] = []
    for (let run = 0; run < runs; run += 1) {
      const result = await withDatabase(async (database) => {
        const child = startChild('./ingest-child.ts', [database, url, key])
        return child.next<WalkMeasured>()
      })
      results.push(result)
    }
    const rates = results.map(({ seconds }) => indicators / seconds)
    return [
      atLeast('ingest to published: indicators', summarize(rates), 'a second', 10_000),
      plain('  blocks published', summarize(results.map(({ published }) => published)), 'blocks'),
      atMost('  memory of the process', summarize(results.map(({ peakMb }) => peakMb)), 'MB', 400),
    ]
  } finally {
    await otx.stop()
  }
}
