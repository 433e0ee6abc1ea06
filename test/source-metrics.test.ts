import { Registry } from 'prom-client'
import t from 'tap'
import { accountSource } from '../src/model/selection.ts'
import { untried, walkWasWhole } from '../src/model/source-state.ts'
import { observeSources } from '../src/source-metrics.ts'
import type { Db } from '../src/store/db.ts'
import { writeSourceState } from '../src/store/source-state.ts'
import { getSourceId } from '../src/store/sources.ts'
import { openTestStore } from './helpers/stores.ts'
import { dayAfterStart } from './intake/reports.ts'

const samples = async (registry: Registry) =>
  (await registry.metrics()).split('\n').filter((line) => line !== '' && !line.startsWith('#'))

const seconds = (days: number) => dayAfterStart(days).getTime() / 1000

t.test('how the sources are is read when it is asked for, by each process', async (t) => {
  const { db } = await openTestStore(t, 'postgresql')
  const processes = [new Registry(), new Registry()]
  for (const registry of processes) observeSources(registry, db)
  const told = async () => {
    const [one, other] = await Promise.all(processes.map(samples))
    t.strictSame(one, other)
    return one
  }
  t.strictSame(await told(), [])
  const id = await getSourceId(db, 'otx')
  const never = [
    'taxiway_source_degraded{source="otx"} 0',
    'taxiway_source_unfinished_pulses{source="otx"} 0',
  ]
  t.strictSame(await told(), never)
  await getSourceId(db, accountSource('sensor'))
  t.strictSame(await told(), never, 'what an account sends is walked by nobody')
  const whole = walkWasWhole(untried, [], dayAfterStart(1))
  await writeSourceState(db, id, 1, {
    ...whole,
    degradedSince: dayAfterStart(2),
    nextTryAt: dayAfterStart(3),
  })
  t.strictSame(await told(), [
    'taxiway_source_degraded{source="otx"} 1',
    `taxiway_source_last_whole_walk_timestamp_seconds{source="otx"} ${seconds(1)}`,
    `taxiway_source_next_try_timestamp_seconds{source="otx"} ${seconds(3)}`,
    'taxiway_source_unfinished_pulses{source="otx"} 0',
  ])
  await writeSourceState(db, id, 1, untried)
  t.strictSame(await told(), never, 'what is known no more is not told any more')
})

/** A store whose answers the test gives. */
function fakeDb(answer: () => Promise<never>): { db: Db; asked: () => number } {
  let asked = 0
  const executor = {
    transformQuery: (node: unknown) => node,
    compileQuery: () => ({ sql: '', parameters: [] }),
    executeQuery: () => {
      asked += 1
      return answer()
    },
  }
  return { db: { getExecutor: () => executor } as unknown as Db, asked: () => asked }
}

t.test('a store that is away fails no scrape', async (t) => {
  const { db, asked } = fakeDb(async () => {
    throw new Error('away')
  })
  const registry = new Registry()
  observeSources(registry, db)
  t.strictSame(await samples(registry), [])
  t.ok(asked() > 0)
  t.match(await registry.metrics(), '# TYPE taxiway_source_degraded gauge')
})

t.test('a store that hangs holds no scrape up, and is asked one question', async (t) => {
  const { db, asked } = fakeDb(() => new Promise<never>(() => {}))
  const registry = new Registry()
  observeSources(registry, db, 1)
  for (let scrape = 0; scrape < 3; scrape += 1) t.strictSame(await samples(registry), [])
  t.equal(asked(), 1)
})
