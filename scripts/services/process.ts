import { type ChildProcess, execFile, type SpawnOptions, spawn } from 'node:child_process'
import { accessSync, chownSync, constants, mkdtempSync, readFileSync, statSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

/** A server that runs for the tests alone. */
export interface Service {
  url: string
  stop(): Promise<void>
}

/** What a server may run as: PostgreSQL refuses to run as root, and neither needs to. */
export interface ProcessOwner {
  uid: number
  gid: number
}

export interface CommandResult {
  code: number
  stdout: string
  stderr: string
}

/** Runs a command to its end. A command that does not exist answers code 127. */
export function run(
  command: string,
  args: string[],
  options: { owner?: ProcessOwner | undefined; env?: NodeJS.ProcessEnv; timeoutMs?: number } = {},
): Promise<CommandResult> {
  return new Promise((resolve) => {
    execFile(
      command,
      args,
      {
        ...options.owner,
        env: options.env ?? process.env,
        timeout: options.timeoutMs ?? 0,
        maxBuffer: 64 * 1024 * 1024,
      },
      (error, stdout, stderr) => {
        const missing = error?.code === 'ENOENT'
        const code = missing ? 127 : error === null ? 0 : Number(error.code ?? 1)
        resolve({ code, stdout, stderr: missing ? `${command}: not found` : stderr })
      },
    )
  })
}

/** @throws with everything the command printed, when it fails */
export async function runOrThrow(
  command: string,
  args: string[],
  options: Parameters<typeof run>[2] = {},
): Promise<string> {
  const result = await run(command, args, options)
  if (result.code !== 0) {
    throw new Error(
      `${command} ${args.join(' ')} failed (${result.code}):\n${result.stdout}${result.stderr}`,
    )
  }
  return result.stdout
}

/** @returns the path of a program on PATH or in one of the folders */
export function findProgram(name: string, folders: string[] = []): string | undefined {
  const path = [...folders, ...(process.env.PATH ?? '').split(delimiter)]
  return path
    .filter((folder) => folder !== '')
    .map((folder) => join(folder, name))
    .find(isProgram)
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return statSync(path).isFile()
  } catch {
    return false
  }
}

/**
 * The account a server is started as: when we are root, the first of `names` that exists, else
 * nobody. When we are not root, our own, which is undefined here.
 */
export function findProcessOwner(names: string[]): ProcessOwner | undefined {
  if (process.getuid?.() !== 0) return undefined
  const accounts = new Map(
    readFileSync('/etc/passwd', 'utf8')
      .split('\n')
      .map((line) => line.split(':'))
      .map(([name, , uid, gid]) => [name, { uid: Number(uid), gid: Number(gid) }]),
  )
  for (const name of [...names, 'nobody']) {
    const owner = accounts.get(name)
    if (owner !== undefined) return owner
  }
  throw new Error('running as root, but there is no unprivileged account to start servers as')
}

/** A new private folder in the system's temporary folder. */
export function makeServiceFolder(name: string, owner: ProcessOwner | undefined): string {
  const folder = mkdtempSync(join(tmpdir(), `taxiway-${name}-`))
  if (owner !== undefined) chownSync(folder, owner.uid, owner.gid)
  return folder
}

/**
 * Starts a server that does not outlive us: it is in a process group of its own, so that Ctrl-C
 * reaches the tests first, and on Linux the kernel ends it when we are killed.
 */
export function spawnService(
  command: string,
  args: string[],
  options: { owner: ProcessOwner | undefined; env: NodeJS.ProcessEnv; cwd: string },
): { child: ChildProcess; output: () => string; kill: () => Promise<void> } {
  const setpriv = process.platform === 'linux' ? findProgram('setpriv') : undefined
  const spawnOptions: SpawnOptions = {
    env: options.env,
    cwd: options.cwd,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  }
  // Changing the account clears the parent-death signal, so setpriv does both, in this order.
  const child =
    setpriv === undefined
      ? spawn(command, args, { ...spawnOptions, ...options.owner })
      : spawn(setpriv, [...setprivArgs(options.owner), command, ...args], spawnOptions)
  let output = ''
  const keep = (data: Buffer) => {
    output = (output + data.toString()).slice(-20_000)
  }
  child.stdout?.on('data', keep)
  child.stderr?.on('data', keep)
  child.on('error', (error) => {
    output += String(error)
  })
  return { child, output: () => output, kill: () => killGroup(child) }
}

function setprivArgs(owner: ProcessOwner | undefined): string[] {
  const account =
    owner === undefined ? [] : [`--reuid=${owner.uid}`, `--regid=${owner.gid}`, '--clear-groups']
  return [...account, '--pdeathsig=TERM']
}

// The folder is thrown away with the server, so nothing is lost by not asking it politely.
async function killGroup(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
  const closed = new Promise((resolve) => child.once('close', resolve))
  process.kill(-child.pid, 'SIGKILL')
  await closed
}

/**
 * Waits until `ready` no longer throws.
 * @throws with the server's own words, when it ended or was not ready in time
 */
export async function waitUntilReady(
  name: string,
  server: { child: ChildProcess; output: () => string },
  ready: () => Promise<void>,
  timeoutMs = 60_000,
): Promise<void> {
  const end = Date.now() + timeoutMs
  for (;;) {
    try {
      return await ready()
    } catch (error) {
      const { exitCode, signalCode, pid } = server.child
      const ended = exitCode !== null || signalCode !== null || pid === undefined
      if (ended || Date.now() > end) {
        const what = ended ? `ended (${exitCode ?? signalCode})` : `not ready in ${timeoutMs} ms`
        throw new Error(`${name} ${what}:\n${server.output()}`, { cause: error })
      }
      await delay(100)
    }
  }
}

/** A port nobody listens on, below the range the system hands out for outgoing connections. */
export async function findFreePort(): Promise<number> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const port = 20_000 + Math.floor(Math.random() * 12_000)
    if (await isFree(port)) return port
  }
  throw new Error('no free port on 127.0.0.1 between 20000 and 32000')
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}
