import fc from 'fast-check'
import t from 'tap'
import { makeStore } from '../helpers/stores.ts'
import { openHarness } from './harness.ts'
import { play } from './play.ts'
import { anyProgram } from './program.ts'
import { assertLaw, fixedSeed as seed } from './schedules.ts'

// Each waits for its database most of the time.
t.jobs = 2

t.test('each block reaches each poller once, whatever the schedule', { buffered: true }, (t) =>
  assertLaw(t, 'postgresql', 18, [
    'published',
    'blocks',
    'parts',
    'replays',
    'moved',
    'clamped',
    'kills',
    'waits',
  ]),
)

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
