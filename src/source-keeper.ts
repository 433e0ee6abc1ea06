import type { SourceState } from './model/source-state.ts'

export interface SourceKeeper {
  readonly state: () => SourceState
  /** Writes what the change makes of the state, in the background. */
  set(change: (state: SourceState) => SourceState): void
  /** Resolves when what was set until now is written, or could not be. */
  settled(): Promise<void>
}

/**
 * Keeps a source's state and writes it down beside the walk, which does not wait for it: of changes that come
 * faster than they are written, the last counts. One that cannot be written is told of and left; the next
 * has all that it had.
 */
export function createSourceKeeper(
  start: SourceState,
  write: (state: SourceState) => Promise<unknown>,
  onFailure: (error: Error, inARow: number) => void,
): SourceKeeper {
  let state = start
  let unwritten = false
  let failures = 0
  let writing: Promise<void> | undefined
  async function writeAll(): Promise<void> {
    while (unwritten) {
      unwritten = false
      try {
        await write(state)
        failures = 0
      } catch (error) {
        failures += 1
        onFailure(error as Error, failures)
      }
    }
    writing = undefined
  }
  return {
    state: () => state,
    set(change) {
      state = change(state)
      unwritten = true
      writing ??= writeAll()
    },
    settled: async () => writing,
  }
}
