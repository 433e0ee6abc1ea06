/**
 * Plays random schedules for as long as asked: `node test/law/soak.ts MINUTES`. Each minute has a seed of its
 * own, drawn from SOAK_SEED; LAW_SEED and LAW_PATH, as a failure names them, go straight to the schedule that
 * failed.
 */
import { randomInt } from 'node:crypto'
import { makeStore } from '../helpers/stores.ts'
import { type Checked, checkSchedules, type Totals } from './check.ts'
import { openHarness } from './harness.ts'
import { createRandom } from './random.ts'

const minutes = Number(process.argv[2] ?? 60)
const roundMs = 60_000

const teardowns: (() => Promise<void>)[] = []
const harness = await openHarness(
  await makeStore({ teardown: (work) => teardowns.unshift(work) }, 'postgresql'),
)

const sums: Partial<Totals> = {}
let schedules = 0

function tell({ schedules: played, totals }: Checked) {
  schedules += played
  for (const [name, count] of Object.entries(totals) as [keyof Totals, number][]) {
    sums[name] = (sums[name] ?? 0) + count
  }
  const counts = Object.entries(sums).map(([name, count]) => `${count} ${name}`)
  console.log(`${schedules} schedules: ${counts.join(', ')}`)
}

const path = process.env.LAW_PATH
const random = createRandom(Number(process.env.SOAK_SEED ?? randomInt(2 ** 31)))
const end = Date.now() + minutes * 60_000
while (Date.now() < end) {
  const seed = Number(process.env.LAW_SEED ?? Math.floor(random() * 2 ** 31))
  const checked = await checkSchedules(harness, {
    seed,
    ...(path === undefined
      ? { forMs: Math.min(roundMs, end - Date.now()) }
      : { path, schedules: 1 }),
    shrinkMs: 60_000,
  })
  tell(checked)
  if (checked.failure !== undefined) {
    console.error(checked.failure)
    process.exitCode = 1
    break
  }
  if (path !== undefined) break
}
await harness.close()
for (const teardown of teardowns) await teardown()
