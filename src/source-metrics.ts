import { Gauge, type Registry } from 'prom-client'
import { findAccountOfSource } from './model/selection.ts'
import { statusOf } from './model/source-state.ts'
import { createSharedRead } from './shared-read.ts'
import type { Db } from './store/db.ts'
import { readSources, type StoredSource } from './store/source-state.ts'

/**
 * How the sources are, read when it is asked for, so that each process tells what all of them know. A store
 * that is away fails no scrape and is waited for no longer than `timeoutMs`: these figures are missing then.
 */
export function observeSources(registry: Registry, db: Db, timeoutMs = 2_000): void {
  const read = createSharedRead<readonly StoredSource[]>(() => readSources(db), {
    otherwise: [],
    timeoutMs,
  })

  const gauge = (
    name: string,
    help: string,
    figureOf: (source: StoredSource) => number | undefined,
  ) =>
    new Gauge({
      name,
      help,
      labelNames: ['source'],
      registers: [registry],
      async collect() {
        const sources = await read()
        this.reset()
        for (const source of sources) {
          // Nobody walks those; an alert on the absence of a source that is walked has to fire beside them.
          if (findAccountOfSource(source.name) !== undefined) continue
          const value = figureOf(source)
          if (value !== undefined) this.set({ source: source.name }, value)
        }
      },
    })

  gauge('taxiway_source_degraded', 'Whether something is wrong with the source: 1 or 0.', (one) =>
    statusOf(one.state) === 'degraded' ? 1 : 0,
  )
  gauge(
    'taxiway_source_last_whole_walk_timestamp_seconds',
    'When the last whole walk through the source ended.',
    ({ state }) => seconds(state.lastWholeWalkAt),
  )
  gauge(
    'taxiway_source_next_try_timestamp_seconds',
    'When the source is asked next; missing while it is being asked.',
    ({ state }) => seconds(state.nextTryAt),
  )
  gauge(
    'taxiway_source_unfinished_pulses',
    'Reports that are in the store without all that they hold.',
    ({ unfinished }) => unfinished,
  )
}

function seconds(moment: Date | undefined): number | undefined {
  return moment && moment.getTime() / 1000
}
