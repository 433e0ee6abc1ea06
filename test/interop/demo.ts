import { execFile } from 'node:child_process'
import { delimiter, dirname } from 'node:path'
import type { Login } from '../helpers/poll.ts'
import { getTestPython } from '../helpers/python.ts'
import { type Settings, startTaxiway, type Taxiway } from '../helpers/taxiway.ts'

/** The part of tap's `t` that this needs. */
interface Teardown {
  teardown(work: () => Promise<void>): void
}

export interface Demo extends Taxiway {
  readonly url: string
  readonly login: Login
  /** blocks by collection, as it prints them */
  readonly printedBlocks: ReadonlyMap<string, number>
  /** the commands that it tells to type, each as a shell takes it */
  readonly commands: readonly string[]
}

/** Starts the demo on a free port and waits until it has told what to type. */
export async function startDemo(
  t: Teardown,
  args: readonly string[],
  folder: string,
  settings: Settings = {},
): Promise<Demo> {
  const demo = startTaxiway(
    t,
    ['demo', ...args],
    { TAXIWAY_PORT: '0', ...settings },
    { env: { TMPDIR: folder } },
  )
  await demo.saw(/Ctrl-C ends the demo and removes all that it made\.\n/, 'stdout')
  const text = demo.stdout()
  const [, url = ''] = /--path (http:\/\/[^/]+)\/taxii\/poll/.exec(text) ?? []
  const [, name = '', password = ''] = /--username (\S+) --password (\S+)/.exec(text) ?? []
  const table = text.slice(text.indexOf('What can be polled:'), text.indexOf('Poll it from'))
  const rows = table.matchAll(/^(\S+) +(\d+) {2}\S/gm)
  return {
    ...demo,
    url,
    login: { name, password },
    printedBlocks: new Map([...rows].map((row) => [String(row[1]), Number(row[2])])),
    commands: [...text.matchAll(/^ {2}((?:taxii-|curl )(?:.*\\\n)*.*)$/gm)].map((match) =>
      String(match[1]),
    ),
  }
}

/**
 * Runs a command as a person types it, with cabby's commands on the path. cabby's exit code is 0 on
 * failure too: what it says is all that tells.
 */
export function type(command: string): Promise<{ stdout: string; stderr: string }> {
  const PATH = [dirname(getTestPython()), process.env.PATH].join(delimiter)
  return new Promise((resolve, reject) => {
    execFile(
      'bash',
      ['-c', command],
      { env: { ...process.env, PATH }, maxBuffer: 256 * 1024 * 1024 },
      (error, stdout, stderr) => (error ? reject(error) : resolve({ stdout, stderr })),
    )
  })
}
