import { startChild } from './child.ts'
import { withDatabase } from './database.ts'
import type { WalkMeasured } from './ingest-child.ts'
import { atMost, type Line, plain, summarize } from './measure.ts'

const key = 'bench'
const largePulse = 100_000
const pulses = 999
const indicators = 500_000

/**
 * A first walk through 1,000 pulses with 500,000 indicators in all, of which one pulse has 100,000 and is sent
 * with a few of them: the others are read page by page.
 */
export async function benchWalk(runs: number): Promise<readonly Line[]> {
  const small = (indicators - largePulse) / pulses
  const sets = [
    { pulses: pulses - 400, indicatorsPerPulse: Math.floor(small), duplicates: 0.1, first: 0 },
    { pulses: 400, indicatorsPerPulse: Math.ceil(small), duplicates: 0.1, first: 300_000 },
    { pulses: 1, indicatorsPerPulse: largePulse, duplicates: 0, first: 600_000 },
  ]
  const otx = startChild('./otx-child.ts', [JSON.stringify(sets), key, '1000'])
  try {
    const { url } = await otx.next<{ url: string }>()
    const results: WalkMeasured[] = []
    for (let run = 0; run < runs; run += 1) {
      const result = await withDatabase((database) =>
        startChild('./ingest-child.ts', [database, url, key]).next<WalkMeasured>(),
      )
      if (result.unfinished > 0 || result.problems > 0) throw new Error('the walk was not whole')
      results.push(result)
    }
    const of = (figure: (result: WalkMeasured) => number) => summarize(results.map(figure))
    return [
      atMost(
        'first walk, 1,000 pulses: memory of the process',
        of((one) => one.peakMb),
        'MB',
        400,
      ),
      plain(
        '  time',
        of((one) => one.seconds),
        's',
      ),
      plain(
        '  pulses',
        of((one) => one.pulses),
        'pulses',
      ),
      plain(
        '  assertions stored',
        of((one) => one.stored),
        'assertions',
      ),
      plain(
        '  blocks published',
        of((one) => one.published),
        'blocks',
      ),
    ]
  } finally {
    await otx.stop()
  }
}
