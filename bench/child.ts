import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { nodeFlags } from './node-flags.ts'

/** A Node process that speaks to us in messages. */
export interface Child {
  readonly process: ChildProcess
  readonly pid: number
  /** the next message that it sends; rejects when it ends without one */
  next<T>(): Promise<T>
  send(message: object): void
  stop(): Promise<void>
}

export function startChild(file: string, args: readonly string[]): Child {
  const child = fork(fileURLToPath(new URL(file, import.meta.url)), args, {
    execArgv: [...nodeFlags],
  })
  const inbox: unknown[] = []
  let wake = () => {}
  child.on('message', (message) => {
    inbox.push(message)
    wake()
  })
  child.on('exit', () => wake())
  return {
    process: child,
    pid: child.pid as number,
    async next<T>() {
      while (inbox.length === 0) {
        if (child.exitCode !== null) throw new Error(`${file} ended with code ${child.exitCode}`)
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
      return inbox.shift() as T
    },
    send: (message) => child.send(message),
    async stop() {
      if (child.exitCode !== null) return
      child.kill('SIGTERM')
      await once(child, 'exit')
    },
  }
}
