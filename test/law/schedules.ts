import type { Test } from 'tap'
import { makeStore, type StoreKind } from '../helpers/stores.ts'
import { checkSchedules, type Totals } from './check.ts'
import { openHarness } from './harness.ts'

/** The seed of all schedules that `npm test` plays. */
export const fixedSeed = 20_260_601

/** Plays schedules and holds them to the law, and sees to it that they have met what they are made for. */
export async function assertLaw(
  t: Test,
  kind: StoreKind,
  schedules: number,
  met: readonly (keyof Totals)[],
): Promise<void> {
  const harness = await openHarness(await makeStore(t, kind))
  t.teardown(() => harness.close())
  const { failure, totals } = await checkSchedules(harness, {
    seed: fixedSeed,
    schedules,
    shrinkMs: 20_000,
  })
  t.equal(failure, undefined)
  for (const name of met) t.ok(totals[name] > 0, `${totals[name]} ${name}`)
}
