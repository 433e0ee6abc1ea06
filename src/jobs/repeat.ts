import { setTimeout as sleep } from 'node:timers/promises'

/**
 * Runs a task at once and again `everyMs` after each end; a failure is reported and does not end it.
 * @returns stops it: the signal that the task was given is aborted, and a run under way is waited for
 */
export function startRepeating(
  everyMs: number,
  task: (signal: AbortSignal) => Promise<void>,
  onFailure: (error: Error, inARow: number) => void,
): () => Promise<void> {
  const stopping = new AbortController()
  const { signal } = stopping
  const loop = (async () => {
    let failures = 0
    while (!signal.aborted) {
      try {
        await task(signal)
        failures = 0
      } catch (error) {
        failures += 1
        if (!signal.aborted) onFailure(error as Error, failures)
      }
      await sleep(everyMs, undefined, { signal }).catch(() => {
        // Only the signal ends the pause early, and the loop looks at it next.
      })
    }
  })()
  return async () => {
    stopping.abort()
    await loop
  }
}
