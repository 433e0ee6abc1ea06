import { lockForPublishing, writePublication } from '../store/blocks.ts'
import type { Db } from '../store/db.ts'
import type { PreparedPublications } from './prepare.ts'

/**
 * Gives the prepared blocks their labels. Must be the transaction's last step: the collections' locks are
 * held from here to the commit, and polls of these collections wait for them.
 * @returns how many blocks polls will see once the transaction is committed
 */
export async function publish(db: Db, prepared: PreparedPublications): Promise<number> {
  const byCollection = Map.groupBy(prepared.publications, ({ stream }) => stream.collectionId)
  let blocks = 0
  // In the order of their ids, so that two publishers never wait for each other.
  for (const collectionId of [...byCollection.keys()].sort((a, b) => a - b)) {
    let baseLabel = await lockForPublishing(db, collectionId)
    for (const { id, stream, blockCount } of byCollection.get(collectionId) ?? []) {
      await writePublication(db, { id, stream, baseLabel, blockCount })
      baseLabel += blockCount
      blocks += blockCount
    }
  }
  return blocks
}
