import { fileURLToPath } from 'node:url'
import { type RunningProgram, runProgram } from '../helpers/program.ts'
import { type RunningService, type Settings, startService } from '../helpers/taxiway.ts'
import type { Progress } from './feed-progress.ts'
import type { Done, WriterAnswer, WriterCommand } from './feed-writer-process.ts'

interface Teardown {
  teardown(work: () => Promise<void>): void
}

/** A process that can be killed and frozen at any moment, and comes back. */
export interface Victim {
  /** kill -9, from which it comes back when it is next needed */
  kill(): Promise<void>
  freeze(): void
  thaw(): void
}

export interface Writer extends Victim {
  readonly name: string
  readonly busy: boolean
  /** @returns undefined when it was killed or lost its database before it answered: done or not */
  ask(command: WriterCommand): Promise<Done | undefined>
}

const writerProgram = fileURLToPath(new URL('feed-writer-process.ts', import.meta.url))

export function createWriter(
  t: Teardown,
  name: string,
  databaseUrl: string,
  progress: Progress,
): Writer {
  let running: RunningProgram | undefined
  let busy = false
  return {
    name,
    get busy() {
      return busy
    },
    async ask(command) {
      running ??= runProgram(t, writerProgram, [databaseUrl])
      const asked = running
      busy = true
      asked.write(`${JSON.stringify(command)}\n`)
      const line = await asked.nextLine()
      busy = false
      if (line === undefined) {
        const end = await asked.ended
        if (running === asked) running = undefined
        // It may also have lost its database while it opened it.
        if (end !== 'SIGKILL' && !asked.errors().includes('StoreUnavailable'))
          progress.fail(`${name} ended by itself: ${end} ${asked.errors()}`)
        return undefined
      }
      const answer = JSON.parse(line) as WriterAnswer
      if ('done' in answer) return answer.done
      if ('failed' in answer) progress.fail(`${name} failed: ${answer.failed}`)
      return undefined
    },
    async kill() {
      const killed = running
      running = undefined
      await killed?.kill('SIGKILL')
    },
    freeze: () => running && process.kill(running.pid, 'SIGSTOP'),
    thaw: () => running && process.kill(running.pid, 'SIGCONT'),
  }
}

export interface Server extends Victim {
  readonly name: string
  /** where it listens; undefined while it is down */
  url(): string | undefined
  start(): Promise<void>
  /** what it has logged since its last start */
  log(): string
}

export function createServer(t: Teardown, name: string, settings: Settings): Server {
  let running: RunningService | undefined
  return {
    name,
    url: () => running?.url,
    log: () => `${running?.stdout() ?? ''}${running?.stderr() ?? ''}`,
    async start() {
      for (let attempt = 1; running === undefined; attempt++) {
        // Its database connection may be ended while it starts.
        running = await startService(t, settings).catch((error: Error) => {
          if (attempt === 5) throw error
          return undefined
        })
      }
    },
    async kill() {
      const killed = running
      running = undefined
      killed?.process.kill('SIGKILL')
      await killed?.ended
    },
    freeze: () => running?.process.kill('SIGSTOP'),
    thaw: () => running?.process.kill('SIGCONT'),
  }
}
