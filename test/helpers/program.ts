import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'

interface Teardown {
  teardown(work: () => Promise<void>): void
}

export interface RunningProgram {
  readonly pid: number
  /** The next line of its output; undefined when it ended. */
  nextLine(): Promise<string | undefined>
  write(text: string): void
  endInput(): void
  /** @returns its exit code, or the signal that ended it */
  kill(signal: NodeJS.Signals): Promise<number | NodeJS.Signals>
  readonly ended: Promise<number | NodeJS.Signals>
  /** what it said on standard error */
  errors(): string
}

/** Runs one of our TypeScript files in a process of its own, which ends with `t` at the latest. */
export function runProgram(t: Teardown, path: string, args: readonly string[]): RunningProgram {
  const child: ChildProcess = spawn(process.execPath, [path, ...args], { stdio: 'pipe' })
  const { stdin, stdout, stderr } = child
  if (!stdin || !stdout || !stderr) throw new Error('the program has no pipes')
  const said: Buffer[] = []
  stderr.on('data', (data: Buffer) => said.push(data))
  // It may have ended before what is written arrives.
  stdin.on('error', () => {})
  const ended = new Promise<number | NodeJS.Signals>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => resolve(signal ?? code ?? 0))
  })
  const lines = createInterface(stdout)[Symbol.asyncIterator]()
  const kill = async (signal: NodeJS.Signals) => {
    child.kill(signal)
    return ended
  }
  t.teardown(async () => {
    await kill('SIGKILL')
  })
  return {
    pid: child.pid ?? 0,
    nextLine: async () => (await lines.next()).value,
    write: (text) => stdin.write(text),
    endInput: () => stdin.end(),
    kill,
    ended,
    errors: () => Buffer.concat(said).toString(),
  }
}
