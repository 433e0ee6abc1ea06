import type { Producer } from '../publish/prepare.ts'
import { lockIntake } from '../store/blocks.ts'
import type { Db } from '../store/db.ts'
import type { ReadJudging } from './judging.ts'

/** What every way into the store needs: handed in once, when the service is put together. */
export interface Intake {
  readonly db: Db
  readonly producer: Producer
  readonly readJudging: ReadJudging
  readonly clock: () => Date
  /**
   * Rejects when this writer may write no longer, such as one that was frozen while another process took
   * over its work. Asked behind the intake lock, in the transaction that would write.
   */
  readonly fence?: (trx: Db) => Promise<void>
  /** Aborted, work that takes long and can be gone on with another time ends after the transaction under way. */
  readonly signal?: AbortSignal
}

/**
 * Runs a transaction of the store's one writer at a time: waits for its turn, then works and commits.
 * @param work is given the moment by which it judges, read behind the lock so that writers see time go one way
 */
export async function writeInTurn<T>(
  { db, clock, fence }: Pick<Intake, 'db' | 'clock' | 'fence'>,
  work: (trx: Db, now: Date) => Promise<T>,
): Promise<T> {
  return db.transaction().execute(async (trx) => {
    await lockIntake(trx)
    await fence?.(trx)
    return work(trx, clock())
  })
}
