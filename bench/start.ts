import { withDatabase } from './database.ts'
import { atMost, type Line, summarize } from './measure.ts'
import { serve } from './serve-child.ts'

/** From the start of the process to the first answer of /readyz, on a PostgreSQL that has the schema. */
export async function benchStart(runs: number): Promise<readonly Line[]> {
  return withDatabase(async (database) => {
    await (await serve(database, 'a password for a bench')).stop()
    const times: number[] = []
    for (let run = 0; run < Math.max(runs, 5); run += 1) {
      const served = await serve(database, 'a password for a bench')
      times.push(served.readyMs)
      await served.stop()
    }
    return [atMost('start on PostgreSQL until ready', summarize(times), 'ms', 1_000)]
  })
}
