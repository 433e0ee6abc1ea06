import { fileURLToPath } from 'node:url'
import { runPython } from '../helpers/python.ts'

export interface ScriptCall {
  /** as pip installs it, such as `taxii-poll` */
  readonly command: string
  readonly args: readonly string[]
}

export interface ScriptOutput {
  /** on standard output */
  readonly printed: string
  /** on standard error */
  readonly said: string
}

/**
 * Runs console scripts of Python packages one after the other, all in one process.
 * @returns what each wrote; cabby and libtaxii end with 0 whatever happened
 */
export async function runConsoleScripts(
  calls: readonly ScriptCall[],
): Promise<readonly ScriptOutput[]> {
  const driver = fileURLToPath(new URL('console_scripts.py', import.meta.url))
  const { stdout, stderr, code } = await runPython([driver], JSON.stringify(calls))
  if (code !== 0) throw new Error(`console_scripts.py ended with ${code}:\n${stderr}`)
  return JSON.parse(stdout)
}
