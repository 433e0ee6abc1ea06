/**
 * Runs a command with what the tests need: `node scripts/with-services.ts COMMAND…`.
 *
 * The command finds TEST_DATABASE_URL (PostgreSQL), TEST_AMQP_URL (RabbitMQ) and TEST_PYTHON (with
 * cabby, libtaxii, OpenTAXII, python-stix and stix-validator) in its environment. What is given
 * there already is used as it is. The rest is installed where it is missing, started on private
 * ports and folders, and gone when the command ends.
 *
 * When the command is tap, what the tests leave behind (logs, answers, arguments, databases) is searched
 * for their secrets once they have ended; one that is found fails the run.
 */
import { spawn } from 'node:child_process'
import { tmpdir } from 'node:os'
import { delimiter } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type EvidenceRun, gatherEvidence } from './secrets/run.ts'
import {
  hasDockerEngine,
  startPostgresContainer,
  startRabbitmqContainer,
} from './services/docker.ts'
import { canInstall, installDebianPackages } from './services/install.ts'
import { makeMemoryFolder } from './services/memory-folder.ts'
import { connect as connectToPostgres, findPostgres, startPostgres } from './services/postgres.ts'
import { findProgram, type Service } from './services/process.ts'
import { ensurePython } from './services/python.ts'
import { connect as connectToRabbitmq, findRabbitmq, startRabbitmq } from './services/rabbitmq.ts'

interface Need {
  variable: string
  what: string
  debianPackage: string
  find: () => Promise<string | undefined> | string | undefined
  start: (program: string) => Promise<Service>
  startContainer: () => Promise<Service>
}

const needs: Need[] = [
  {
    variable: 'TEST_DATABASE_URL',
    what: 'PostgreSQL 15 or newer',
    debianPackage: 'postgresql',
    find: findPostgres,
    start: startPostgres,
    startContainer: () => startPostgresContainer(connectToPostgres),
  },
  {
    variable: 'TEST_AMQP_URL',
    what: 'RabbitMQ',
    debianPackage: 'rabbitmq-server',
    find: findRabbitmq,
    start: startRabbitmq,
    startContainer: () => startRabbitmqContainer(connectToRabbitmq),
  },
]

/** Whose completion is tested; where they are missing and cannot be installed, that is left out. */
const shells = ['zsh', 'fish']

type Starter = () => Promise<Service>

/** Installs what is missing, all in one go. */
async function prepare(wanted: Need[]): Promise<Starter[]> {
  const found = await Promise.all(wanted.map(async (need) => await need.find()))
  const missing = wanted.filter((_, index) => found[index] === undefined)
  const useContainers = missing.length > 0 && (await hasDockerEngine())
  const missingShells = shells.filter((name) => findProgram(name) === undefined)
  const packages = [
    ...(useContainers ? [] : missing.map((need) => need.debianPackage)),
    ...(canInstall() ? missingShells : []),
  ]
  if (packages.length > 0) {
    await installDebianPackages(missing.map((need) => need.what).join(' and '), packages)
  }
  return Promise.all(
    wanted.map(async (need, index) => {
      if (found[index] === undefined && useContainers) return need.startContainer
      const program = found[index] ?? (await need.find())
      if (program === undefined) {
        throw new Error(`${need.what} is missing, also after installing ${need.debianPackage}`)
      }
      return () => need.start(program)
    }),
  )
}

const running: Service[] = []

async function start(): Promise<NodeJS.ProcessEnv> {
  const wanted = needs.filter((need) => !process.env[need.variable])
  const starters = await prepare(wanted)
  const startAll = starters.map(async (starter) => {
    const service = await starter()
    running.push(service)
    return service
  })
  const python = process.env.TEST_PYTHON || ensurePython('python-requirements.txt')
  const results = await Promise.allSettled([python, ...startAll])
  const failed = results.find((result) => result.status === 'rejected')
  if (failed !== undefined) throw failed.reason
  const urls = await Promise.all(startAll)
  return Object.fromEntries([
    ['TEST_PYTHON', await python],
    ...wanted.map((need, index) => [need.variable, urls[index]?.url]),
  ])
}

async function stop(): Promise<void> {
  await Promise.allSettled(running.map((service) => service.stop()))
}

const isPlainTap = (command: string, args: string[]) =>
  command === 'tap' && !args.includes('--no-disable-coverage')

/**
 * The tests start hundreds of processes, and each would spend half of its start on compiling the same files.
 * Benchmarks measure such starts, and coverage is less precise with the cache: both do without.
 */
const compileCache = fileURLToPath(new URL('../.cache/compiled', import.meta.url))

/** Loaded first in each process of the tests. */
const plainProcesses = `--import=${new URL('plain-processes.ts', import.meta.url).href}`

/** A test that runs this script itself is searched with the run that it belongs to. */
function findEvidenceRun(command: string, args: string[], env: NodeJS.ProcessEnv) {
  if (command !== 'tap' || process.env.TEST_EVIDENCE_DIR !== undefined) return undefined
  const whole = args.every((arg) => arg.startsWith('-'))
  const all = { ...process.env, ...env }
  const urls = needs.flatMap(({ variable }) => all[variable] ?? [])
  return gatherEvidence(diskFolder, whole, urls)
}

/** @returns the command's exit code, or 128 and more when a signal ended it */
function runCommand(command: string, args: string[], env: NodeJS.ProcessEnv): Promise<number> {
  const isPlain = isPlainTap(command, args)
  const cached = { ...(isPlain && { NODE_COMPILE_CACHE: compileCache }), ...process.env }
  const localPrograms = fileURLToPath(new URL('../node_modules/.bin', import.meta.url))
  const all: NodeJS.ProcessEnv = { ...cached, ...env }
  const child = spawn(command, args, {
    stdio: 'inherit',
    env: {
      ...all,
      ...(isPlain && { NODE_OPTIONS: [plainProcesses, all.NODE_OPTIONS].join(' ').trim() }),
      PATH: `${localPrograms}${delimiter}${process.env.PATH}`,
    },
  })
  stopRequested = (signal) => child.kill(signal)
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => resolve(code ?? (signal === 'SIGINT' ? 130 : 143)))
  })
}

// Until the command runs, a signal ends us; the kernel then ends what we have started.
let stopRequested: (signal: NodeJS.Signals) => void = async (signal) => {
  await stop()
  process.exit(signal === 'SIGINT' ? 130 : 143)
}
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => stopRequested(signal))
}

const [command, ...args] = process.argv.slice(2)
if (command === undefined) {
  console.error('usage: node scripts/with-services.ts COMMAND…')
  process.exit(2)
}
const diskFolder = tmpdir()
const memoryFolder = command === 'tap' ? makeMemoryFolder() : undefined
try {
  // What os.tmpdir() answers, here and in all that is started.
  if (memoryFolder !== undefined) process.env.TMPDIR = memoryFolder.path
  const env = await start()
  const evidence: EvidenceRun | undefined = findEvidenceRun(command, args, env)
  const code = await runCommand(command, args, { ...env, ...evidence?.env })
  const isClean = evidence?.end() ?? true
  process.exitCode = code === 0 && !isClean ? 1 : code
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
} finally {
  await stop()
  memoryFolder?.remove()
}
// A late reply of a library's socket must not keep a finished run alive.
process.exit()
