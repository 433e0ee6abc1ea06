import { setTimeout as sleep } from 'node:timers/promises'

/**
 * Runs a task at once and again `everyMs` after each end; a failure is reported and does not end it.
 * @returns stops it: the signal that the task was given is aborted, and a run under way is waited for
 */
export function startRepeating(
  everyMs: number,
  task: (signal: AbortSignal) => Promise<void>,
  onFailure: (error: Error) => void,
): () => Promise<void> {
  const stopping = new AbortController()
  const { signal } = stopping
  const loop = (async () => {
    while (!signal.aborted) {
      try {
        await task(signal)
      } catch (error) {
        if (!signal.aborted) onFailure(error as Error)
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
