/**
 * Sends hostile messages to a real server for as long as asked: `node test/faults/xml-soak.ts MINUTES`. All are
 * drawn from SOAK_SEED; with SOAK_CASE, as a failure names it, that one alone is sent.
 */
import { randomInt } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { playCase } from './xml-play.ts'
import { startFuzzedServer } from './xml-server.ts'

const lanes = 6
/** A server that needs more keeps what it was sent. */
const maxResidentMb = Number(process.env.SOAK_MAX_MB ?? 700)

const minutes = Number(process.argv[2] ?? 60)
const seed = Number(process.env.SOAK_SEED ?? randomInt(2 ** 31))
const only = process.env.SOAK_CASE
const began = Date.now()
const end = began + minutes * 60_000
const teardowns: (() => Promise<void>)[] = []
const outcomes = new Map<string, number>()
const faults: string[] = []
let next = 0
let done = 0
let mostMb = 0

const server = await startFuzzedServer({ teardown: (work) => teardowns.unshift(work) })

async function play(number: number): Promise<void> {
  const { outcome, fault, bytes } = await playCase(server, seed, number)
  outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)
  done += 1
  if (fault === undefined) return
  const file = join(tmpdir(), `taxiway-case-${seed}-${number}`)
  writeFileSync(file, bytes)
  console.error(number, fault.slice(0, 600))
  faults.push(`SOAK_SEED=${seed} SOAK_CASE=${number}: ${fault}\nwhat was sent is in ${file}`)
}

async function playLane(): Promise<void> {
  while (Date.now() < end && faults.length === 0 && server.faults.length === 0) {
    next += 1
    await play(next)
  }
}

function tell(): void {
  const seconds = Math.round((Date.now() - began) / 1_000)
  console.log(`${seconds} s, ${done} cases, ${server.residentMb()} MB, at most ${mostMb} MB`)
}

function watch(): void {
  const now = server.residentMb()
  mostMb = Math.max(mostMb, now)
  if (now > maxResidentMb) faults.push(`the server has ${now} MB, more than ${maxResidentMb}`)
}

const telling = setInterval(tell, 60_000)
const watching = setInterval(watch, 250)
try {
  if (only === undefined) await Promise.all(Array.from({ length: lanes }, playLane))
  else await play(Number(only))
  watch()
} finally {
  clearInterval(telling)
  clearInterval(watching)
  faults.push(...server.faults)
  for (const teardown of teardowns) await teardown()
}
tell()
for (const [outcome, count] of [...outcomes].sort((one, other) => other[1] - one[1])) {
  console.log(`${String(count).padStart(8)}  ${outcome}`)
}
for (const fault of faults.slice(0, 10)) console.error(fault)
process.exitCode = faults.length > 0 ? 1 : 0
