import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'kysely'
import { StoreUnavailable } from './model/errors.ts'
import type { Db } from './store/db.ts'

/**
 * Makes the check of whether the store answers. Those who ask while a question is under way share it: a
 * database that hangs gets one, however often an orchestrator asks.
 * @returns rejects with StoreUnavailable also where there is no answer in time
 */
export function createStoreCheck(db: Db, timeoutMs = 5_000): () => Promise<void> {
  let underWay: Promise<unknown> | undefined
  return async () => {
    underWay ??= sql`select 1`.execute(db).finally(() => {
      underWay = undefined
    })
    const over = new AbortController()
    const late = sleep(timeoutMs, undefined, { signal: over.signal }).then(() => {
      throw new StoreUnavailable(`the database has not answered for ${timeoutMs} ms`)
    })
    try {
      await Promise.race([underWay, late])
    } finally {
      over.abort()
      late.catch(() => {
        // Only the losing timer, ended by the line above.
      })
    }
  }
}
