import type { Account } from '../model/account.ts'
import { readGrants } from '../store/accounts.ts'
import { readCollections } from '../store/collections.ts'
import type { Db } from '../store/db.ts'
import { countBlocks, cutIntoParts, readBlocks, readSafeLabel } from '../store/feed.ts'
import { createHeadReader } from '../store/packages.ts'
import { findResultSet, movePartEnds, writeResultSet } from '../store/result-sets.ts'
import type { Feed } from './feed.ts'

/** The feed as the store has it. */
export function createStoredFeed(db: Db, resultSetSeconds: number): Feed {
  const readHead = createHeadReader(db)
  const listCollections = async (account: Account) => {
    const collections = await readCollections(db)
    if (account.role === 'administrator') return collections
    const granted = await readGrants(db, account.id)
    return collections.filter(({ id }) => granted.has(id))
  }
  return {
    listCollections,
    findCollection: async (account, name) =>
      (await listCollections(account)).find((collection) => collection.name === name),
    fixRange: async (_account, collection, { begin, end }) => {
      const safe = await readSafeLabel(db, collection.id)
      return { range: { begin, end: Math.min(end ?? safe, safe) }, safe }
    },
    countBlocks: (stream, range) => countBlocks(db, stream, range),
    readBlocks: (stream, range) => readBlocks(db, readHead, stream, range),
    createResultSet: async (account, stream, range, pageSize) => {
      const parts = await cutIntoParts(db, stream, range, pageSize)
      return writeResultSet(
        db,
        { accountId: account.id, stream, range, ...parts },
        resultSetSeconds,
      )
    },
    findResultSet: (account, id) => findResultSet(db, account.id, id),
    movePartEnds: (set, partEnds) => movePartEnds(db, set, partEnds),
  }
}
