import { writePublications } from '../store/blocks.ts'
import type { Db } from '../store/db.ts'
import type { PreparedPublications } from './prepare.ts'

/**
 * Gives the prepared blocks their labels. Must be the transaction's last step: the collections' locks are
 * held from here to the commit, and polls of these collections wait for them.
 * @returns how many blocks polls will see once the transaction is committed
 */
export async function publish(db: Db, { publications }: PreparedPublications): Promise<number> {
  await writePublications(db, publications)
  return publications.reduce((sum, { blockCount }) => sum + blockCount, 0)
}
