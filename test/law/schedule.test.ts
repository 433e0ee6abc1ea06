import fc from 'fast-check'
import t from 'tap'
import { makeStore, type StoreKind } from '../helpers/stores.ts'
import { checkSchedules } from './check.ts'
import { openHarness } from './harness.ts'
import { play } from './play.ts'
import { anyProgram } from './program.ts'

const seed = 20_260_601
const schedules: Readonly<Record<StoreKind, number>> = { postgresql: 25, embedded: 12 }

// Each waits for its database most of the time.
t.jobs = 3
for (const kind of ['postgresql', 'embedded'] as const) {
  t.test(
    `each block reaches each poller once, whatever the schedule (${kind})`,
    { buffered: true },
    async (t) => {
      const harness = await openHarness(await makeStore(t, kind))
      t.teardown(() => harness.close())
      const { failure, totals } = await checkSchedules(harness, {
        seed,
        schedules: schedules[kind],
        shrinkMs: 20_000,
      })
      t.equal(failure, undefined)
      t.comment(totals)
      const met = ['published', 'blocks', 'parts', 'replays', 'moved', 'clamped'] as const
      const interleaved = kind === 'postgresql' ? (['kills', 'waits'] as const) : []
      for (const name of [...met, ...interleaved]) t.ok(totals[name] > 0, `${totals[name]} ${name}`)
    },
  )
}

t.test('a schedule is played the same way again', { buffered: true }, async (t) => {
  const harness = await openHarness(await makeStore(t, 'postgresql'))
  t.teardown(() => harness.close())
  for (const sampled of fc.sample(anyProgram, { seed, numRuns: 5 })) {
    // Of several pollers that wait for one lock the database alone decides who gets it first.
    const program = { ...sampled, pollers: sampled.pollers.slice(0, 1) }
    const { trace } = await play(harness, program)
    t.same((await play(harness, program)).trace, trace)
  }
})
