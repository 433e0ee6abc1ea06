import { setTimeout as sleep } from 'node:timers/promises'

export type Task = (signal: AbortSignal) => Promise<void>
export type OnFailure = (error: Error, inARow: number) => void

/**
 * Runs a task at once and again `everyMs` after each end; a failure is reported and does not end it.
 * @returns once the signal is aborted, which the task is given too, and a run under way has ended
 */
export async function repeatUntil(
  signal: AbortSignal,
  everyMs: number,
  task: Task,
  onFailure: OnFailure,
): Promise<void> {
  let failures = 0
  while (!signal.aborted) {
    try {
      await task(signal)
      failures = 0
    } catch (error) {
      failures += 1
      if (!signal.aborted) onFailure(error as Error, failures)
    }
    await pause(everyMs, signal)
  }
}

/**
 * As `repeatUntil`.
 * @returns stops it: the signal that the task was given is aborted, and a run under way is waited for
 */
export function startRepeating(
  everyMs: number,
  task: Task,
  onFailure: OnFailure,
): () => Promise<void> {
  const stopping = new AbortController()
  const loop = repeatUntil(stopping.signal, everyMs, task, onFailure)
  return async () => {
    stopping.abort()
    await loop
  }
}

/** Waits so long, or until the signal is aborted. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => {
    // Only the signal ends the pause early, and the caller looks at it next.
  })
}
