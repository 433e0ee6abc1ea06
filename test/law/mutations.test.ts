import t from 'tap'
import { makeStore } from '../helpers/stores.ts'
import { checkSchedules } from './check.ts'
import { openHarness } from './harness.ts'
import { applyMutation, type Mutation, mutations } from './mutations.ts'

const seed = 20_260_601

for (const [name, mutation] of Object.entries<Mutation>(mutations)) {
  t.test(`the schedules notice when ${name}`, async (t) => {
    const harness = await openHarness(await makeStore(t, 'postgresql'))
    t.teardown(() => harness.close())
    const changes = await applyMutation(harness, mutation)
    const began = performance.now()
    const { schedules, failure } = await checkSchedules(harness, { seed, forMs: 60_000, changes })
    const seconds = Math.round((performance.now() - began) / 100) / 10
    const verdict = failure?.split('\n')[1]
    t.ok(failure, `after ${schedules} schedules and ${seconds} s: ${verdict}`)
    t.comment(`${name}: after ${schedules} schedules and ${seconds} s: ${verdict}`)
  })
}
