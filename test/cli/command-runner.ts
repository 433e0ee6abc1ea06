import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { keepEvidence } from '../helpers/evidence.ts'
import { type Ended, makeFolder, type Settings, startTaxiway } from '../helpers/taxiway.ts'

interface Teardown {
  teardown(work: () => Promise<void>): void
}

export interface RunOptions {
  /** as of startTaxiway */
  readonly showsSecret?: boolean
}

/** Runs one command to its end; the one that was asked for before has ended by then. */
export type RunCommand = (args: readonly string[], options?: RunOptions) => Promise<Ended>

const program = fileURLToPath(new URL('many-commands.ts', import.meta.url))

/**
 * What runs commands with these settings in one process, which starts with the first of them and is over when `t`
 * ends. A command that is to have a process of its own is run by `runTaxiway`.
 */
export function createCommandRunner(t: Teardown, settings: Settings): RunCommand {
  let process: Promise<(args: readonly string[]) => Promise<Ended>> | undefined
  let last: Promise<unknown> = Promise.resolve()
  return (args, options = {}) => {
    process ??= startProcess(t, settings)
    const ended = Promise.all([process, last]).then(async ([run]) => {
      const command = ['taxiway', ...args].join(' ')
      keepEvidence('argument', command, command)
      const said = await run(args)
      keepEvidence('log', `standard error of ${command}`, said.stderr)
      if (!options.showsSecret) {
        keepEvidence('output', `standard output of ${command}`, said.stdout)
      }
      return said
    })
    last = ended.catch(() => {})
    return ended
  }
}

async function startProcess(t: Teardown, settings: Settings) {
  const path = join(await makeFolder(t), 'commands.sock')
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(path, resolve))
  const { ended } = startTaxiway(t, [path], settings, { program })
  const connected = once(server, 'connection') as Promise<[Socket]>
  const over = ended.then(({ code, stderr }): never => {
    throw new Error(`the process of the commands ended with ${code}: ${stderr}`)
  })
  // Until a command waits for it, its end is nobody's business.
  over.catch(() => {})
  const [socket] = await Promise.race([connected, over])
  server.close()
  t.teardown(async () => {
    socket.destroy()
  })
  const lines = createInterface(socket)[Symbol.asyncIterator]()
  return async (args: readonly string[]): Promise<Ended> => {
    socket.write(`${JSON.stringify(args)}\n`)
    const { value } = await Promise.race([lines.next(), over])
    return value === undefined ? over : JSON.parse(value)
  }
}
