/**
 * The long form of the fault tests: `npm run soak [-- ingest|feed|xml] [--minutes N]` runs them again and again
 * with other seeds, until the time is over or one fails; then it names the seed with which it fails again.
 *
 * `feed` plays the random schedules of test/law for ten minutes at a time, and between two such rounds the
 * processes of test/faults once. `xml` sends hostile messages to one server for all of the time.
 */
import { spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { once } from 'node:events'

/** What is run for one round, and for so many minutes at most where it would go on for ever. */
type Round = (minutes: number) => readonly string[]

const runFiles =
  (...files: readonly string[]): Round =>
  () => ['tap', '--disable-coverage', '--timeout=0', '--reporter=terse', ...files]

const kinds: Readonly<Record<string, readonly Round[]>> = {
  ingest: [runFiles('test/faults/kill-ingest.test.ts')],
  feed: [
    (minutes) => [process.execPath, 'test/law/soak.ts', String(Math.min(10, minutes))],
    runFiles('test/faults/feed-processes.test.ts'),
  ],
  xml: [(minutes) => [process.execPath, 'test/faults/xml-soak.ts', String(minutes)]],
}

const args = process.argv.slice(2)
const at = args.indexOf('--minutes')
const minutes = at < 0 ? 60 : Number(args.splice(at, 2)[1])
const [name = 'ingest'] = args
const rounds = kinds[name]
if (!rounds || !(minutes > 0)) {
  console.error(`usage: npm run soak -- [${Object.keys(kinds).join('|')}] [--minutes N]`)
  process.exit(2)
}

const end = Date.now() + minutes * 60_000
let runs = 0
while (Date.now() < end) {
  const round = rounds[runs % rounds.length] as Round
  const seed = process.env.SOAK_SEED ?? String(randomInt(2 ** 31))
  const [command = '', ...rest] = round((end - Date.now()) / 60_000)
  const child = spawn(command, rest, {
    env: { SOAK_SECONDS: '120', ...process.env, SOAK_SEED: seed },
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  const [code] = await once(child, 'exit')
  if (code !== 0) {
    console.error(`failed after ${runs} runs that passed; again with SOAK_SEED=${seed}`)
    process.exit(1)
  }
  runs += 1
  console.log(`run ${runs} passed (seed ${seed})`)
}
console.log(`${name}: ${runs} runs in ${minutes} minutes, all passed`)
