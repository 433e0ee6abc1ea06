import { setTimeout as sleep } from 'node:timers/promises'

/**
 * Reads for `/metrics` what is in the store: those who ask while a question is under way share it, so that a
 * database that hangs gets one. A store that is away fails no scrape: then, and after `timeoutMs`, it is `otherwise`.
 */
export function createSharedRead<T>(
  read: () => Promise<T>,
  { otherwise, timeoutMs = 2_000 }: { readonly otherwise: T; readonly timeoutMs?: number },
): () => Promise<T> {
  let underWay: Promise<T> | undefined
  return async () => {
    underWay ??= read().finally(() => {
      underWay = undefined
    })
    const over = new AbortController()
    const late = sleep(timeoutMs, otherwise, { signal: over.signal })
    late.catch(() => {}) // the losing timer, ended below
    try {
      return await Promise.race([underWay, late])
    } catch {
      // /readyz and the log say why.
      return otherwise
    } finally {
      over.abort()
    }
  }
}
