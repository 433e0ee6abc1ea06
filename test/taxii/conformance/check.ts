import type { Test } from 'tap'
import type { World } from './world.ts'

/** One behaviour, as docs/conformance.md names its test. */
export interface Check {
  readonly name: string
  run(t: Test, world: World): Promise<void>
}

export function check(name: string, run: Check['run']): Check {
  return { name, run }
}
