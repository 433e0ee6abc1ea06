import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { SingleBar } from 'cli-progress'
import { Command } from 'commander'
import { readCollectionsFile } from '../collections-file.ts'
import { type Config, readConfig } from '../config.ts'
import type { OtxWalkProgress } from '../ingest/walk-otx.ts'
import { applyCollections } from '../intake/apply-collections.ts'
import { applyPolicy } from '../intake/apply-policy.ts'
import { reconcileCollections } from '../intake/reconcile.ts'
import { rejudge } from '../intake/rejudge.ts'
import { readJudgingFile } from '../judging-file.ts'
import { createLog } from '../log.ts'
import { hashPassword, makePassword } from '../security/passwords.ts'
import { startService } from '../service.ts'
import { buildOtxStandin } from '../standins/otx.ts'
import { loadSeedPulses } from '../standins/seeds.ts'
import { createAccount, grantRead } from '../store/accounts.ts'
import { readCollections } from '../store/collections.ts'
import type { Store } from '../store/db.ts'
import { demoGuide, demoSummary } from './demo-text.ts'
import { parseCount } from './parse-count.ts'
import { untilStopped } from './until-stopped.ts'

const accountName = 'demo'
const pollSeconds = 10
// One pulse has more: the rest is fetched page by page.
const indicatorsShown = 200

export function demoCommand(): Command {
  return new Command('demo')
    .description(
      'run the whole way on synthetic data: a stand-in of OTX, the real service, a feed to poll',
    )
    .option('--revise-after <seconds>', 'when one pulse is revised, to be seen', parseCount, 30)
    .action(async ({ reviseAfter }: { reviseAfter: number }) => {
      // From the first moment: nothing is to stay behind, whenever it is stopped.
      const stopped = untilStopped()
      const dataDir = await mkdtemp(join(tmpdir(), 'taxiway-demo-'))
      const cleanUp: (() => Promise<unknown>)[] = [() => rm(dataDir, { recursive: true })]
      try {
        await runDemo({ dataDir, reviseAfter, stopped, cleanUp })
      } finally {
        await runAll(cleanUp.reverse())
      }
    })
}

interface Demo {
  readonly dataDir: string
  /** in seconds */
  readonly reviseAfter: number
  readonly stopped: Promise<unknown>
  readonly cleanUp: (() => Promise<unknown>)[]
}

async function runDemo({ dataDir, reviseAfter, stopped, cleanUp }: Demo): Promise<void> {
  const { pulses, revision, deletedPulse } = loadSeedPulses(new Date())
  const apiKey = makePassword()
  const standin = buildOtxStandin({ pulses, apiKey, indicatorsShown })
  const otxUrl = await standin.app.listen({ host: '127.0.0.1', port: 0 })
  cleanUp.push(() => standin.app.close())
  console.log(`A stand-in of OTX with ${pulses.length} synthetic pulses answers at ${otxUrl}.`)
  console.log('Opening an embedded database (a few seconds) …')

  const config = await demoConfig(dataDir, otxUrl, apiKey)
  const password = makePassword()
  const progress = createProgress(pulses.length)
  cleanUp.push(async () => progress.stop())
  let firstWalkDone: (outcome: { readonly error?: Error }) => void = () => {}
  const firstWalk = new Promise<{ readonly error?: Error }>((resolve) => {
    firstWalkDone = resolve
  })
  let account: Awaited<ReturnType<typeof createAccount>>
  const service = await startService(config, createLog(config.logLevel), {
    prepare: async (store, intake) => {
      await applyCollections(store.db, readCollectionsFile(seed('collections.yaml')))
      await reconcileCollections(intake)
      // Before the first walk, so that it is judged once.
      await applyPolicy(intake, readJudgingFile(seed('judging.yaml')))
      await rejudge(intake)
      account = await createAccount(store.db, accountName, await hashPassword(password), 'reader')
    },
    onWalkProgress: (done) => progress.show(done),
    onWalk: (outcome) => firstWalkDone(outcome),
  })
  cleanUp.push(() => service.stop())
  const outcome = await Promise.race([stopped.then(() => undefined), firstWalk])
  progress.stop()
  if (outcome === undefined) return
  if (outcome.error) throw outcome.error
  // Those of its authors too, which the walk has made.
  if (account) await grantAll(service.store, account.id)

  console.log(await demoSummary(service.store))
  // Behind a proxy that ends TLS, plain HTTP is refused.
  const url = (config.publicUrl ?? service.address).replace(/\/$/, '')
  const passwordFile = join(dataDir, 'demo-password')
  await writeFile(passwordFile, `${password}\n`, { mode: 0o600 })
  console.log(
    demoGuide({ url, account: accountName, password, passwordFile, pollSeconds, reviseAfter }),
  )
  const revise = setTimeout(() => {
    standin.revise(revision.id, revision.change)
    standin.remove(deletedPulse)
    console.log(
      `\nOTX's stand-in has just revised the pulse ${revision.id}: some indicators are gone, others are new.\n` +
        `It has deleted the pulse ${deletedPulse}: what no other pulse asserts is gone with it.\n` +
        `The next walk is within ${pollSeconds} s; poll again to see it.`,
    )
  }, reviseAfter * 1000)
  await stopped
  clearTimeout(revise)
  console.log('\nStopping …')
}

/** One step that fails does not keep the others from running. */
async function runAll(steps: readonly (() => Promise<unknown>)[]): Promise<void> {
  const errors: unknown[] = []
  for (const step of steps) await step().catch((error: unknown) => errors.push(error))
  if (errors.length > 0) throw errors[0]
}

async function demoConfig(dataDir: string, otxUrl: string, apiKey: string): Promise<Config> {
  const {
    TAXIWAY_HOST,
    TAXIWAY_PORT,
    TAXIWAY_PUBLIC_URL,
    TAXIWAY_LOG_LEVEL,
    TAXIWAY_ALLOW_PLAIN_HTTP,
  } = process.env
  return readConfig({
    TAXIWAY_HOST,
    TAXIWAY_PUBLIC_URL,
    TAXIWAY_ALLOW_PLAIN_HTTP,
    TAXIWAY_PORT: TAXIWAY_PORT ?? ((await isFree(9000)) ? '9000' : '0'),
    TAXIWAY_LOG_LEVEL: TAXIWAY_LOG_LEVEL ?? 'warn',
    TAXIWAY_DATA_DIR: dataDir,
    TAXIWAY_OTX_URL: otxUrl,
    TAXIWAY_OTX_API_KEY: apiKey,
    TAXIWAY_OTX_POLL_SECONDS: String(pollSeconds),
    // All of it: some pulses are old, so that there is something to have aged.
    TAXIWAY_OTX_FIRST_SYNC_DAYS: '36500',
  })
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer()
    probe.once('error', () => resolve(false))
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)))
  })
}

async function grantAll({ db }: Store, accountId: number): Promise<void> {
  for (const { id } of await readCollections(db)) await grantRead(db, accountId, id)
}

function seed(name: string): string {
  return fileURLToPath(new URL(`../../seeds/${name}`, import.meta.url))
}

/** A bar on a terminal; a line a step where there is none. */
function createProgress(totalPulses: number) {
  const bar = process.stdout.isTTY
    ? new SingleBar({
        format:
          'OTX → judged → published  {bar}  {value}/{total} pulses  {assertions} assertions  {blocks} blocks',
        stream: process.stdout,
        hideCursor: true,
      })
    : undefined
  let assertions = 0
  let blocks = 0
  let stopped = false
  bar?.start(totalPulses, 0, { assertions, blocks })
  return {
    show(done: OtxWalkProgress) {
      assertions += done.assertions
      blocks += done.published
      if (!stopped) {
        if (bar) bar.update(done.pulses, { assertions, blocks })
        else
          console.log(
            `${done.pulses} pulses, ${assertions} assertions judged, ${blocks} blocks published`,
          )
      } else if (done.published + done.withdrawn > 0) {
        console.log(
          `A walk through OTX published ${done.published} blocks and withdrew ${done.withdrawn}.`,
        )
      }
    },
    stop() {
      stopped = true
      bar?.stop()
    },
  }
}
