import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { keepDataDir } from './dump.ts'
import { evidenceEnvironment, keepEvidence } from './evidence.ts'
import { secret } from './secrets.ts'

/** The part of tap's `t` that this needs. */
interface Teardown {
  teardown(work: () => Promise<void>): void
}

export interface Ended {
  /** 128 and more where a signal ended it, as a shell counts */
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

export interface Taxiway {
  readonly process: ChildProcess
  stdout(): string
  stderr(): string
  /**
   * Waits until the pattern stands in what was printed after the last pattern that was waited for.
   * @throws with everything that was printed, when the process ends before
   */
  saw(pattern: RegExp, where?: 'stdout' | 'stderr'): Promise<RegExpExecArray>
  readonly ended: Promise<Ended>
}

export interface Settings {
  readonly [name: `TAXIWAY_${string}`]: string
}

let key: string | undefined
const sharedKey = () => {
  key ??= secret('secret key')
  return key
}

const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url))
const signalNumbers: Partial<Record<NodeJS.Signals, number>> = {
  SIGINT: 2,
  SIGKILL: 9,
  SIGTERM: 15,
}

/** A folder of its own, gone when `t` ends. */
export async function makeFolder(t: Teardown): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'taxiway-test-'))
  t.teardown(async () => {
    keepDataDir(folder)
    await rm(folder, { recursive: true, force: true })
  })
  return folder
}

/**
 * Starts the command line as its users do. It gets these settings and no other, but for the key of a store that it
 * may share, and does not outlive `t`.
 * @param options.cwd relative paths, such as the default data folder, are from here
 * @param options.program is run instead of the command line
 * @param options.showsSecret it was asked for something that is shown once, such as a password that it makes, and
 * prints that on standard output: everything else that it prints must hold no secret
 */
export function startTaxiway(
  t: Teardown,
  args: readonly string[],
  settings: Settings,
  options: {
    readonly cwd?: string
    readonly env?: NodeJS.ProcessEnv
    readonly program?: string
    readonly showsSecret?: boolean
  } = {},
): Taxiway {
  const command = ['taxiway', ...args].join(' ')
  keepEvidence('argument', command, command)
  const child = spawn(process.execPath, [options.program ?? main, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    cwd: options.cwd ?? tmpdir(),
    env: {
      PATH: process.env.PATH,
      HOME: tmpdir(),
      TZ: 'UTC',
      NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE,
      ...evidenceEnvironment(),
      // What serves one store shares its key, as replicas do.
      ...('TAXIWAY_DATABASE_URL' in settings &&
        !('TAXIWAY_SECRET_KEY_FILE' in settings) && { TAXIWAY_SECRET_KEY: sharedKey() }),
      ...options.env,
      ...settings,
    },
  })
  const printed = { stdout: '', stderr: '' }
  const seen = { stdout: 0, stderr: 0 }
  const waiting = new Set<() => void>()
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      printed[name] += text
      for (const look of waiting) look()
    })
  }
  let over = false
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => {
      over = true
      keepEvidence('log', `standard error of ${command}`, printed.stderr)
      if (!options.showsSecret)
        keepEvidence('output', `standard output of ${command}`, printed.stdout)
      for (const look of waiting) look()
      resolve({ ...printed, code: code ?? 128 + (signalNumbers[signal ?? 'SIGKILL'] ?? 0) })
    })
  })
  t.teardown(async () => {
    if (!over) {
      child.kill('SIGKILL')
      await once(child, 'close')
    }
  })
  return {
    process: child,
    stdout: () => printed.stdout,
    stderr: () => printed.stderr,
    ended,
    saw(pattern, where = 'stderr') {
      return new Promise((resolve, reject) => {
        const look = () => {
          const match = new RegExp(pattern, pattern.flags.replace(/[gy]/g, '')).exec(
            printed[where].slice(seen[where]),
          )
          if (!match && !over) return
          waiting.delete(look)
          if (match) {
            seen[where] += match.index + match[0].length
            resolve(match)
          } else {
            reject(
              new Error(
                `it ended without ${pattern} on ${where}:\n${printed.stdout}\n${printed.stderr}`,
              ),
            )
          }
        }
        waiting.add(look)
        look()
      })
    },
  }
}

/** Runs a command to its end. */
export function runTaxiway(
  t: Teardown,
  args: readonly string[],
  settings: Settings,
  options: {
    readonly cwd?: string
    readonly env?: NodeJS.ProcessEnv
    readonly showsSecret?: boolean
  } = {},
): Promise<Ended> {
  return startTaxiway(t, args, settings, options).ended
}

export interface RunningService extends Taxiway {
  /** such as http://127.0.0.1:40123 */
  readonly url: string
}

/** Starts `taxiway serve` on a free port and waits until it serves. */
export async function startService(
  t: Teardown,
  settings: Settings,
  options: { readonly cwd?: string } = {},
): Promise<RunningService> {
  const taxiway = startTaxiway(
    t,
    ['serve'],
    { TAXIWAY_PORT: '0', TAXIWAY_LOG_LEVEL: 'info', ...settings },
    options,
  )
  const [, url = ''] = await taxiway.saw(/TAXII discovery is at (http\S+)\/taxii\/discovery/)
  return { ...taxiway, url }
}
