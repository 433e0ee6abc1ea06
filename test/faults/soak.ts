/**
 * The long form of the fault tests: `npm run soak [-- ingest] [--minutes N]` runs them again and again with
 * other seeds, until the time is over or one fails; then it names the seed with which it fails again.
 */
import { spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { once } from 'node:events'

const files = { ingest: ['test/faults/kill-ingest.test.ts'] }

const args = process.argv.slice(2)
const at = args.indexOf('--minutes')
const minutes = at < 0 ? 60 : Number(args.splice(at, 2)[1])
const [name = 'ingest'] = args
const wanted = files[name as keyof typeof files]
if (!wanted || !(minutes > 0)) {
  console.error(`usage: npm run soak -- [${Object.keys(files).join('|')}] [--minutes N]`)
  process.exit(2)
}

const end = Date.now() + minutes * 60_000
let runs = 0
while (Date.now() < end) {
  const seed = String(randomInt(2 ** 31))
  const tap = spawn('tap', ['--disable-coverage', '--timeout=0', '--reporter=terse', ...wanted], {
    env: { ...process.env, SOAK_SEED: seed },
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  const [code] = await once(tap, 'exit')
  if (code !== 0) {
    console.error(`failed after ${runs} runs that passed; again with SOAK_SEED=${seed}`)
    process.exit(1)
  }
  runs += 1
  console.log(`run ${runs} passed (seed ${seed})`)
}
console.log(`${name}: ${runs} runs in ${minutes} minutes, all passed`)
