/**
 * Plays random schedules for as long as asked: `node test/law/soak.ts MINUTES`. All are drawn from SOAK_SEED;
 * LAW_SEED and LAW_PATH, as a failure names them, go straight to the schedule that failed.
 */
import { randomInt } from 'node:crypto'
import { makeStore } from '../helpers/stores.ts'
import { type Checked, checkForSoLong, checkSchedules, type Totals } from './check.ts'
import { type Harness, openHarness } from './harness.ts'
import { createRandom } from './random.ts'

// Each waits for its database most of the time.
const lanes = 3
const shrinkMs = 60_000

const minutes = Number(process.argv[2] ?? 60)
const { LAW_SEED, LAW_PATH, SOAK_SEED } = process.env
const random = createRandom(Number(SOAK_SEED ?? randomInt(2 ** 31)))
const began = Date.now()
const end = began + minutes * 60_000
const teardowns: (() => Promise<void>)[] = []

const sums: Partial<Totals> = {}
let schedules = 0
let failed = false

async function open(): Promise<Harness> {
  const teardown = (work: () => Promise<void>) => teardowns.unshift(work)
  const harness = await openHarness(await makeStore({ teardown }, 'postgresql'))
  teardowns.unshift(harness.close)
  return harness
}

function add(checked: Checked) {
  schedules += checked.schedules
  for (const [name, count] of Object.entries(checked.totals) as [keyof Totals, number][]) {
    sums[name] = (sums[name] ?? 0) + count
  }
  if (checked.failure === undefined) return
  failed = true
  console.error(checked.failure)
}

async function playLane() {
  const harness = await open()
  while (Date.now() < end && !failed) {
    const seed = Math.floor(random() * 2 ** 31)
    await checkForSoLong(harness, 0, { seed, shrinkMs }, add)
  }
}

function tell() {
  const counts = Object.entries(sums).map(([name, count]) => `${count} ${name}`)
  const seconds = Math.round((Date.now() - began) / 1000)
  console.log(`${seconds} s, ${schedules} schedules: ${counts.join(', ')}`)
}

const telling = setInterval(tell, 60_000)
try {
  if (LAW_SEED !== undefined && LAW_PATH !== undefined) {
    const options = { seed: Number(LAW_SEED), path: LAW_PATH, schedules: 1 }
    add(await checkSchedules(await open(), options))
  } else {
    await Promise.all(Array.from({ length: lanes }, playLane))
  }
} finally {
  clearInterval(telling)
  for (const teardown of teardowns) await teardown()
}
tell()
process.exitCode = failed ? 1 : 0
