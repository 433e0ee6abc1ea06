import { fileURLToPath } from 'node:url'
import type { Login } from '../helpers/poll.ts'
import { runPython } from '../helpers/python.ts'

/** How much of each kind there is; what there is nothing of stands not in it. */
export type Counts = Readonly<Record<string, number>>

export interface FoundBlocks {
  /** `blocks` and, if counted, what python-stix finds in them, for each stream in the order asked */
  readonly streams: readonly Counts[]
  /** what python-stix or stix-validator's schemas said against a block */
  readonly errors: readonly string[]
  /** blocks that differ in more than ids and timestamps */
  readonly distinct: number
}

/**
 * Polls streams with cabby and has MITRE's libraries read each block, all in one process.
 * @param streams each a collection and a content binding
 * @param options.counted has python-stix read them too, some milliseconds each
 */
export async function readEveryBlock(
  service: { readonly url: string; readonly login: Login },
  streams: readonly (readonly [collection: string, binding: string])[],
  options: { readonly counted: boolean },
): Promise<FoundBlocks> {
  const { hostname, port } = new URL(service.url)
  const { name, password } = service.login
  const asked = {
    host: hostname,
    port: Number(port),
    username: name,
    password,
    streams,
    ...options,
  }
  const script = fileURLToPath(new URL('every_block.py', import.meta.url))
  const { stdout, stderr, code } = await runPython([script], JSON.stringify(asked))
  if (code !== 0) throw new Error(`every_block.py ended with ${code}:\n${stderr}`)
  return JSON.parse(stdout)
}
