import t from 'tap'
import { makeStore } from '../helpers/stores.ts'
import { checkForSoLong } from './check.ts'
import { openHarness } from './harness.ts'
import { applyMutation, type Mutation, mutations } from './mutations.ts'

// Its first schedules meet what nearly each of the mutations breaks.
const commonSeed = 4

// Each waits for its database most of the time.
t.jobs = 3
for (const [name, mutation] of Object.entries<Mutation>(mutations)) {
  t.test(`the schedules show within a minute that ${name}`, { buffered: true }, async (t) => {
    const harness = await openHarness(await makeStore(t, 'postgresql'))
    t.teardown(() => harness.close())
    const changes = await applyMutation(harness, mutation)
    const seed = mutation.seed ?? commonSeed
    const began = performance.now()
    const { schedules, failure } = await checkForSoLong(harness, 60_000, { seed, changes })
    const seconds = Math.round((performance.now() - began) / 100) / 10
    const verdict = failure?.split('\n')[1] ?? 'nothing was noticed'
    t.ok(failure, `${schedules} schedules, ${seconds} s: ${verdict}`)
  })
}
